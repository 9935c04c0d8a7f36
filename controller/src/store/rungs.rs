//! Stores the rungs of early stopping that runs have reached, with the decision at each.
//! `app::rows::stopping` writes them, in the transaction of the rows that cross a rung.
//! `app::files::checkpoints` copies them to a resumed attempt. `app::rows::rung_costs`,
//! `app::change` and `app::read::views` read them. This module never reads a history. Every
//! function fails only if the database does, unless its comment says more.

use record::ids::SweepId;
use sweeps::{
    history::Rung,
    stopping::{Decision, Verdict},
};

use super::database::{Result, Tx, int};

/// The statement that finds the newest row at a rung by one index lookup, as a test checks.
const NEWEST: &str = "SELECT max(key) FROM rungs WHERE sweep = ?1 AND iteration = ?2";
/// The statement after which the rows of earlier attempts at a rung no longer count.
const SUPERSEDE: &str =
    "UPDATE rungs SET counts = 0 WHERE run = ?1 AND attempt < ?2 AND iteration = ?3 AND counts = 1";

/// A rung that a run has reached: the decision, and the values that are stored beside it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reached<'a> {
    /// The run's internal key.
    pub(crate) run: i64,
    /// The attempt that reached the rung.
    pub(crate) attempt: u32,
    /// The sweep that the run belongs to.
    pub(crate) sweep: &'a SweepId,
    /// The run's cost at the rung, with which other runs are compared; lower is better.
    pub(crate) cost: f64,
    /// The best value that the run has logged up to this rung.
    pub(crate) best: f64,
    /// The decision at the rung.
    pub(crate) decision: Decision,
}

/// Marks the rows of attempts before `attempt` at a rung, so that they no longer count. The row of
/// the new attempt will count in their place. Returns whether such a row counted until now.
pub(crate) fn supersede(tx: &Tx<'_>, run: i64, attempt: u32, iteration: u64) -> Result<bool> {
    Ok(tx.run(SUPERSEDE, &[&run, &attempt, &int(iteration)?])? > 0)
}

/// Copies the rungs up to iteration `until` that attempt `from` has reached to attempt `to`, which
/// resumes from that attempt. From now on, only the copies count at these rungs.
pub(crate) fn inherit(tx: &Tx<'_>, run: i64, from: u32, to: u32, until: u64) -> Result<()> {
    tx.run(
        "UPDATE rungs SET counts = 0 WHERE run = ?1 AND attempt < ?2 AND iteration <= ?3 AND \
        counts = 1",
        &[&run, &to, &int(until)?],
    )?;
    tx.run(
        "INSERT INTO rungs (run, attempt, iteration, sweep, cost, best, value, rank, of, \
        threshold, stop, counts)
         SELECT run, ?3, iteration, sweep, cost, best, value, rank, of, threshold, stop, 1 FROM \
         rungs
         WHERE run = ?1 AND attempt = ?2 AND iteration <= ?4 ORDER BY iteration",
        &[&run, &from, &to, &int(until)?],
    )?;
    Ok(())
}

/// Returns whether any trial of a sweep has reached any rung.
pub(crate) fn has_any(tx: &Tx<'_>, sweep: &SweepId) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM rungs WHERE sweep = ?1)";
    Ok(tx.one(sql, &[&sweep.as_str()], |row| row.get(0))?.unwrap_or(false))
}

/// Writes the row of a rung that was reached. The row counts from now on. Returns the row's key.
/// Also fails if the attempt already has a row at this rung.
pub(crate) fn insert(tx: &Tx<'_>, reached: &Reached<'_>) -> Result<i64> {
    let Decision { iteration, value, rank, of, threshold, verdict } = reached.decision;
    tx.insert(
        "INSERT INTO rungs (run, attempt, iteration, sweep, cost, best, value, rank, of, \
        threshold, stop, counts)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 1)",
        &[
            &reached.run,
            &reached.attempt,
            &int(iteration)?,
            &reached.sweep.as_str(),
            &reached.cost,
            &reached.best,
            &value,
            &int(rank)?,
            &int(of)?,
            &threshold,
            &(verdict == Verdict::Stop),
        ],
    )
}

/// Returns the key of the newest row at a rung; `None` if no run of the sweep has reached the rung.
/// The costs that a caller has cached are valid as long as this key stays the same.
pub(crate) fn newest(tx: &Tx<'_>, sweep: &SweepId, iteration: u64) -> Result<Option<i64>> {
    Ok(tx.one(NEWEST, &[&sweep.as_str(), &int(iteration)?], |row| row.get(0))?.flatten())
}

/// Returns the costs that count at a rung, in no particular order. Each run has at most one, from
/// its newest attempt that reached the rung.
pub(crate) fn costs(tx: &Tx<'_>, sweep: &SweepId, iteration: u64) -> Result<Vec<f64>> {
    tx.all(
        "SELECT cost FROM rungs WHERE sweep = ?1 AND iteration = ?2 AND counts = 1",
        &[&sweep.as_str(), &int(iteration)?],
        |row| row.get(0),
    )
}

/// A trial at a rung of its sweep.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Passage {
    /// The rung.
    pub(crate) iteration: u64,
    /// The number of the trial.
    pub(crate) trial: u64,
    /// Whether the trial had to end.
    pub(crate) stopped: bool,
    /// The worst value with which the trial went on; `None` if so few trials had reached the rung
    /// that all went on.
    pub(crate) threshold: Option<f64>,
}

