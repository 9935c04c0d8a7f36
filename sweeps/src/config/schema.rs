//! What a valid sweep file says: the result of the check. Each key has a file beside this one that
//! reads it.

use std::time::Duration;

use super::problem::Problem;
use crate::{
    lifecycle::Retry,
    search::{Constraint, Impute, Method},
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

/// Argv before expansion. Without `command`: `${env} ${interpreter} ${program} ${args}` for a
/// program that ends in `.py`, `${env} ${program} ${args}` for any other, and nothing at all
/// without a program, since then a function agent runs the trials.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// Items as the YAML gives them.
    pub items: Vec<String>,
}

/// One item of argv after expansion of everything that the node need not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Joined without a separator.
    pub pieces: Vec<Piece>,
}

/// A part of an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Taken as it is.
    Text(String),
    /// The node's environment variable of this name, or the bare name when unset.
    EnvVar(String),
    /// Path of a file with the parameters as JSON, which the agent writes.
    ArgsJsonFile,
}

/// The outcome of a check.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Present when no problem is an error.
    pub config: Option<Config>,
    /// In the order of their lines; at most 100 errors and 100 warnings, then one line that counts
    /// the others.
    pub problems: Vec<Problem>,
}
