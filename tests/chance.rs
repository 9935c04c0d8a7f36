//! Draws times and choices from a seed, for the tests that kill programs. The timing of the
//! programs still differs from run to run.

use std::{env, thread, time::Duration};

use crate::{monotonic_ns, rows};

/// The variable that sets the seed.
const SEED_VAR: &str = "BESOM_SEED";

/// A sequence of numbers that look random. It names its seed when it begins, and again if the test
/// fails.
#[derive(Debug)]
pub struct Chance {
    seed: u64,
    state: u64,
}

impl Chance {
    /// Returns the sequence that begins with the seed in `BESOM_SEED`, else with a new seed.
    ///
    /// # Panics
    /// Panics if the variable is not a whole number below 2^64.
    pub fn from_environment() -> Self {
        let seed = match env::var(SEED_VAR) {
            Ok(seed) => seed.parse().unwrap_or_else(|_| panic!("{SEED_VAR}={seed} is no seed")),
            Err(_) => monotonic_ns(),
        };
        terminal::say(format_args!("moments and choices come from seed {seed}"));
        Self { seed, state: seed }
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
        self.state = rows::after(self.state);
        rows::loss(self.state)
    }
}

impl Drop for Chance {
    fn drop(&mut self) {
        if thread::panicking() {
            let seed = self.seed;
            terminal::say(format_args!(
                "{SEED_VAR}={seed} draws the same moments and choices again"
            ));
        }
    }
}
