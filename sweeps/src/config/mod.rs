//! Checks the sweep's YAML. It parses the text into a tree with a span per node and validates the
//! tree by hand, so that one check reports all problems, each with line, caret and hint. The
//! controller and `sweep check` call it. It never reads a file.
//!
//! `tree` turns text into nodes, and `top` and the modules that it calls turn nodes into a
//! [`Config`]. All of them report problems to one report. The language is W&B's;
//! `docs/sweep-yaml.md` is its reference.

mod categorical;
mod command;
mod constraints;
mod distribution;
mod early_terminate;
mod fields;
mod hydra;
mod leaf;
mod method;
mod metric;
pub(crate) mod nearest;
mod parameters;
mod problem;
mod python;
mod real;
mod render;
mod retry;
mod scalar;
mod schema;
mod slips;
mod syntax;
mod tag;
#[cfg(test)]
mod tests;
mod text;
mod timeout;
mod top;
mod tree;
mod value;
mod warm_start;
mod when;

pub use problem::{Problem, Severity};
pub use render::render;
pub use schema::{Argument, Checked, Command, Config, Metric, Piece};

/// Checks the text of a sweep's YAML. It takes at most about a second for any text, and a
/// millisecond for a usual one. It refuses a text that is larger than 1 MiB, deeper than 64 levels,
/// or has more than 100,000 values with its aliases followed.
pub fn check(text: &str) -> Checked {
    let mut report = problem::Report::default();
    let config = tree::parse(text, &mut report).and_then(|root| top::read(&root, &mut report));
    let config = config.filter(|_| report.errors() == 0);
    Checked { config, problems: report.finish() }
}
