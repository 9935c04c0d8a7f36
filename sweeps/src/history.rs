//! What a sweep knows of its trials when it proposes the next one: the fold of its events up to one
//! event number. Kept by the controller's app, extended by events, read by `search`. Never holds a
//! time or an agent.

use serde::{Deserialize, Serialize};

use crate::{point::Point, search::Fit};

/// The trials of a sweep in the order of their numbers, 0 first, without gaps.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Trial `n` at index `n`.
    pub trials: Vec<Trial>,
}

/// One trial as the search sees it.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Where it was evaluated.
    pub point: Point,
    /// What came of it.
    pub outcome: Outcome,
    /// The model's fit that proposed it, if a model did.
    pub fit: Option<Fit>,
    /// What it had reached at each rung of early stopping that it crossed, in rising order.
    pub rungs: Vec<Rung>,
    /// Per outcome constraint of the study the value that counts, where one was logged; empty while
    /// it is pending.
    pub constrained: Vec<Option<f64>>,
}

/// A trial's metric at a rung of early stopping.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rung {
    /// How often the metric had been logged.
    pub iteration: u64,
    /// Its best finite value until then, as it was logged.
    pub value: f64,
}

impl Trial {
    /// A trial that has just been handed out.
    pub fn pending(point: Point, fit: Option<Fit>) -> Trial {
        Trial { point, outcome: Outcome::Pending, fit, rungs: Vec::new(), constrained: Vec::new() }
    }
}

/// What came of a trial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// Not over yet.
    Pending,
    /// Its best finite value of the metric, as it was logged (not negated for `maximize`).
    Value(f64),
    /// Stopped early at its last rung, with its best finite value until then: it might have become
    /// better.
    Pruned(f64),
    /// Over without a usable value: failed, crashed for good, stopped by hand, or the metric was
    /// never logged.
    Failed,
}

impl History {
    /// The fits that proposed trials, newest first.
    pub fn fits(&self) -> impl Iterator<Item = &Fit> {
        self.trials.iter().rev().filter_map(|trial| trial.fit.as_ref())
    }
}
