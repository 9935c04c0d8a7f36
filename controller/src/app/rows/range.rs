//! Defines how a key's finite numbers are summed up: as their count, the smallest, the largest and
//! their sum.

/// The range and the sum of a key's finite numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Range {
    /// The count of the key's finite numbers.
    pub(crate) count: u64,
    /// The smallest finite number.
    pub(crate) least: f64,
    /// The largest finite number.
    pub(crate) most: f64,
    /// The sum of the finite numbers.
    pub(crate) sum: f64,
}

impl Range {
    /// Sums the numbers up as `min`, `max` or `mean`; `None` for any other word.
    pub(in crate::app) fn summed_up(&self, way: &str) -> Option<f64> {
        match way {
            "min" => Some(self.least),
            "max" => Some(self.most),
            "mean" => Some(self.sum / self.count as f64),
            _ => None,
        }
    }
}
