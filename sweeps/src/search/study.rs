//! What a search works on and what it gives: the study, which stays the same over all trials of a
//! sweep, and the suggestion for one trial.

use serde::{Deserialize, Serialize};

use super::Ingredient;
use crate::{point::Point, space::Space};

/// How a sweep chooses its points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Every cell once, counted in W&B's order.
    Grid,
    /// Independent draws.
    Random,
    /// Points that cover the space evenly: a scrambled Sobol sequence.
    Sobol,
    /// Expected improvement under a Gaussian process.
    Bayes,
}

impl Method {
    /// Grid, random and sobol need the trial's number alone; the others read the history.
    pub fn needs_history(self) -> bool {
        matches!(self, Method::Bayes)
    }
}

/// What stays the same over all trials of a sweep.
#[derive(Clone, Debug)]
pub struct Study {
    /// The way to search.
    pub method: Method,
    /// Where to search.
    pub space: Space,
    /// Larger values of the metric are better.
    pub maximize: bool,
    /// What a failed trial counts as.
    pub impute: Impute,
    /// Drawn once, when the sweep was created, or given in the YAML.
    pub seed: u64,
    /// What a trial's outcome has to satisfy beside its metric.
    pub constraints: Vec<Constraint>,
    /// Finished trials of earlier sweeps, to start warm from, best first. Fixed when the sweep was
    /// created.
    pub earlier: Vec<Earlier>,
    /// What the Bayesian search does without; nothing but an ablation leaves anything out.
    pub without: Vec<Ingredient>,
}

/// A limit on a second metric: a trial beyond it does not count, however good.
#[derive(Clone, Debug, PartialEq)]
pub struct Constraint {
    /// The key that the program logs.
    pub metric: String,
    /// Which side of `limit` is allowed; the limit itself is.
    pub side: Side,
    /// In the metric's units.
    pub limit: f64,
}

impl Constraint {
    /// Whether a value is on the allowed side; one that was never logged is not.
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
    /// At most the limit.
    AtMost,
    /// At least the limit.
    AtLeast,
}

/// A finished trial of an earlier sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Earlier {
    /// Which of the earlier sweeps, counted from 0.
    pub sweep: usize,
    /// Its parameters, as its program received them; what the present space lacks is left out by
    /// the search.
    pub config: serde_json::Value,
    /// The metric of the present sweep, as that run logged it.
    pub value: f64,
}

impl Study {
    /// A study without metric, constraints or a past.
    pub fn new(method: Method, space: Space, seed: u64) -> Study {
        Study {
            method,
            space,
            maximize: false,
            impute: Impute::default(),
            seed,
            constraints: Vec::new(),
            earlier: Vec::new(),
            without: Vec::new(),
        }
    }

    /// Whether a trial keeps every limit; `constrained` has the value that counts of each, where
    /// one was logged.
    pub fn is_feasible(&self, constrained: &[Option<f64>]) -> bool {
        let value = |index: usize| constrained.get(index).copied().flatten();
        self.constraints.iter().enumerate().all(|(index, limit)| limit.holds(value(index)))
    }

    /// Whether this ingredient is in use.
    pub(super) fn has(&self, ingredient: Ingredient) -> bool {
        !self.without.contains(&ingredient)
    }
}

/// The next point and where it came from. Stored with the trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Suggestion {
    /// What to evaluate.
    pub point: Point,
    /// Why this point, for people.
    pub origin: Origin,
    /// The surrogate's hyperparameters, from which the next fit starts.
    pub fit: Option<Fit>,
}

/// Why a point was proposed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Origin {
    /// Cell `cell` of the grid.
    Grid {
        /// Counted from 0.
        cell: u64,
    },
    /// An independent draw.
    Random,
    /// A point of the Sobol sequence, whose index is the trial's number.
    Sobol,
    /// A point of the initial design, before a model exists.
    Initial,
    /// The surrogate's choice.
    Model {
        /// Predicted mean of the metric, in its own units.
        mean: f64,
        /// Predicted standard deviation, in the metric's units.
        deviation: f64,
        /// Expected improvement over the incumbent, in the metric's units.
        improvement: f64,
    },
}

/// Hyperparameters of a Gaussian process fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// Natural logarithms, in an order that only the surrogate knows.
    pub log_hyperparameters: Vec<f64>,
    /// The same of the models of the constrained outcomes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<Vec<f64>>,
    /// How many observations there were when they were fitted: a suggestion soon after uses them
    /// again.
    #[serde(default)]
    pub observations: usize,
}

/// The space has no further point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("every point of the space has been handed out")]
pub struct Exhausted;

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
