//! Implements W&B's `hyperband`: successive halving in one bracket that judges each trial when it
//! arrives. `judge` calls this rule. The rule never promotes, pauses or plans trials. A trial that
//! goes on at a rung is not judged again before the next rung.

use super::{geometric, share};

/// The rule `hyperband` of W&B.
#[derive(Clone, Debug, PartialEq)]
pub struct Hyperband {
    /// The positions of the rungs.
    pub bands: Bands,
    /// The divisor of the number of trials, above 1. Of n trials at a rung, the best n / `eta`,
    /// rounded down, and one more go on.
    pub eta: f64,
    /// Whether the rule judges a trial by its value at the rung. If `false`, the rule judges it by
    /// its best value up to the rung.
    pub strict: bool,
}

/// The positions of the rungs of W&B's rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bands {
    /// The rungs are `min_iter`, `min_iter * eta`, `min_iter * eta^2`, ...
    From {
        /// The first rung, as a number of logged finite values of the metric.
        min_iter: u32,
    },
    /// The rungs are the first `s` of `max_iter / eta`, `max_iter / eta^2`, ..., rounded down,
    /// without those below 1.
    UpTo {
        /// The number of iterations of a whole trial; the last rung lies below it.
        max_iter: u32,
        /// The number of rungs, including those below 1, which are left out.
        s: u32,
    },
}

impl Hyperband {
    /// Iterates over the distinct rungs in rising order.
    pub(crate) fn rungs(&self) -> Box<dyn Iterator<Item = u64>> {
        match self.bands {
            Bands::From { min_iter } => Box::new(geometric(min_iter, self.eta)),
            Bands::UpTo { max_iter, s } => {
                let exact =
                    std::iter::successors(Some(f64::from(max_iter)), |rung| Some(rung / self.eta));
                let most = u64::from(s).min(super::MOST_RUNGS) as usize;
                let whole = exact
                    .skip(1)
                    .take(most)
                    .take_while(|rung| *rung >= 1.0)
                    .map(|rung| rung as u64);
                let mut rungs: Vec<u64> = whole.collect();
                rungs.reverse();
                rungs.dedup();
                Box::new(rungs.into_iter())
            }
        }
    }

    /// Returns the index of the worst cost that goes on, among `count` costs in ascending order.
    /// For a single trial, the index is that of the trial itself, so the trial goes on.
    pub(super) fn place(&self, count: usize) -> usize {
        share(count, self.eta)
    }
}
