//! Finds runs of all sweeps and projects by their state or their time, without their configs, for
//! the pages that show what the whole controller does. Deleted runs are left out. `app::read` calls
//! it. Every function fails only if the database does.

use record::ids::{ProjectId, RunId, SweepId};
use sweeps::lifecycle::run::State;

use super::database::{Result, Row, Tx};

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
    /// When the attempt started, in milliseconds since the epoch.
    pub(crate) from_ms: i64,
    /// When the run ended, in milliseconds since the epoch; `None` while it is not over.
    pub(crate) to_ms: Option<i64>,
}

/// Lists the spans that touch a stretch of time, of the `newest` newest runs of all. The newest run
/// comes first. Runs that wait for another attempt are left out.
pub(crate) fn spans(tx: &Tx<'_>, newest: u32, from_ms: i64, to_ms: i64) -> Result<Vec<Span>> {
    tx.all(
        "SELECT agent, id, sweep, trial, project, state, started_ms, ended_ms FROM shown_runs \
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
            })
        },
    )
}
