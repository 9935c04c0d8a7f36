//! Holds the trials of a sweep with their results, as they were known when a trial was proposed. A
//! history is the result of applying the sweep's events up to one event number. The controller's
//! app keeps the history and extends it by events, and `search` reads it. A history never holds a
//! time or an agent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    point::{Point, Wanted},
    search::Fit,
};

/// The trials of a sweep in the order of their numbers, 0 first, without gaps.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Trial `n` is at index `n`.
    pub trials: Vec<Trial>,
    /// The wanted points that people have queued, by the numbers of the trials that took them.
    /// Every method reads them, even one that needs no trials.
    pub queued: BTreeMap<u64, Wanted>,
}

/// The data of one trial that the search uses.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The point at which the trial was evaluated.
    pub point: Point,
    /// The result of the trial.
    pub outcome: Outcome,
    /// The fit of the model that proposed the trial; `None` if no model proposed it.
    pub fit: Option<Fit>,
    /// The best value of the metric up to each rung of early stopping that the trial crossed, in
    /// rising order of the rungs.
    pub rungs: Vec<Rung>,
    /// For each outcome constraint of the study, the last value that the trial logged; `None` if
    /// that value is missing or not finite. The list is empty while the trial is pending.
    pub constrained: Vec<Option<f64>>,
}

/// A trial's metric at a rung of early stopping.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rung {
    /// The rung: how often the trial had logged the metric with a finite value.
    pub iteration: u64,
    /// The best finite value up to this rung, as the trial logged it.
    pub value: f64,
}

impl Trial {
    /// Returns a trial that has just been handed out.
    pub fn pending(point: Point, fit: Option<Fit>) -> Trial {
        Trial { point, outcome: Outcome::Pending, fit, rungs: Vec::new(), constrained: Vec::new() }
    }
}

/// The result of a trial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// The trial has not ended.
    Pending,
    /// The trial ended, and this is its best finite value of the metric, as the trial logged it
    /// (not negated for `maximize`).
    Value(f64),
    /// A stopping rule ended the trial at its last rung. The number is the trial's best finite
    /// value when it ended. With more iterations it might have become better.
    Pruned(f64),
    /// The trial ended without a usable value: it failed, crashed for good, was stopped by hand, or
    /// never logged the metric.
    Failed,
}

impl History {
    /// Iterates over the fits that proposed trials, newest first.
    pub fn fits(&self) -> impl Iterator<Item = &Fit> {
        self.trials.iter().rev().filter_map(|trial| trial.fit.as_ref())
    }
}
