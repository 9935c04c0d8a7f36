//! W&B's `hyperband`: successive halving in one bracket, where each trial is judged when it
//! arrives. Called by `judge`. Never promotes, pauses or plans: a trial that was let go on at a
//! rung is not looked at again before the next one.

use super::{geometric, share};

/// W&B's `hyperband`.
#[derive(Clone, Debug, PartialEq)]
pub struct Hyperband {
    /// Where the rungs are.
    pub bands: Bands,
    /// The best `1/eta` go on. Above 1.
    pub eta: f64,
    /// Judge by the value at the rung; else by the best until there.
    pub strict: bool,
}

/// Where the rungs of W&B's rule are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bands {
    /// `min_iter`, `min_iter * eta`, `min_iter * eta^2`, ...
    From {
        /// The first rung.
        min_iter: u32,
    },
    /// `max_iter / eta`, `max_iter / eta^2`, ...: `s` of them, those below 1 left out.
    UpTo {
        /// Above the last rung.
        max_iter: u32,
        /// How many rungs.
        s: u32,
    },
}

impl Hyperband {
    /// The rungs in rising order, each once.
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

    /// The index of the worst that goes on, among so many in ascending order. For one trial its
    /// own: it goes on.
    pub(super) fn place(&self, count: usize) -> usize {
        share(count, self.eta)
    }
}
