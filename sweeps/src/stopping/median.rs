//! `median`: a trial stops when its best is worse than what most others had at the same rung.
//! Called by `judge`. Never decides while only few others have been there.

use super::MOST_RUNGS;

/// The median rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Median {
    /// The first rung.
    pub min_iter: u32,
    /// From one rung to the next.
    pub interval: u32,
    /// How many others must have been at a rung before it stops anybody.
    pub min_trials: u32,
}

impl Median {
    /// The first rung above this iteration.
    pub(super) fn next_rung(&self, after: u64) -> Option<u64> {
        let (first, interval) = (u64::from(self.min_iter), u64::from(self.interval.max(1)));
        let number = if after < first { 0 } else { (after - first) / interval + 1 };
        (number < MOST_RUNGS).then(|| first + number * interval)
    }

    /// The median of the others; for an even number of them the mean of the two in the middle.
    pub(super) fn threshold(&self, others: &[f64]) -> Option<f64> {
        let count = others.len();
        if (count as u64) < u64::from(self.min_trials.max(1)) {
            return None;
        }
        let high = others[count / 2];
        // Halved first, so that nothing overflows.
        Some(if count.is_multiple_of(2) { others[count / 2 - 1] / 2.0 + high / 2.0 } else { high })
    }
}
