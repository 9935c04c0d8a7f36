//! Caches the costs of the runs at each rung of early stopping, in ascending order. A cost is a
//! value of the metric, with its sign turned if the sweep maximizes the metric. So a decision needs
//! only a binary search, however many runs have reached the rung. `app::rows::stopping` uses the
//! cache inside the writer's transaction. Every use compares the newest cached row with the newest
//! stored row. If they differ, for example after an undone change or a restart, the cache reads the
//! rows again.

use std::{
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
};

use lru::LruCache;
use record::ids::SweepId;

use crate::{
    app::error::Error,
    store::{self, Tx},
};

/// The most rungs in the cache. Each rung takes 8 bytes per run.
const MOST: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1023);

/// The costs at the rungs that runs reached lately.
#[derive(Debug)]
pub(in crate::app) struct RungCosts(Mutex<LruCache<(SweepId, u64), Sorted>>);

/// The costs that count at one rung.
#[derive(Debug, Default)]
struct Sorted {
    /// The key of the newest row whose cost is included; `None` if no cost is.
    newest: Option<i64>,
    /// The costs, in ascending order.
    costs: Vec<f64>,
}

/// A run that joins the others at a rung.
#[derive(Clone, Copy, Debug)]
pub(in crate::app) struct Joined {
    /// The key of the run's new row in the table `rungs`.
    pub(in crate::app) key: i64,
    /// The run's cost.
    pub(in crate::app) cost: f64,
}

impl Default for RungCosts {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(MOST)))
    }
}

impl RungCosts {
    /// Gives `decide` the costs that count at a rung, in ascending order. Then adds the cost of the
    /// run that `decide` returns. `anew` means that a row of this rung has stopped counting in this
    /// change.
    ///
    /// # Errors
    /// Fails if `decide` fails.
    pub(in crate::app) fn at<T>(
        &self,
        tx: &Tx<'_>,
        sweep: &SweepId,
        iteration: u64,
        anew: bool,
        decide: impl FnOnce(&[f64]) -> Result<(T, Joined), Error>,
    ) -> Result<T, Error> {
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = store::rungs::newest(tx, sweep, iteration)?;
        let sorted = cache.get_or_insert_mut((sweep.clone(), iteration), Sorted::default);
        if anew || sorted.newest != newest {
            let mut costs = store::rungs::costs(tx, sweep, iteration)?;
            costs.sort_by(f64::total_cmp);
            *sorted = Sorted { newest, costs };
        }
        let (decision, joined) = decide(&sorted.costs)?;
        let place = sorted.costs.partition_point(|cost| *cost < joined.cost);
        sorted.costs.insert(place, joined.cost);
        sorted.newest = Some(joined.key);
        Ok(decision)
    }
}

#[cfg(test)]
mod tests {
    use sweeps::stopping::{Decision, Verdict};
    use tempfile::TempDir;

    use super::*;
    use crate::{
        platform::Platform,
        settings::Limits,
        store::{Store, rungs::Reached},
    };

    /// Lets a run with this cost reach the rung, and returns the costs that counted before this
    /// run.
    fn join(rung_costs: &RungCosts, tx: &Tx<'_>, run: i64, cost: f64) -> Result<Vec<f64>, Error> {
        let sweep = &SweepId::from("s");
        rung_costs.at(tx, sweep, 9, false, |others| {
            let decision = Decision {
                iteration: 9,
                value: cost,
                rank: 1,
                of: 1,
                threshold: None,
                verdict: Verdict::GoOn,
            };
            let reached = Reached { run, attempt: 1, sweep, cost, best: cost, decision };
            Ok((others.to_vec(), Joined { key: store::rungs::insert(tx, &reached)?, cost }))
        })
    }

    #[tokio::test]
    async fn an_undone_change_does_not_count() {
        let folder = TempDir::new().unwrap();
        let store = Store::open(folder.path(), &Limits::default(), Platform::default()).unwrap();
        let rung_costs = std::sync::Arc::new(RungCosts::default());
        let with = |run, cost, keep: bool| {
            let rung_costs = rung_costs.clone();
            let work = move |tx: &Tx<'_>| {
                let before = join(&rung_costs, tx, run, cost)?;
                if keep { Ok(before) } else { Err(Error::Bug(format!("{before:?}"))) }
            };
            store.write(work, |_| {})
        };
        assert_eq!(with(1, 5.0, true).await.unwrap(), [0.0; 0]);
        assert_eq!(with(2, 3.0, true).await.unwrap(), [5.0]);
        assert_eq!(with(3, 4.0, false).await.unwrap_err().to_string(), "[3.0, 5.0]");
        assert_eq!(
            with(4, 1.0, true).await.unwrap(),
            [3.0, 5.0],
            "the row has the number of the undone one"
        );
        assert_eq!(with(5, 2.0, true).await.unwrap(), [1.0, 3.0, 5.0]);

        // A new cache reads the same costs, as after a restart.
        let anew = move |tx: &Tx<'_>| join(&RungCosts::default(), tx, 6, 9.0);
        assert_eq!(store.write(anew, |_| {}).await.unwrap(), [1.0, 2.0, 3.0, 5.0]);
        assert_eq!(
            with(7, 9.0, true).await.unwrap(),
            [1.0, 2.0, 3.0, 5.0, 9.0],
            "the first cache notices the row of the other"
        );
    }
}
