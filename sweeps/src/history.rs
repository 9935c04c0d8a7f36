//! Holds what a sweep knows of its trials when it proposes the next one: the fold of its events up
//! to one event number. The controller's app keeps it and extends it by events, and `search` reads
//! it. It never holds a time or an agent.

use serde::{Deserialize, Serialize};

use crate::{point::Point, search::Fit};

/// The trials of a sweep in the order of their numbers, 0 first, without gaps.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Trial `n` is at index `n`.
    pub trials: Vec<Trial>,
}

/// One trial as the search sees it.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The point at which the trial was evaluated.
    pub point: Point,
    /// The result of the trial.
    pub outcome: Outcome,
    /// The model's fit that proposed the trial; `None` if no model did.
    pub fit: Option<Fit>,
    /// The metric at each rung of early stopping that the trial crossed, in rising order.
    pub rungs: Vec<Rung>,
    /// For each outcome constraint of the study, the value that counts, or `None` if the trial
    /// logged none. Empty while the trial is pending.
    pub constrained: Vec<Option<f64>>,
}

/// A trial's metric at a rung of early stopping.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rung {
    /// How often the trial had logged the metric.
    pub iteration: u64,
    /// The best finite value until then, as the trial logged it.
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
    /// The trial is not over.
    Pending,
    /// The best finite value of the metric, as the trial logged it (not negated for `maximize`).
    Value(f64),
    /// A stopping rule ended the trial at its last rung. The value is its best finite one until
    /// then; it might have become better.
    Pruned(f64),
    /// The trial is over without a usable value: it failed, crashed for good, was stopped by hand,
    /// or never logged the metric.
    Failed,
}

impl History {
    /// Iterates over the fits that proposed trials, newest first.
    pub fn fits(&self) -> impl Iterator<Item = &Fit> {
        self.trials.iter().rev().filter_map(|trial| trial.fit.as_ref())
    }
}
