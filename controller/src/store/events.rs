//! Stores events. The one row of the table `ledger` numbers them without gaps. The transaction of a
//! change writes the event of that change. `app::change` appends events; `app::sweeps` and
//! `app::read` read them. Every function fails only if the database does, unless its comment says
//! more.

use record::ids::{RunId, SweepId};
use sweeps::{history::Rung, lifecycle::run::State};

use super::database::{Error, Result, Row, Tx, words};

/// A kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A sweep was created, changed its state, or wants no new trial.
    Sweep,
    /// A trial was suggested and leased to an agent.
    TrialCreated,
    /// A run outside of sweeps was created, or a run that is not over changed its state or attempt,
    /// or was ordered to stop.
    Run,
    /// A run is over. From this event the search learns the result of a trial.
    RunEnded,
    /// Late rows changed the value of a run that was over. Only earlier versions wrote this event;
    /// the search still applies it in their sweeps.
    RunCorrected,
    /// A run that was over is not over any more.
    RunReopened,
}

impl Kind {
    const ALL: [Kind; 6] = [
        Kind::Sweep,
        Kind::TrialCreated,
        Kind::Run,
        Kind::RunEnded,
        Kind::RunCorrected,
        Kind::RunReopened,
    ];

    fn name(self) -> &'static str {
        match self {
            Kind::Sweep => "sweep",
            Kind::TrialCreated => "trial.created",
            Kind::Run => "run",
            Kind::RunEnded => "run.ended",
            Kind::RunCorrected => "run.corrected",
            Kind::RunReopened => "run.reopened",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

words!(Kind);

/// An event that is to be written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event<'a> {
    /// The kind of the event.
    pub(crate) kind: Kind,
    /// The sweep that the event belongs to.
    pub(crate) sweep: Option<&'a SweepId>,
    /// The run that the event belongs to.
    pub(crate) run: Option<&'a RunId>,
    /// The details, as JSON.
    pub(crate) body: &'a str,
}

/// Writes an event. Returns its number.
pub(crate) fn append(tx: &Tx<'_>, at_ms: i64, event: Event<'_>) -> Result<i64> {
    let number =
        tx.one("UPDATE ledger SET last = last + 1 WHERE id = 1 RETURNING last", &[], |row| {
            row.get(0)
        })?;
    let number: i64 = number.unwrap_or_default();
    tx.run(
        "INSERT INTO events (number, at_ms, sweep, run, kind, body) VALUES (?1, ?2, ?3, ?4, ?5, \
        ?6)",
        &[
            &number,
            &at_ms,
            &event.sweep.map(SweepId::as_str),
            &event.run.map(RunId::as_str),
            &event.kind.name(),
            &event.body,
        ],
    )?;
    Ok(number)
}

/// Returns the number of the newest event; 0 before the first.
pub(crate) fn last(tx: &Tx<'_>) -> Result<i64> {
    Ok(tx.one("SELECT last FROM ledger WHERE id = 1", &[], |row| row.get(0))?.unwrap_or_default())
}

/// Returns the number of the newest event that changed the result of a trial of a sweep; 0 if there
/// is none.
pub(crate) fn newest_result(tx: &Tx<'_>, sweep: &SweepId) -> Result<i64> {
    let newest = tx.one(
        "SELECT number FROM events WHERE sweep = ?1
           AND kind IN ('run.ended', 'run.corrected', 'run.reopened')
         ORDER BY number DESC LIMIT 1",
        &[&sweep.as_str()],
        |row| row.get(0),
    )?;
    Ok(newest.unwrap_or_default())
}

/// Lists the ids of the runs of a sweep that have events with numbers above `after`. Each id comes
/// once.
pub(crate) fn changed_runs(tx: &Tx<'_>, sweep: &SweepId, after: i64) -> Result<Vec<RunId>> {
    tx.all(
        "SELECT DISTINCT run FROM events WHERE sweep = ?1 AND number > ?2 AND run IS NOT NULL",
        &[&sweep.as_str(), &after],
        |row| row.get(0),
    )
}

/// Lists the times and the details of a run's events, the oldest first. `sweep` is the run's sweep.
pub(crate) fn of_run(
    tx: &Tx<'_>,
    sweep: Option<&SweepId>,
    run: &RunId,
) -> Result<Vec<(i64, String)>> {
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    match sweep {
        Some(sweep) => tx.all(
            "SELECT at_ms, body FROM events WHERE sweep = ?1 AND run = ?2 ORDER BY number",
            &[&sweep.as_str(), &run.as_str()],
            read,
        ),
        None => tx.all(
            "SELECT at_ms, body FROM events WHERE sweep IS NULL AND run = ?1 ORDER BY number",
            &[&run.as_str()],
            read,
        ),
    }
}

/// An event as the search sees it.
#[derive(Clone, Debug)]
pub(crate) struct TrialEvent {
    /// The event's number.
    pub(crate) number: i64,
    /// The kind of the event.
    pub(crate) kind: Kind,
    /// The number of the trial that the event belongs to.
    pub(crate) trial: u64,
    /// The value that the trial has reached; `None` if it has none.
    pub(crate) value: Option<f64>,
    /// The value that counts for each constraint.
    pub(crate) constrained: Vec<Option<f64>>,
    /// Whether a stopping rule ended the trial. Without the rule, its value might have become
    /// better.
    pub(crate) pruned: bool,
    /// The rungs that the trial had reached.
    pub(crate) rungs: Vec<Rung>,
    /// The trial's parameters, and the fit that proposed them if there is one, as JSON. `None`
    /// unless the event created the trial.
    pub(crate) created: Option<(String, Option<String>)>,
}

/// Reads the events from which the search learns about the trials of a sweep, in order. Their
/// numbers are above `after` and at most `until`. Also fails if an event is damaged.
pub(crate) fn of_trials(
    tx: &Tx<'_>,
    sweep: &SweepId,
    after: i64,
    until: i64,
) -> Result<Vec<TrialEvent>> {
    tx.all(
        "SELECT e.number, e.kind, r.trial, e.body, CASE WHEN e.kind = 'trial.created' THEN \
        r.config END, r.fit
         FROM events e JOIN runs r ON r.id = e.run
         WHERE e.sweep = ?1 AND e.number > ?2 AND e.number <= ?3
           AND e.kind IN ('trial.created', 'run.ended', 'run.corrected', 'run.reopened')
         ORDER BY e.number",
        &[&sweep.as_str(), &after, &until],
        told,
    )
}

fn told(row: &Row<'_>) -> Result<TrialEvent> {
    let damaged = |error| Error::Corrupt(format!("an event of a sweep is damaged: {error}"));
    let body: serde_json::Value = serde_json::from_str(&row.get::<String>(3)?).map_err(damaged)?;
    let rungs =
        body.get("rungs").cloned().map(serde_json::from_value).transpose().map_err(damaged)?;
    let rungs = rungs.unwrap_or_default();
    let config: Option<String> = row.get(4)?;
    let fit: Option<String> = row.get(5)?;
    Ok(TrialEvent {
        number: row.get(0)?,
        kind: row.get(1)?,
        trial: row.count(2)?,
        value: body.get("value").and_then(serde_json::Value::as_f64),
        constrained: body
            .get("constrained")
            .and_then(serde_json::Value::as_array)
            .map(|all| all.iter().map(serde_json::Value::as_f64).collect())
            .unwrap_or_default(),
        pruned: body.get("state").and_then(serde_json::Value::as_str) == Some(State::Pruned.name()),
        rungs,
        created: config.map(|config| (config, fit)),
    })
}
