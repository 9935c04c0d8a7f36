//! Keeps what the surrogates of sweeps have learned, and the points that come next, so that several
//! panels and several people share one computation. All of this is a cache: it can be computed
//! again from the database. `app::sweeps::explain` and `app::sweeps::proposals` use it.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use ::sweeps::{
    history::{History, Outcome},
    search::{
        Study, Suggestion,
        explain::{Explanation, Surrogate, Unexplained},
    },
};
use lru::LruCache;
use record::ids::SweepId;
use tokio::{sync::Mutex as AsyncMutex, time::Instant};

/// The number of sweeps whose surrogates stay in memory. A surrogate takes up to 1 MB.
const SWEEPS: NonZeroUsize = NonZeroUsize::new(32).expect("it is not 0");
/// The number of explanations that stay in memory for each of these sweeps.
const ANSWERS: NonZeroUsize = NonZeroUsize::new(16).expect("it is not 0");

/// The surrogates of the sweeps that people looked at lately, by sweep.
#[derive(Debug)]
pub(in crate::app) struct Explained(Mutex<LruCache<SweepId, Arc<AsyncMutex<Kept>>>>);

impl Default for Explained {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(SWEEPS)))
    }
}

/// What is known about one sweep. A computation holds its lock, so that later callers wait for the
/// result instead of computing it again.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) learned: Option<Learned>,
    pub(super) ahead: Option<Ahead>,
}

/// A surrogate, and the explanations that it gave.
#[derive(Debug)]
pub(super) struct Learned {
    /// The number of the newest event with a result that the surrogate knows.
    pub(super) newest: i64,
    /// The number of trials that had ended.
    pub(super) ended: u64,
    /// When the surrogate was fitted.
    pub(super) at: Instant,
    pub(super) surrogate: Surrogate,
    /// The explanations, by the parameters that they are about.
    pub(super) answers: LruCache<Vec<String>, Arc<Explanation>>,
}

/// The points that come next.
#[derive(Debug)]
pub(super) struct Ahead {
    /// The number of the newest event with a result that the search knew.
    pub(super) newest: i64,
    /// The number of the first of these trials.
    pub(super) first: u64,
    /// How many points people had queued, those of earlier trials included.
    pub(super) queued: usize,
    /// How many points the search was asked for.
    pub(super) count: usize,
    pub(super) suggestions: Arc<Vec<Suggestion>>,
}

impl Explained {
    /// Returns the place of a sweep, which must exist.
    pub(super) fn of(&self, sweep: &SweepId) -> Arc<AsyncMutex<Kept>> {
        let mut sweeps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sweeps.get_or_insert(sweep.clone(), Arc::default).clone()
    }
}

impl Learned {
    /// Fits a surrogate.
    ///
    /// # Errors
    /// Fails with [`Unexplained`] if there is nothing to explain.
    pub(super) fn of(
        study: &Study,
        history: &History,
        newest: i64,
        at: Instant,
    ) -> Result<Self, Unexplained> {
        let ended = history.trials.iter().filter(|trial| trial.outcome != Outcome::Pending);
        Ok(Self {
            newest,
            ended: ended.count() as u64,
            at,
            surrogate: Surrogate::of(study, history)?,
            answers: LruCache::new(ANSWERS),
        })
    }

    /// Explains the sweep, with details about these parameters.
    ///
    /// # Errors
    /// Fails with [`Unexplained`] if there are no such parameters.
    pub(super) fn explain(
        &mut self,
        parameters: Vec<String>,
    ) -> Result<Arc<Explanation>, Unexplained> {
        if let Some(known) = self.answers.get(&parameters) {
            return Ok(known.clone());
        }
        let explanation = Arc::new(self.surrogate.explain(&parameters)?);
        self.answers.put(parameters, explanation.clone());
        Ok(explanation)
    }
}
