//! Draws times and choices from a seed, for the tests that kill programs. The timing of the
//! programs still differs from run to run.

use std::time::Duration;

use crate::rows;

/// A sequence of numbers that look random.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// Returns the sequence that begins with this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a time below `most`.
    pub fn up_to(&mut self, most: Duration) -> Duration {
        most.mul_f64(self.fraction())
    }

    /// Returns a number below `count`.
    pub fn below(&mut self, count: usize) -> usize {
        (self.fraction() * count as f64) as usize
    }

    /// Returns a number from 0 to 1, without 1.
    fn fraction(&mut self) -> f64 {
        self.0 = rows::after(self.0);
        rows::loss(self.0)
    }
}
