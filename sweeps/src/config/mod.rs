//! Checks the text of a sweep's YAML. The check parses the text into a tree with a span per node,
//! and validates the tree with code of its own. So one check reports all problems, each with its
//! place and usually a hint. The controller and `sweep check` call this module, which never reads a
//! file.
//!
//! `tree` turns text into nodes, and `top` and the modules that it calls turn nodes into a
//! [`Config`]. All these modules add their problems to one report. The language is that of W&B's
//! sweeps; `docs/sweep-yaml.md` is its reference.

mod categorical;
mod command;
mod constraints;
mod distribution;
mod early_terminate;
mod fields;
mod fit;
mod hydra;
mod leaf;
mod method;
mod metric;
pub(crate) mod nearest;
mod parameters;
mod points;
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

pub use command::NO_PROGRAM;
pub use problem::{Problem, Severity};
pub use render::render;
pub use schema::{Argument, Checked, CheckedPoints, Command, Config, Metric, Piece};

/// Checks the text of a sweep's YAML. A check takes a millisecond for a usual text, and at most
/// about a second for any text. The check refuses a text that is larger than 1 MiB, or is nested
/// deeper than 64 levels. The check also refuses a text with more than 100,000 values. Each alias
/// counts all values that it stands for.
pub fn check(text: &str) -> Checked {
    let mut report = problem::Report::default();
    let config = tree::parse(text, &mut report).and_then(|root| top::read(&root, &mut report));
    let config = config.filter(|_| report.errors() == 0);
    Checked { config, problems: report.finish() }
}

/// Checks points that people want a sweep to try. The text is a list of points as below the key
/// `points`, or one point.
pub fn check_points(text: &str, config: &Config) -> CheckedPoints {
    let mut report = problem::Report::default();
    let points = tree::parse(text, &mut report)
        .and_then(|root| points::of_text(&root, config, &mut report))
        .filter(|_| report.errors() == 0);
    CheckedPoints { points, problems: report.finish() }
}
