//! Defines the result of a check, and with it the content of a valid sweep file. Other files of
//! this folder read the keys.

use std::time::Duration;

use super::problem::Problem;
use crate::{
    lifecycle::Retry,
    point::Wanted,
    search::{Constraint, Impute, Method},
    space::Space,
    stopping::EarlyTerminate,
};

/// A valid sweep configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The method of the search.
    pub method: Method,
    /// The metric to optimise; never `None` for `bayes`.
    pub metric: Option<Metric>,
    /// The rule that stops trials early; `None` if there is no rule, and always if there is no
    /// metric.
    pub early_terminate: Option<EarlyTerminate>,
    /// The space to search.
    pub space: Space,
    /// The limits that a trial has to keep in order to count.
    pub constraints: Vec<Constraint>,
    /// The ids of the earlier sweeps whose trials the search starts with.
    pub warm_start: Vec<String>,
    /// The points that the sweep tries first, in their order.
    pub points: Vec<Wanted>,
    /// The largest number of trials over all agents, at least 1; `None` if there is no limit.
    pub run_cap: Option<u64>,
    /// The longest time that a trial may run, in whole seconds from one second to a year; `None` if
    /// there is no limit.
    pub timeout: Option<Duration>,
    /// The number of further attempts after failures, by class.
    pub retry: Retry,
    /// The script or binary to which `${program}` expands.
    pub program: Option<String>,
    /// The argv before expansion.
    pub command: Command,
    /// The display name.
    pub name: Option<String>,
    /// The description.
    pub description: Option<String>,
    /// The project of the runs: its name, or its team and its name with `/` between them.
    pub project: Option<String>,
    /// The team of the project, if `project` names none. W&B calls it entity.
    pub entity: Option<String>,
    /// The seed of the search; if it is `None`, the controller draws a seed when it creates the
    /// sweep.
    pub seed: Option<u64>,
}

/// The metric of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// The key under which runs log the metric.
    pub name: String,
    /// Whether larger values are better.
    pub maximize: bool,
    /// The finite value at which the sweep ends: no new trial starts after a run has reached it;
    /// `None` if there is no such value.
    pub target: Option<f64>,
    /// The value that a model uses for a failed trial.
    pub impute: Impute,
}

/// The argv before expansion. Without the key `command`, the default is `${env} ${interpreter}
/// ${program} ${args}` for a program that ends in `.py`, and `${env} ${program} ${args}` for any
/// other program. Without `command` and `program`, the argv is empty, and a function agent runs the
/// trials.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// The items as the YAML has them, or the default items.
    pub items: Vec<String>,
}

/// One item of argv. Only its environment variables and the file of parameters are left for the
/// agent to expand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// The pieces, which are joined without a separator.
    pub pieces: Vec<Piece>,
}

/// A part of an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text without macros.
    Text(String),
    /// The value of the node's environment variable with this name, or the name itself if the
    /// variable is unset.
    EnvVar(String),
    /// The path of a file with the parameters as JSON, which the agent writes.
    ArgsJsonFile,
}

/// The result of a check of points for a sweep that exists.
#[derive(Clone, Debug)]
pub struct CheckedPoints {
    /// The points in their order; `None` if a problem is an error.
    pub points: Option<Vec<Wanted>>,
    /// The problems, as in [`Checked`].
    pub problems: Vec<Problem>,
}

/// The result of a check.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The configuration; `None` if a problem is an error.
    pub config: Option<Config>,
    /// The problems in the order of their lines: at most 100 errors and 100 warnings, then one
    /// problem that counts the others.
    pub problems: Vec<Problem>,
}
