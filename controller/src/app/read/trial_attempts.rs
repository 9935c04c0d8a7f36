//! Reads when the attempts of a sweep's trials ran, and how they ended. `api::web` calls this
//! module. It changes nothing.

use std::{collections::HashMap, sync::Arc};

use record::ids::{RunId, SweepId};
use sweeps::lifecycle::{Class, run::State};

use crate::{
    app::{
        App,
        error::Error,
        people::{
            caller::{Caller, Right},
            permit,
        },
        sweeps::stored,
    },
    store::{self, places::Newest},
};

/// The most trials whose attempts are read: the newest ones.
const TRIALS: u32 = 20_000;

/// An attempt of a trial.
#[derive(Clone, Debug)]
pub(crate) struct AttemptView {
    /// The run.
    pub(crate) run: RunId,
    /// The trial's number.
    pub(crate) trial: u64,
    /// The attempt's number within its run.
    pub(crate) number: u32,
    /// The agent that had the attempt; empty if nobody knows.
    pub(crate) agent: String,
    /// The state in which the attempt is or ended.
    pub(crate) state: State,
    /// The class of the failure, if it failed.
    pub(crate) class: Option<Class>,
    /// When it began, in milliseconds since the epoch.
    pub(crate) from_ms: i64,
    /// When it ended; `None` if it has not.
    pub(crate) to_ms: Option<i64>,
    /// The value of the run, at its newest attempt.
    pub(crate) value: Option<f64>,
}

/// Returns the attempts of the trials of a sweep that have begun: those of a trial follow each
/// other, and the newest trial comes first.
///
/// # Errors
/// Fails with [`Error::Missing`] if the sweep does not exist.
pub(crate) async fn read(
    app: &Arc<App>,
    caller: &Caller,
    sweep: SweepId,
) -> Result<Vec<AttemptView>, Error> {
    permit::sweep(app, caller, Right::See, &sweep).await?;
    app.read(move |tx, _| {
        stored::progress(tx, &sweep)?;
        let mut began = HashMap::new();
        for (run, at_ms, body) in store::places::began(tx, &sweep)? {
            let attempt = serde_json::from_str::<serde_json::Value>(&body)
                .ok()
                .and_then(|body| body["attempt"].as_u64());
            began.entry((run, attempt.unwrap_or_default())).or_insert(at_ms);
        }
        let mut found = Vec::new();
        for newest in store::places::newest_attempts(tx, &sweep, TRIALS)? {
            attempts(tx, &newest, &began, &mut found)?;
        }
        Ok(found)
    })
    .await
}

/// Adds the attempts of one trial: the failed ones, and then the newest.
fn attempts(
    tx: &store::Tx<'_>,
    newest: &Newest,
    began: &HashMap<(RunId, u64), i64>,
    found: &mut Vec<AttemptView>,
) -> Result<(), Error> {
    let view = |number: u32, agent: Option<&String>| AttemptView {
        run: newest.run.clone(),
        trial: newest.trial,
        number,
        agent: agent.cloned().unwrap_or_default(),
        state: newest.state,
        class: None,
        from_ms: 0,
        to_ms: newest.ended_ms,
        value: newest.value,
    };
    let of = |number: u32| began.get(&(newest.run.clone(), u64::from(number))).copied();
    let failures = if newest.attempt > 1 || matches!(newest.state, State::Failed | State::Crashed) {
        store::failures::of_run(tx, newest.key)?
    } else {
        Vec::new()
    };
    let mut class = None;
    for failure in failures {
        if failure.attempt == newest.attempt {
            class = Some(failure.class);
            continue;
        }
        let Some(from_ms) = of(failure.attempt) else { continue };
        let state = if failure.class == Class::Lost { State::Crashed } else { State::Failed };
        let (class, to_ms) = (Some(failure.class), Some(failure.ended_ms));
        let view = view(failure.attempt, failure.agent.as_ref());
        found.push(AttemptView { state, class, from_ms, to_ms, value: None, ..view });
    }
    let waits = newest.state == State::Queued;
    if let Some(from_ms) = newest.started_ms.or_else(|| of(newest.attempt)).filter(|_| !waits) {
        let view = view(newest.attempt, newest.agent.as_ref());
        found.push(AttemptView { class, from_ms, ..view });
    }
    Ok(())
}
