//! Implements `asha`: asynchronous successive halving in the form that stops trials (Li et al., "A
//! System for Massively Parallel Hyperparameter Tuning"). `judge` calls it. It never waits for a
//! rung to fill, and needs no checkpoint.

use super::{geometric, share};

/// The rule `asha`: a trial goes on while its best value is among the best `1/eta` of the values at
/// its rung.
#[derive(Clone, Debug, PartialEq)]
pub struct Asha {
    /// The iteration of the first rung.
    pub min_iter: u32,
    /// The factor from one rung to the next, above 1. The best `1/eta` of the trials go on.
    pub eta: f64,
    /// The iteration below which all rungs lie, since a trial that has come so far has finished;
    /// `None` if there is no such bound.
    pub max_iter: Option<u32>,
}

impl Asha {
    /// Iterates over the rungs in rising order, each once.
    pub(crate) fn rungs(&self) -> impl Iterator<Item = u64> {
        let end = self.max_iter.map_or(u64::MAX, u64::from);
        geometric(self.min_iter, self.eta).take_while(move |rung| *rung < end)
    }

    /// Returns the index of the worst cost that goes on, among `count` costs in ascending order.
    /// Returns `None` while all of them go on.
    pub(super) fn place(&self, count: usize) -> Option<usize> {
        share(count, self.eta).checked_sub(1)
    }
}
