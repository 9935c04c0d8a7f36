//! Defines the input and the output of a search. The input is the study, which stays the same over
//! all trials of a sweep. The output is the suggestion for one trial.

use serde::{Deserialize, Serialize};

use super::Ingredient;
use crate::{
    point::{Point, Wanted},
    space::Space,
};

/// The method by which a sweep chooses its points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Every cell of the grid once, in W&B's order.
    Grid,
    /// Independent draws.
    Random,
    /// Points that cover the space evenly: a scrambled Sobol sequence.
    Sobol,
    /// Points with the highest expected improvement under a Gaussian process.
    Bayes,
}

impl Method {
    /// Returns whether the method reads the history. Grid, random and sobol need the trial's number
    /// alone.
    pub fn needs_history(self) -> bool {
        matches!(self, Method::Bayes)
    }
}

/// The part of a search that stays the same over all trials of a sweep.
#[derive(Clone, Debug)]
pub struct Study {
    /// The method of the search.
    pub method: Method,
    /// The space to search.
    pub space: Space,
    /// Whether larger values of the metric are better.
    pub maximize: bool,
    /// The value that the model uses for a failed trial.
    pub impute: Impute,
    /// The seed, drawn once when the sweep was created, or given in the YAML.
    pub seed: u64,
    /// The limits on further metrics that a trial has to keep.
    pub constraints: Vec<Constraint>,
    /// The finished trials of earlier sweeps with which the search starts warm, best first. These
    /// trials are fixed when the sweep is created.
    pub earlier: Vec<Earlier>,
    /// The points of the configuration, which come before those of the method.
    pub wanted: Vec<Wanted>,
    /// The ingredients that the Bayesian search leaves out. The list is empty except in an ablation
    /// and in an explanation. An explanation leaves out the cut of outliers.
    pub without: Vec<Ingredient>,
}

/// A limit on a second metric. A trial beyond the limit does not count, however good its metric is.
#[derive(Clone, Debug, PartialEq)]
pub struct Constraint {
    /// The key that the program logs.
    pub metric: String,
    /// The allowed side of `limit`; the limit itself is allowed.
    pub side: Side,
    /// The limit in the metric's units.
    pub limit: f64,
}

impl Constraint {
    /// Returns the least and the largest allowed value. One of the two is the limit.
    pub fn bounds(&self) -> (Option<f64>, Option<f64>) {
        match self.side {
            Side::AtLeast => (Some(self.limit), None),
            Side::AtMost => (None, Some(self.limit)),
        }
    }

    /// Returns whether a value is on the allowed side. Returns `false` for `None`, a value that was
    /// never logged.
    pub fn holds(&self, value: Option<f64>) -> bool {
        value.is_some_and(|value| match self.side {
            Side::AtMost => value <= self.limit,
            Side::AtLeast => value >= self.limit,
        })
    }
}

/// The allowed side of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Values up to the limit are allowed.
    AtMost,
    /// Values from the limit on are allowed.
    AtLeast,
}

/// A finished trial of an earlier sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Earlier {
    /// The index of the earlier sweep, counted from 0.
    pub sweep: usize,
    /// The trial's parameters, as its program received them. The search ignores parameters that the
    /// present space lacks.
    pub config: serde_json::Value,
    /// The value of the present sweep's metric, as the earlier trial logged it.
    pub value: f64,
}

impl Study {
    /// Returns a study that minimises, without constraints and without earlier sweeps.
    pub fn new(method: Method, space: Space, seed: u64) -> Study {
        Study {
            method,
            space,
            maximize: false,
            impute: Impute::default(),
            seed,
            constraints: Vec::new(),
            earlier: Vec::new(),
            wanted: Vec::new(),
            without: Vec::new(),
        }
    }

    /// Returns whether a trial keeps every limit. `constrained` has the last value that the trial
    /// logged for each limit, or `None` if there is none.
    pub fn is_feasible(&self, constrained: &[Option<f64>]) -> bool {
        let value = |index: usize| constrained.get(index).copied().flatten();
        self.constraints.iter().enumerate().all(|(index, limit)| limit.holds(value(index)))
    }

    /// Returns whether the study uses this ingredient.
    pub(super) fn has(&self, ingredient: Ingredient) -> bool {
        !self.without.contains(&ingredient)
    }
}

/// The next point and its origin, which are stored with the trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Suggestion {
    /// The point to evaluate.
    pub point: Point,
    /// The reason why the search chose this point, which users see.
    pub origin: Origin,
    /// The surrogate's hyperparameters, from which the next fit starts; `None` if no model chose
    /// the point.
    pub fit: Option<Fit>,
}

/// The reason why a point was proposed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Origin {
    /// Cell `cell` of the grid.
    Grid {
        /// The number of the cell, counted from 0.
        cell: u64,
    },
    /// An independent draw.
    Random,
    /// A point of the Sobol sequence, whose index is the trial's number.
    Sobol,
    /// A point of the initial design, before a model exists.
    Initial,
    /// A point of the configuration.
    Listed {
        /// The index of the point in the list `points`, counted from 0.
        index: u64,
    },
    /// A point that people have queued.
    Queued,
    /// The surrogate's choice.
    Model {
        /// The predicted mean of the metric, in its own units.
        mean: f64,
        /// The predicted standard deviation, in the metric's units.
        deviation: f64,
        /// The expected improvement over the incumbent, in the metric's units, times the
        /// probability that the point keeps every limit. Without an incumbent, one standard
        /// deviation of the outcomes stands for the improvement.
        improvement: f64,
    },
}

/// The hyperparameters of a fit of a Gaussian process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// The natural logarithms for the model of the metric, in the order of `gp::Hyperparameters`.
    pub log_hyperparameters: Vec<f64>,
    /// The natural logarithms for the model of each outcome with a limit, in the order of the
    /// study's constraints.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<Vec<f64>>,
    /// The number of observations at the time of the fit. Later suggestions use the same
    /// hyperparameters until enough new observations have come.
    #[serde(default)]
    pub observations: usize,
}

/// The error of a search in a space that has no further point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("every point of the space has been handed out")]
pub struct Exhausted;

/// The value that a model uses for a failed trial.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Impute {
    /// A failed trial counts as the worst value of any trial, after the cut of the bad tail.
    #[default]
    Worst,
    /// A failed trial counts as the best value of any trial.
    Best,
    /// A failed trial counts as its last value. A history has no value of a failed trial, so
    /// `Latest` acts like `Worst`.
    Latest,
}
