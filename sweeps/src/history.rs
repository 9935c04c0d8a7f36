//! What a sweep knows of its trials when it proposes the next one: the fold of its events up to one event number.
//! Kept by the controller's app, extended by events, read by `search`. Never holds a time or an agent.

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
}

/// What came of a trial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// Not over yet.
    Pending,
    /// Its best finite value of the metric, as it was logged (not negated for `maximize`).
    Value(f64),
    /// Over without a usable value: failed, crashed for good, stopped, or the metric was never logged.
    Failed,
}

impl History {
    /// The newest fit, where the next one starts.
    pub fn latest_fit(&self) -> Option<&Fit> {
        self.trials.iter().rev().find_map(|trial| trial.fit.as_ref())
    }
}
