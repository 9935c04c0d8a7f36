//! What counts at each rung of early stopping, in order: so that a decision costs a binary search,
//! however many runs have been there. Used by `app::rows::stopping` inside of the writer's
//! transaction. A cache of rows that is checked against them at every use, by the newest row that
//! it knows: after a change that was undone, or a restart, it is read again.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use crate::{
    app::error::Error,
    store::{self, Tx},
};

/// Rungs that are kept at most; each holds 8 bytes for each run.
const MOST: usize = 1024;

/// What counts at rungs that were reached lately.
#[derive(Debug, Default)]
pub(in crate::app) struct Standings(Mutex<HashMap<(String, u64), Sorted>>);

/// What counts at one rung.
#[derive(Debug, Default)]
struct Sorted {
    /// The newest row that is in here.
    newest: Option<i64>,
    /// Costs in ascending order.
    costs: Vec<f64>,
}

/// A run that joins those at a rung.
#[derive(Clone, Copy, Debug)]
pub(in crate::app) struct Joined {
    /// Its row.
    pub(in crate::app) key: i64,
    /// Its cost.
    pub(in crate::app) cost: f64,
}

impl Standings {
    /// Lets `decide` see the costs that count at a rung, in ascending order, and takes in what it
    /// adds. `anew`: something ceased to count in this change.
    ///
    /// # Errors
    /// Those of `decide`, or when the database fails.
    pub(in crate::app) fn at<T>(
        &self,
        tx: &Tx<'_>,
        sweep: &str,
        iteration: u64,
        anew: bool,
        decide: impl FnOnce(&[f64]) -> Result<(T, Joined), Error>,
    ) -> Result<T, Error> {
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= MOST {
            cache.clear();
        }
        let newest = store::rungs::newest(tx, sweep, iteration)?;
        let sorted = cache.entry((sweep.to_owned(), iteration)).or_default();
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

    /// A run with this cost reaches the rung; gives what counted before.
    fn join(standings: &Standings, tx: &Tx<'_>, run: i64, cost: f64) -> Result<Vec<f64>, Error> {
        standings.at(tx, "s", 9, false, |others| {
            let decision = Decision {
                iteration: 9,
                value: cost,
                rank: 1,
                of: 1,
                threshold: None,
                verdict: Verdict::GoOn,
            };
            let reached = Reached { run, attempt: 1, sweep: "s", cost, best: cost, decision };
            Ok((others.to_vec(), Joined { key: store::rungs::insert(tx, &reached)?, cost }))
        })
    }

    #[tokio::test]
    async fn what_was_undone_does_not_count() {
        let folder = TempDir::new().unwrap();
        let store = Store::open(folder.path(), &Limits::default(), Platform::default()).unwrap();
        let standings = std::sync::Arc::new(Standings::default());
        let with = |run, cost, keep: bool| {
            let standings = standings.clone();
            let work = move |tx: &Tx<'_>| {
                let before = join(&standings, tx, run, cost)?;
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
            "its row has the number of the undone one"
        );
        assert_eq!(with(5, 2.0, true).await.unwrap(), [1.0, 3.0, 5.0]);

        // Another cache, as after a restart, sees the same.
        let anew = move |tx: &Tx<'_>| join(&Standings::default(), tx, 6, 9.0);
        assert_eq!(store.write(anew, |_| {}).await.unwrap(), [1.0, 2.0, 3.0, 5.0]);
        assert_eq!(
            with(7, 9.0, true).await.unwrap(),
            [1.0, 2.0, 3.0, 5.0, 9.0],
            "the first notices the other's row"
        );
    }
}
