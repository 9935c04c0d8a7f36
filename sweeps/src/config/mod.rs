//! The sweep's YAML: parsed into a tree with a span per node and validated by hand, so that all
//! problems are told at once, each with line, caret and hint. Called by the controller and by
//! `sweep check`. Never reads a file.
//!
//! `tree` turns text into nodes, `top` and what it calls turn nodes into a [`Config`], and
//! everybody tells problems to one report. The language is W&B's; `docs/sweep-yaml.md` is its
//! reference.

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

/// Checks the text of a sweep's YAML. Costs at most about a second for any text, and a millisecond
/// for a usual one: what is larger than 1 MiB, deeper than 64 levels or more than 100,000 values
/// with its aliases followed is refused.
pub fn check(text: &str) -> Checked {
    let mut report = problem::Report::default();
    let config = tree::parse(text, &mut report).and_then(|root| top::read(&root, &mut report));
    let config = config.filter(|_| report.errors() == 0);
    Checked { config, problems: report.finish() }
}
