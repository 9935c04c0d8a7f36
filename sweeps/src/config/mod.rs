//! The sweep's YAML: parsed into a tree with a span per node and validated by hand, so that all problems are told at
//! once, each with line, caret and hint. Called by the controller and by `sweep check`. Never reads a file.
//!
//! `tree` turns text into nodes, `top` and what it calls turn nodes into a [`Config`], and everybody tells problems to
//! one report. The language is W&B's; `docs/sweep-yaml.md` is its reference.

mod categorical;
mod command;
mod constraints;
mod distribution;
mod early_terminate;
mod fields;
mod hydra;
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

pub use command::{Argument, Command, Piece};
pub use problem::{Checked, Problem, Severity};
pub use render::render;

use std::time::Duration;

use crate::{
    lifecycle::Retry,
    search::{Constraint, Method},
    space::Space,
    stopping::EarlyTerminate,
};

/// A valid sweep configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// How to search.
    pub method: Method,
    /// What to optimise; always there for `bayes`.
    pub metric: Option<Metric>,
    /// When to stop a trial early; only with a metric.
    pub early_terminate: Option<EarlyTerminate>,
    /// Where to search.
    pub space: Space,
    /// What a trial has to satisfy to count.
    pub constraints: Vec<Constraint>,
    /// Earlier sweeps whose trials the search starts from.
    pub warm_start: Vec<String>,
    /// Most trials over all agents, at least 1.
    pub run_cap: Option<u64>,
    /// How long a trial may run, whole seconds from one second to a year.
    pub timeout: Option<Duration>,
    /// Which failures are worth further attempts.
    pub retry: Retry,
    /// The script or binary that `${program}` stands for.
    pub program: Option<String>,
    /// Argv before expansion.
    pub command: Command,
    /// Display name.
    pub name: Option<String>,
    /// Text.
    pub description: Option<String>,
    /// Project of the runs.
    pub project: Option<String>,
    /// Seed of the search; drawn when the sweep is created if absent.
    pub seed: Option<u64>,
}

/// The metric of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Key in the run's history or summary.
    pub name: String,
    /// Larger is better.
    pub maximize: bool,
    /// Once a run reaches it, no new trial starts. Finite.
    pub target: Option<f64>,
    /// What a failed trial counts as in a model.
    pub impute: Impute,
}

/// What a failed trial counts as in a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Impute {
    /// The worst value seen.
    #[default]
    Worst,
    /// The best value seen.
    Best,
    /// The run's last value.
    Latest,
}

/// Checks the text of a sweep's YAML. Costs at most about a second for any text, and a millisecond for a usual one: what
/// is larger than 1 MiB, deeper than 64 levels or more than 100,000 values with its aliases followed is refused.
pub fn check(text: &str) -> Checked {
    let mut report = problem::Report::default();
    let config = tree::parse(text, &mut report).and_then(|root| top::read(&root, &mut report));
    report.finish(config)
}
