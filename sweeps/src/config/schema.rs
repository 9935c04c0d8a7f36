//! Defines what a valid sweep file says: the result of the check. Each key has a file beside this
//! one that reads it.

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
    /// The method of the search.
    pub method: Method,
    /// The metric to optimise; always there for `bayes`.
    pub metric: Option<Metric>,
    /// The rule that stops a trial early; only with a metric.
    pub early_terminate: Option<EarlyTerminate>,
    /// The space to search.
    pub space: Space,
    /// The limits that a trial has to keep in order to count.
    pub constraints: Vec<Constraint>,
    /// The earlier sweeps with whose trials the search starts.
    pub warm_start: Vec<String>,
    /// The largest number of trials over all agents, at least 1; `None` if there is no limit.
    pub run_cap: Option<u64>,
    /// The longest time that a trial may run, in whole seconds from one second to a year; `None` if
    /// there is no limit.
    pub timeout: Option<Duration>,
    /// The number of further attempts by class of failure.
    pub retry: Retry,
    /// The script or binary that `${program}` stands for.
    pub program: Option<String>,
    /// The argv before expansion.
    pub command: Command,
    /// The display name.
    pub name: Option<String>,
    /// The description.
    pub description: Option<String>,
    /// The project of the runs.
    pub project: Option<String>,
    /// The seed of the search; if it is absent, it is drawn when the sweep is created.
    pub seed: Option<u64>,
}

/// The metric of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// The key in the run's history or summary.
    pub name: String,
    /// Whether larger values are better.
    pub maximize: bool,
    /// The finite value that ends the sweep: once a run reaches it, no new trial starts.
    pub target: Option<f64>,
    /// The value that a failed trial counts as in a model.
    pub impute: Impute,
}

/// The argv before expansion. Without the key `command` it is `${env} ${interpreter} ${program}
/// ${args}` for a program that ends in `.py`, and `${env} ${program} ${args}` for any other.
/// Without a program it is empty, since then a function agent runs the trials.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// The items as the YAML gives them.
    pub items: Vec<String>,
}

/// One item of argv after the expansion of everything that the node need not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// The pieces, which are joined without a separator.
    pub pieces: Vec<Piece>,
}

/// A part of an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text that is taken as it is.
    Text(String),
    /// The node's environment variable of this name, or the bare name if it is unset.
    EnvVar(String),
    /// The path of a file with the parameters as JSON, which the agent writes.
    ArgsJsonFile,
}

/// The outcome of a check.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The configuration; `None` if a problem is an error.
    pub config: Option<Config>,
    /// The problems in the order of their lines: at most 100 errors and 100 warnings, then one
    /// problem that counts the others.
    pub problems: Vec<Problem>,
}
