//! Stores sweeps as they were created, and their progress: state, counters, best run. `app` calls
//! it, and changes a state only through `sweeps::lifecycle`. Every function fails only if the
//! database does, unless its comment says more.

use record::ids::{ProjectId, RunId, SweepId};
use sweeps::lifecycle::sweep::{Closing, State};

use super::database::{Result, Row, Tx, columns, int, words};

/// A sweep as it was created.
#[derive(Clone, Debug)]
pub(crate) struct Sweep {
    /// Its id.
    pub(crate) id: SweepId,
    /// The key that the client chose when it created the sweep.
    pub(crate) idempotency_key: Option<String>,
    /// The configuration as it was sent.
    pub(crate) yaml: String,
    /// The warnings of its check, as a JSON array of texts.
    pub(crate) warnings: String,
    /// The seed of the search.
    pub(crate) seed: u64,
    /// When the sweep was created, in milliseconds since the epoch.
    pub(crate) created_ms: i64,
    /// The project of its runs. Empty for a sweep of an older controller without runs.
    pub(crate) project: ProjectId,
}

/// The progress of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Progress {
    /// The sweep's id.
    pub(crate) sweep: SweepId,
    /// Its state.
    pub(crate) state: State,
    /// Why the sweep wants no new trial; `None` if it wants trials.
    pub(crate) closing: Option<Closing>,
    /// The number that the next trial gets, which is the number of trials.
    pub(crate) next_trial: u64,
    /// The number of runs that are queued.
    pub(crate) queued: u64,
    /// The number of runs that are leased.
    pub(crate) leased: u64,
    /// The number of runs that are running.
    pub(crate) running: u64,
    /// The number of runs that finished.
    pub(crate) finished: u64,
    /// The number of runs that failed.
    pub(crate) failed: u64,
    /// The number of runs that crashed for good.
    pub(crate) crashed: u64,
    /// The number of runs that a person stopped.
    pub(crate) stopped: u64,
    /// The number of runs that a stopping rule ended.
    pub(crate) pruned: u64,
    /// The number of attempts in a row that failed soon after their start.
    pub(crate) quick_failures: u64,
    /// The agent that had all quick failures in a row; `None` if there are none, or several agents
    /// had them.
    pub(crate) failing_agent: Option<String>,
    /// Why the controller paused the sweep by itself; `None` if it did not.
    pub(crate) trouble: Option<String>,
    /// The finished run with the best value, out of those that hold the sweep's constraints; `None`
    /// if there is none.
    pub(crate) best_run: Option<RunId>,
    /// The value of that run.
    pub(crate) best_value: Option<f64>,
    /// When the sweep ended, in milliseconds since the epoch; `None` until it is over.
    pub(crate) ended_ms: Option<i64>,
    /// The name that a person has given to the sweep since its creation; `None` if nobody has.
    pub(crate) name: Option<String>,
    /// The cap to which people have raised the configuration's `run_cap`; `None` if nobody has.
    pub(crate) cap: Option<u64>,
}

impl Progress {
    /// Returns the number of runs that are not over.
    pub(crate) fn live(&self) -> u64 {
        self.queued + self.leased + self.running
    }
}

/// Writes a new sweep, with a progress that is pending and has no trials. Also fails if the id or
/// the idempotency key is taken.
pub(crate) fn insert(tx: &Tx<'_>, sweep: &Sweep) -> Result<()> {
    tx.run(
        "INSERT INTO sweeps (id, idempotency_key, yaml, warnings, seed, created_ms, project)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        &[
            &sweep.id.as_str(),
            &sweep.idempotency_key,
            &sweep.yaml,
            &sweep.warnings,
            &sweep.seed.cast_signed(),
            &sweep.created_ms,
            &sweep.project.as_str(),
        ],
    )?;
    tx.run(
        "INSERT INTO progress (sweep, state, next_trial, queued, leased, running, finished, \
        failed, crashed, stopped)
         VALUES (?1, ?2, 0, 0, 0, 0, 0, 0, 0, 0)",
        &[&sweep.id.as_str(), &State::Pending.name()],
    )?;
    Ok(())
}

columns! {
    /// Reads a sweep.
    macro sweep_columns, fn read() -> Sweep {
        id: get, idempotency_key: get, yaml: get, warnings: get, seed: get, created_ms: get,
        project: get,
    } => Sweep {
        id,
        idempotency_key,
        yaml,
        warnings,
        seed: i64::cast_unsigned(seed),
        created_ms,
        project,
    }
}

/// Finds the sweep with this id; `None` if there is none, or it is deleted.
pub(crate) fn get(tx: &Tx<'_>, id: &SweepId) -> Result<Option<Sweep>> {
    let sql = concat!("SELECT ", sweep_columns!(), " FROM shown_sweeps WHERE id = ?1");
    tx.one(sql, &[&id.as_str()], read)
}

/// Returns whether a sweep has this id, deleted or not.
pub(crate) fn has(tx: &Tx<'_>, id: &SweepId) -> Result<bool> {
    Ok(tx.one("SELECT 1 FROM sweeps WHERE id = ?1", &[&id.as_str()], |_| Ok(()))?.is_some())
}