/// Returns the trials that count at each rung of a sweep: in rising order of the rungs, and at each
/// rung in the order in which they reached it. Deleted trials are left out.
pub(crate) fn passages(tx: &Tx<'_>, sweep: &SweepId) -> Result<Vec<Passage>> {
    tx.all(
        "SELECT g.iteration, r.trial, g.stop, g.threshold FROM rungs g JOIN shown_runs r ON r.key \
        = g.run
         WHERE g.sweep = ?1 AND g.counts = 1 ORDER BY g.iteration, g.key",
        &[&sweep.as_str()],
        |row| {
            Ok(Passage {
                iteration: row.count(0)?,
                trial: row.count(1)?,
                stopped: row.get(2)?,
                threshold: row.get(3)?,
            })
        },
    )
}

/// Returns the decisions for an attempt, in rising order of the rungs.
pub(crate) fn decisions(tx: &Tx<'_>, run: i64, attempt: u32) -> Result<Vec<Decision>> {
    tx.all(
        "SELECT iteration, value, rank, of, threshold, stop FROM rungs WHERE run = ?1 AND attempt \
        = ?2 ORDER BY iteration",
        &[&run, &attempt],
        |row| {
            Ok(Decision {
                iteration: row.count(0)?,
                value: row.get(1)?,
                rank: row.count(2)?,
                of: row.count(3)?,
                threshold: row.get(4)?,
                verdict: if row.get(5)? { Verdict::Stop } else { Verdict::GoOn },
            })
        },
    )
}

/// Returns the rungs of an attempt as the search sees them, in rising order.
pub(crate) fn of_attempt(tx: &Tx<'_>, run: i64, attempt: u32) -> Result<Vec<Rung>> {
    tx.all(
        "SELECT iteration, best FROM rungs WHERE run = ?1 AND attempt = ?2 ORDER BY iteration",
        &[&run, &attempt],
        |row| Ok(Rung { iteration: row.count(0)?, value: row.get(1)? }),
    )
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::{
        platform::Platform,
        settings::Limits,
        store::{Error, Store},
    };

    fn reached(run: i64, attempt: u32, sweep: &SweepId, iteration: u64, cost: f64) -> Reached<'_> {
        let decision = Decision {
            iteration,
            value: cost,
            rank: 1,
            of: 1,
            threshold: None,
            verdict: Verdict::GoOn,
        };
        Reached { run, attempt, sweep, cost, best: cost, decision }
    }

    fn open() -> (TempDir, Store) {
        let folder = TempDir::new().unwrap();
        let store = Store::open(folder.path(), &Limits::default(), Platform::default()).unwrap();
        (folder, store)
    }

    /// Returns SQLite's plan for a statement.
    fn plan(tx: &Tx<'_>, sql: &str) -> Result<String> {
        let bound = sql.replace('?', "1");
        let explain: &'static str =
            Box::leak(format!("EXPLAIN QUERY PLAN {bound}").into_boxed_str());
        Ok(tx.all(explain, &[], |row| row.get::<String>(3))?.join("; "))
    }

    #[tokio::test]
    async fn a_decision_uses_indices_and_scans_no_table() {
        let (_folder, store) = open();
        let newest = store.read(|tx| plan(tx, NEWEST)).await.unwrap();
        assert_eq!(
            newest,
            "SEARCH rungs USING COVERING INDEX rungs_of_sweep (sweep=? AND iteration=?)"
        );
        let supersede = store.read(|tx| plan(tx, SUPERSEDE)).await.unwrap();
        assert_eq!(supersede, "SEARCH rungs USING INDEX rungs_of_run (run=? AND attempt<?)");
    }

    #[tokio::test]
    async fn each_run_counts_once_at_a_rung_and_by_its_newest_attempt() {
        let (_folder, store) = open();
        let work = |tx: &Tx<'_>| -> std::result::Result<(), Error> {
            let (s, other) = (&SweepId::from("s"), &SweepId::from("other"));
            assert_eq!(newest(tx, s, 9)?, None);
            for (run, cost) in [(1, 0.5), (2, -1.0), (3, 2.0)] {
                insert(tx, &reached(run, 1, s, 27, cost))?;
                let key = insert(tx, &reached(run, 1, s, 9, cost))?;
                assert_eq!(newest(tx, s, 9)?, Some(key));
            }
            insert(tx, &reached(4, 1, other, 9, 0.1))?;
            assert_eq!(costs(tx, s, 9)?, [0.5, -1.0, 2.0]);
            assert!(
                insert(tx, &reached(1, 1, s, 9, 0.4)).is_err(),
                "an attempt reaches a rung once"
            );

            assert!(supersede(tx, 2, 2, 9)? && !supersede(tx, 2, 2, 9)?);
            assert_eq!(costs(tx, s, 9)?, [0.5, 2.0]);
            insert(tx, &reached(2, 2, s, 9, 7.0))?;
            assert_eq!(costs(tx, s, 9)?, [0.5, 2.0, 7.0]);
            let of = |attempt| {
                of_attempt(tx, 2, attempt)
                    .map(|rungs| rungs.iter().map(|rung| rung.iteration).collect())
            };
            assert_eq!((of(1)?, of(2)?), (vec![9, 27], vec![9]));
            assert_eq!(decisions(tx, 2, 2)?, [reached(2, 2, s, 9, 7.0).decision]);
            Ok(())
        };
        store.write(work, |()| {}).await.unwrap();
    }
}
