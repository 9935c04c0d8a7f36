//! Finds runs of all sweeps and projects by their state or their time, without their configs, for
//! the pages that show what the whole controller does. Deleted runs are left out. `app::read` calls
//! it. Every function fails only if the database does.

use record::ids::{ProjectId, RunId, SweepId};
use sweeps::lifecycle::run::State;

use super::{
    database::{Result, Row, Tx},
    runs::constrained_of,
};

/// The place of a run: its internal key, project, sweep and state.
pub(crate) type Place = (i64, ProjectId, Option<SweepId>, State);

/// Lists the places of all runs that are not over, the newest first.
pub(crate) fn all_live(tx: &Tx<'_>) -> Result<Vec<Place>> {
    tx.all(
        "SELECT key, project, sweep, state FROM runs INDEXED BY runs_live \
         WHERE state IN ('queued', 'leased', 'running') ORDER BY key DESC",
        &[],
        read_place,
    )
}

/// Lists the places of the runs that failed or crashed, out of the `newest` newest runs of all.
pub(crate) fn lately_failed(tx: &Tx<'_>, newest: u32) -> Result<Vec<Place>> {
    tx.all(
        "SELECT key, project, sweep, state FROM shown_runs \
         WHERE key > (SELECT max(key) FROM runs) - ?1 AND state IN ('failed', 'crashed') \
         ORDER BY key DESC",
        &[&newest],
        read_place,
    )
}

fn read_place(row: &Row<'_>) -> Result<Place> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
}

/// The time in which an agent had the newest attempt of a run.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    /// The agent.
    pub(crate) agent: String,
    /// The run.
    pub(crate) run: RunId,
    /// The sweep whose trial it is.
    pub(crate) sweep: Option<SweepId>,
    /// The trial's number within its sweep.
    pub(crate) trial: Option<u64>,
    /// The run's project.
    pub(crate) project: ProjectId,
    /// The run's state.
    pub(crate) state: State,
    /// The run's value.
    pub(crate) value: Option<f64>,
    /// When the attempt started, in milliseconds since the epoch.
    pub(crate) from_ms: i64,
    /// When the run ended, in milliseconds since the epoch; `None` while it is not over.
    pub(crate) to_ms: Option<i64>,
}

/// Lists the spans that touch a stretch of time, of the `newest` newest runs of all. The newest run
/// comes first. Runs that wait for another attempt are left out.
pub(crate) fn spans(tx: &Tx<'_>, newest: u32, from_ms: i64, to_ms: i64) -> Result<Vec<Span>> {
    tx.all(
        "SELECT agent, id, sweep, trial, project, state, started_ms, ended_ms, value \
         FROM shown_runs \
         WHERE key > (SELECT max(key) FROM runs) - ?1 AND agent IS NOT NULL AND started_ms <= ?3 \
           AND (ended_ms IS NULL OR ended_ms >= ?2) AND state <> 'queued' \
         ORDER BY key DESC",
        &[&newest, &from_ms, &to_ms],
        |row| {
            Ok(Span {
                agent: row.get(0)?,
                run: row.get(1)?,
                sweep: row.get(2)?,
                trial: row.get::<Option<i64>>(3)?.map(i64::cast_unsigned),
                project: row.get(4)?,
                state: row.get(5)?,
                from_ms: row.get(6)?,
                to_ms: row.get(7)?,
                value: row.get(8)?,
            })
        },
    )
}

/// A trial that has ended.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    /// The run.
    pub(crate) run: RunId,
    /// Its state.
    pub(crate) state: State,
    /// Its value.
    pub(crate) value: Option<f64>,
    /// The values that count for the sweep's constraints.
    pub(crate) constrained: Vec<Option<f64>>,
    /// When its newest attempt started, in milliseconds since the epoch.
    pub(crate) started_ms: Option<i64>,
    /// When it ended, in milliseconds since the epoch.
    pub(crate) ended_ms: i64,
}

/// Lists the trials of a sweep that have ended, in the order of their ends.
pub(crate) fn ended(tx: &Tx<'_>, sweep: &SweepId) -> Result<Vec<Ended>> {
    tx.all(
        "SELECT id, state, value, constrained, started_ms, ended_ms FROM shown_runs \
         WHERE sweep = ?1 AND ended_ms IS NOT NULL ORDER BY ended_ms, key",
        &[&sweep.as_str()],
        |row| {
            Ok(Ended {
                run: row.get(0)?,
                state: row.get(1)?,
                value: row.get(2)?,
                constrained: constrained_of(row.get(3)?)?,
                started_ms: row.get(4)?,
                ended_ms: row.get(5)?,
            })
        },
    )
}

/// The newest attempt of a trial.
#[derive(Clone, Debug)]
pub(crate) struct Newest {
    /// The run's internal key.
    pub(crate) key: i64,
    /// The run.
    pub(crate) run: RunId,
    /// The trial's number.
    pub(crate) trial: u64,
    /// The attempt's number.
    pub(crate) attempt: u32,
    /// The agent that has the attempt or had it.
    pub(crate) agent: Option<String>,
    /// The run's state.
    pub(crate) state: State,
    /// The run's value.
    pub(crate) value: Option<f64>,
    /// When the attempt started, in milliseconds since the epoch.
    pub(crate) started_ms: Option<i64>,
    /// When the run ended, in milliseconds since the epoch.
    pub(crate) ended_ms: Option<i64>,
}

/// Lists the newest attempts of the `newest` newest trials of a sweep, the newest trial first.
pub(crate) fn newest_attempts(tx: &Tx<'_>, sweep: &SweepId, newest: u32) -> Result<Vec<Newest>> {
    tx.all(
        "SELECT key, id, trial, attempt, agent, state, value, started_ms, ended_ms \
         FROM shown_runs WHERE sweep = ?1 AND trial IS NOT NULL ORDER BY trial DESC LIMIT ?2",
        &[&sweep.as_str(), &newest],
        |row| {
            Ok(Newest {
                key: row.get(0)?,
                run: row.get(1)?,
                trial: row.count(2)?,
                attempt: row.get(3)?,
                agent: row.get(4)?,
                state: row.get(5)?,
                value: row.get(6)?,
                started_ms: row.get(7)?,
                ended_ms: row.get(8)?,
            })
        },
    )
}

/// Lists the events of a sweep that may begin an attempt, in their order: the run, the time in
/// milliseconds since the epoch, and the body of the event, which names the attempt.
pub(crate) fn began(tx: &Tx<'_>, sweep: &SweepId) -> Result<Vec<(RunId, i64, String)>> {
    tx.all(
        "SELECT run, at_ms, body FROM events WHERE sweep = ?1 AND run IS NOT NULL \
         AND kind IN ('trial.created', 'run') ORDER BY number",
        &[&sweep.as_str()],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )
}
