//! Implements `asha`: asynchronous successive halving in the form that stops trials (Li et al., "A
//! System for Massively Parallel Hyperparameter Tuning"). `judge` calls this rule. The rule judges
//! a trial as soon as it arrives at a rung, and needs no checkpoint.

use super::{geometric, share};

/// The rule `asha`: a trial goes on while its best value is among the best `1/eta` of the best
/// values of all trials that have reached the rung.
#[derive(Clone, Debug, PartialEq)]
pub struct Asha {
    /// The first rung, as a number of logged finite values of the metric.
    pub min_iter: u32,
    /// The factor from one rung to the next, above 1. The best `1/eta` of the trials at a rung go
    /// on, rounded down; while there are fewer than `eta`, all go on.
    pub eta: f64,
    /// The number of iterations of a whole trial, below which all rungs lie; `None` if there is no
    /// such bound.
    pub max_iter: Option<u32>,
}

impl Asha {
    /// Iterates over the distinct rungs in rising order.
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
