//! Implements `median`: a trial stops if its best value is worse than the median of the other
//! trials' values at the same rung. `judge` calls this rule. The rule never stops a trial while too
//! few others have reached the rung.

use super::MOST_RUNGS;

/// The rule `median`.
#[derive(Clone, Debug, PartialEq)]
pub struct Median {
    /// The first rung, as a number of logged finite values of the metric.
    pub min_iter: u32,
    /// The number of iterations from one rung to the next.
    pub interval: u32,
    /// The number of other trials that must have reached a rung before the rule stops a trial at
    /// this rung; 0 counts as 1.
    pub min_trials: u32,
}

impl Median {
    /// Returns the first rung above this iteration, or `None` after the last one.
    pub(super) fn next_rung(&self, after: u64) -> Option<u64> {
        let (first, interval) = (u64::from(self.min_iter), u64::from(self.interval.max(1)));
        let number = if after < first { 0 } else { (after - first) / interval + 1 };
        (number < MOST_RUNGS).then(|| first + number * interval)
    }

    /// Returns the median of the other trials' costs. For an even number of costs, this is the mean
    /// of the two in the middle. Returns `None` while there are too few costs.
    pub(super) fn threshold(&self, others: &[f64]) -> Option<f64> {
        let count = others.len();
        if (count as u64) < u64::from(self.min_trials.max(1)) {
            return None;
        }
        let high = others[count / 2];
        // Halving both values first keeps their sum from overflowing.
        Some(if count.is_multiple_of(2) { others[count / 2 - 1] / 2.0 + high / 2.0 } else { high })
    }
}
