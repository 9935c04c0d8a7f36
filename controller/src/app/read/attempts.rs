//! Reads what each attempt of a run did: when it ran, how it ended, from which checkpoint it went
//! on, and which lines of the console it printed. The handlers of `api::web` call this module. It
//! changes nothing.

use std::{collections::BTreeMap, sync::Arc};

use record::ids::RunId;
use serde::Deserialize;
use sweeps::lifecycle::Class;

use super::console;
use crate::{
    app::{
        App,
        error::Error,
        people::{
            caller::{Caller, Right},
            permit,
        },
        runs::lookup,
    },
    store::{
        self, Tx,
        attempt_slots::Slot,
        checkpoints::Checkpoint,
        runs::{Outcome, Run},
    },
};

/// The most attempts and the most checkpoints of an answer: the newest ones.
const MOST: u32 = 1000;

/// The attempts of a run, and its checkpoints.
#[derive(Debug)]
pub(crate) struct Attempts {
    /// The attempts, by ascending number.
    pub(crate) attempts: Vec<Attempt>,
    /// The checkpoints, the newest first, each with whether its content is kept.
    pub(crate) checkpoints: Vec<(Checkpoint, bool)>,
    /// The note of an agent about the lines that the newest attempt printed.
    pub(crate) printed: Option<String>,
}

/// A slot, as callers see it.
pub(crate) type SlotView = Slot;

/// An attempt of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attempt {
    /// Its number, from 1.
    pub(crate) number: u32,
    /// The agent that had it; `None` if no agent had it, or if nobody wrote it down.
    pub(crate) agent: Option<String>,
    /// The slot of this agent; `None` if nobody wrote it down.
    pub(crate) slot: Option<SlotView>,
    /// When it began, in milliseconds since the epoch.
    pub(crate) began_ms: Option<i64>,
    /// The state that it brought the run to: `running`, `finished`, `queued` and so on.
    pub(crate) state: String,
    /// When it ended.
    pub(crate) ended_ms: Option<i64>,
    /// How it ended; `None` while it has not ended.
    pub(crate) outcome: Option<Outcome>,
    /// The checkpoint that it went on from: its key and its step.
    pub(crate) resumed: Option<(i64, Option<u64>)>,
    /// The number of its first line in the console of the run.
    pub(crate) first_line: u64,
    /// The number of its lines that count.
    pub(crate) lines: u64,
}

/// Returns the attempts of a run and its checkpoints.
///
/// # Errors
/// Fails with [`Error::Missing`] if the run does not exist.
pub(crate) async fn list(app: &Arc<App>, caller: &Caller, run: RunId) -> Result<Attempts, Error> {
    permit::run(app, caller, Right::See, &run).await?;
    app.read(move |tx, _| {
        let run = lookup::find(tx, &run)?;
        let checkpoints = store::checkpoints::newest(tx, run.key, MOST)?;
        let first = run.attempt.saturating_sub(MOST - 1).max(1);
        let blank = |number| (number, Attempt { number, ..Attempt::default() });
        let mut found: BTreeMap<u32, Attempt> = (first..=run.attempt).map(blank).collect();
        times(tx, &run, &mut found)?;
        for failure in store::failures::of_run(tx, run.key)? {
            let Some(attempt) = found.get_mut(&failure.attempt) else { continue };
            let store::failures::Failure {
                class, agent, message, exit_code, signal, ended_ms, ..
            } = failure;
            attempt.outcome = Some(Outcome { class: Some(class), message, exit_code, signal });
            (attempt.agent, attempt.ended_ms) = (agent, Some(ended_ms));
        }
        for (number, slot) in store::attempt_slots::of_run(tx, run.key)? {
            if let Some(attempt) = found.get_mut(&number) {
                attempt.slot = Some(slot);
            }
        }
        for (number, (key, _)) in store::checkpoints::resumes(tx, run.key)? {
            let Some(attempt) = found.get_mut(&number) else { continue };
            let made = checkpoints.iter().find(|(made, _)| made.key == key);
            attempt.resumed = Some((key, made.map(|(made, _)| made.step)));
        }
        for (number, first, lines) in console::of_attempts(tx, &run)? {
            if let Some(attempt) = found.get_mut(&number) {
                (attempt.first_line, attempt.lines) = (first, lines);
            }
        }
        // A newer attempt begins only when the one before has ended.
        for attempt in found.values_mut().filter(|attempt| attempt.number < run.attempt) {
            attempt.outcome.get_or_insert_default();
        }
        if let Some(newest) = found.get_mut(&run.attempt) {
            finish(&run, newest);
        }
        let printed = store::printed::get(tx, &run)?;
        Ok(Attempts { attempts: found.into_values().collect(), checkpoints, printed })
    })
    .await
}

/// What the newest attempt of a run has, as the run's own row says.
fn finish(run: &Run, newest: &mut Attempt) {
    newest.agent = run.agent.clone().or(newest.agent.take());
    // While an attempt runs, the run's row still has the outcome of the attempt before.
    if run.state.is_held() {
        (newest.ended_ms, newest.outcome) = (None, None);
    } else {
        newest.ended_ms = run.ended_ms.or(newest.ended_ms);
        newest.outcome = Some(run.outcome.clone());
    }
    newest.state = run.state.name().to_owned();
}

/// Finds out when attempts began and ended, from the events of the run.
fn times(tx: &Tx<'_>, run: &Run, found: &mut BTreeMap<u32, Attempt>) -> Result<(), Error> {
    #[derive(Deserialize)]
    struct Body {
        attempt: u32,
        agent: Option<String>,
        state: Option<String>,
    }
    for (at_ms, body) in store::events::of_run(tx, run.sweep.as_ref(), &run.id)? {
        let Ok(Body { attempt, agent, state }) = serde_json::from_str(&body) else { continue };
        let Some(attempt) = found.get_mut(&attempt) else { continue };
        attempt.began_ms.get_or_insert(at_ms);
        attempt.ended_ms = Some(at_ms);
        attempt.agent = attempt.agent.take().or(agent);
        attempt.state = state.unwrap_or_default();
    }
    Ok(())
}

/// Finds a checkpoint of a run whose content is kept.
///
/// # Errors
/// Fails with [`Error::Missing`] if the run has no such checkpoint.
pub(crate) async fn checkpoint(
    app: &Arc<App>,
    caller: &Caller,
    run: RunId,
    key: i64,
) -> Result<Checkpoint, Error> {
    permit::run(app, caller, Right::See, &run).await?;
    app.read(move |tx, _| {
        let found = store::checkpoints::find(tx, lookup::find(tx, &run)?.key, key)?;
        found.ok_or_else(|| {
            let message = format!("the run `{run}` keeps no checkpoint {key}");
            Error::missing(message).hint("older checkpoints are removed when newer ones arrive")
        })
    })
    .await
}

/// Returns the name of the class of an end; empty if there is none.
pub(crate) fn class(outcome: &Outcome) -> &'static str {
    outcome.class.map(Class::name).unwrap_or_default()
}
