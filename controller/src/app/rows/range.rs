//! The finite values of a key, summed up: how many, the least, the most and their sum.

/// What the finite numbers of a key add up to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Range {
    /// How many.
    pub(crate) count: u64,
    /// The smallest.
    pub(crate) least: f64,
    /// The largest.
    pub(crate) most: f64,
    /// All together.
    pub(crate) sum: f64,
}
