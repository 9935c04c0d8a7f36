//! Sums up the finite values of a key: their number, the smallest, the largest and their sum.

/// The range and the sum of a key's finite numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Range {
    /// The number of finite numbers.
    pub(crate) count: u64,
    /// The smallest number.
    pub(crate) least: f64,
    /// The largest number.
    pub(crate) most: f64,
    /// The sum of the numbers.
    pub(crate) sum: f64,
}
