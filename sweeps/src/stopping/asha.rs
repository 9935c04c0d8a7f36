//! `asha`: asynchronous successive halving in the form that stops (Li et al., "A System for
//! Massively Parallel Hyperparameter Tuning"). Called by `judge`. Never waits for a rung to fill
//! and needs no checkpoint.

use super::{geometric, share};

/// Asynchronous successive halving: a trial goes on while its best is in the best `1/eta` of those
/// seen at its rung.
#[derive(Clone, Debug, PartialEq)]
pub struct Asha {
    /// The first rung.
    pub min_iter: u32,
    /// The best `1/eta` go on, and each rung lies `eta` times as far as the one before. Above 1.
    pub eta: f64,
    /// No rung lies here or above: a trial that has come so far has finished.
    pub max_iter: Option<u32>,
}

impl Asha {
    /// The rungs in rising order, each once.
    pub(crate) fn rungs(&self) -> impl Iterator<Item = u64> {
        let end = self.max_iter.map_or(u64::MAX, u64::from);
        geometric(self.min_iter, self.eta).take_while(move |rung| *rung < end)
    }

    /// The index of the worst that goes on, among so many in ascending order; `None` while all of
    /// them do.
    pub(super) fn place(&self, count: usize) -> Option<usize> {
        share(count, self.eta).checked_sub(1)
    }
}
