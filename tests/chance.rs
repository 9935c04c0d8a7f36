//! Moments and choices for the tests that kill: from a seed, though what they meet differs from run
//! to run by itself.

use std::time::Duration;

use crate::rows;

/// A sequence of numbers that look drawn.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// The one that begins here.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A time below `most`.
    pub fn up_to(&mut self, most: Duration) -> Duration {
        most.mul_f64(self.fraction())
    }

    /// A number below `count`.
    pub fn below(&mut self, count: usize) -> usize {
        (self.fraction() * count as f64) as usize
    }

    /// 0 to 1, without 1.
    fn fraction(&mut self) -> f64 {
        self.0 = rows::after(self.0);
        rows::loss(self.0)
    }
}