/// Finds the id of the sweep that was created with this idempotency key.
pub(crate) fn by_key(tx: &Tx<'_>, key: &str) -> Result<Option<SweepId>> {
    tx.one("SELECT id FROM sweeps WHERE idempotency_key = ?1", &[&key], |row| row.get(0))
}

/// Reads the `limit` newest sweeps before the one with the internal key `before`, the newest first.
/// Returns each with its internal key, and leaves out deleted sweeps.
pub(crate) fn newest(tx: &Tx<'_>, before: i64, limit: u32) -> Result<Vec<(i64, Sweep)>> {
    tx.all(
        concat!(
            "SELECT ",
            sweep_columns!(),
            ", key FROM shown_sweeps WHERE key < ?1 ORDER BY key DESC LIMIT ?2"
        ),
        &[&before, &limit],
        |row| Ok((row.get(7)?, read(row)?)),
    )
}

/// Lists the id, the project and the state of every sweep that is not deleted, the newest first.
pub(crate) fn places(tx: &Tx<'_>) -> Result<Vec<(SweepId, ProjectId, State)>> {
    tx.all(
        "SELECT s.id, s.project, p.state FROM shown_sweeps s JOIN progress p ON p.sweep = s.id \
         ORDER BY s.key DESC",
        &[],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )
}

columns! {
    /// Reads the progress of a sweep.
    macro progress_columns, fn read_progress() -> Progress {
        sweep: get, state: get, closing: get, next_trial: count, queued: count, leased: count,
        running: count, finished: count, failed: count, crashed: count, stopped: count,
        best_run: get, best_value: get, ended_ms: get, pruned: count, quick_failures: count,
        failing_agent: get, trouble: get, name: get, cap: get,
    } => Progress {
        sweep,
        state,
        closing,
        next_trial,
        queued,
        leased,
        running,
        finished,
        failed,
        crashed,
        stopped,
        pruned,
        best_run,
        best_value,
        ended_ms,
        quick_failures,
        failing_agent,
        trouble,
        name,
        cap: Option::<i64>::map(cap, i64::cast_unsigned),
    }
}

words!(State, Closing);

/// Finds the progress of a sweep; `None` if there is no such sweep, or it is deleted.
pub(crate) fn progress(tx: &Tx<'_>, sweep: &SweepId) -> Result<Option<Progress>> {
    tx.one(
        concat!(
            "SELECT ",
            progress_columns!(),
            " FROM progress WHERE sweep = ?1 AND sweep NOT IN (SELECT sweep FROM bin_sweeps)"
        ),
        &[&sweep.as_str()],
        read_progress,
    )
}

/// Writes the progress of a sweep.
pub(crate) fn save_progress(tx: &Tx<'_>, progress: &Progress) -> Result<()> {
    tx.run(
        "UPDATE progress SET state = ?2, closing = ?3, next_trial = ?4, queued = ?5, leased = ?6,
                running = ?7, finished = ?8, failed = ?9, crashed = ?10, stopped = ?11,
                best_run = ?12, best_value = ?13, ended_ms = ?14, pruned = ?15,
                quick_failures = ?16, failing_agent = ?17, trouble = ?18, name = ?19, cap = ?20
         WHERE sweep = ?1",
        &[
            &progress.sweep.as_str(),
            &progress.state.name(),
            &progress.closing.map(Closing::name),
            &int(progress.next_trial)?,
            &int(progress.queued)?,
            &int(progress.leased)?,
            &int(progress.running)?,
            &int(progress.finished)?,
            &int(progress.failed)?,
            &int(progress.crashed)?,
            &int(progress.stopped)?,
            &progress.best_run.as_ref().map(RunId::as_str),
            &progress.best_value,
            &progress.ended_ms,
            &int(progress.pruned)?,
            &int(progress.quick_failures)?,
            &progress.failing_agent,
            &progress.trouble,
            &progress.name,
            &progress.cap.map(int).transpose()?,
        ],
    )?;
    Ok(())
}

/// Returns whether the cap of this sweep was raised by a call with this idempotency key.
pub(crate) fn was_raised(tx: &Tx<'_>, sweep: &SweepId, key: &str) -> Result<bool> {
    let sql = "SELECT 1 FROM raises WHERE sweep = ?1 AND idempotency_key = ?2";
    Ok(tx.one(sql, &[&sweep.as_str(), &key], |_| Ok(()))?.is_some())
}

/// Writes that a call with this idempotency key has raised the cap of a sweep to `cap`. Also fails
/// if the key was used for the sweep before.
pub(crate) fn insert_raise(tx: &Tx<'_>, sweep: &SweepId, key: &str, cap: u64) -> Result<()> {
    tx.run(
        "INSERT INTO raises (sweep, idempotency_key, cap) VALUES (?1, ?2, ?3)",
        &[&sweep.as_str(), &key, &int(cap)?],
    )?;
    Ok(())
}
