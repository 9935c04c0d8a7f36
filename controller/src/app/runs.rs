//! Runs end. Called by the doors for SDK and agent; what lies before is `app::begin` and `app::ingest`. Every report carries
//! its attempt: an older one is fenced.

use std::sync::Arc;

use sweeps::lifecycle::run::{Event, State};

use super::{
    App,
    caller::Caller,
    change::{Change, wanted_end},
    digest::Summary,
    error::{Error, Why},
    names,
    stopping::PRUNED,
    text::cut,
    views::{self, RunView},
};
use crate::store::{
    self, Tx,
    runs::{Outcome, Run},
};

/// How a program ended, as its agent or its SDK tells it.
#[derive(Clone, Debug)]
pub(crate) struct End {
    /// In a word.
    pub(crate) state: EndState,
    /// For failed: one of start, error, out_of_memory, timeout, diverged.
    pub(crate) class: Option<String>,
    /// Of the program.
    pub(crate) exit_code: Option<i32>,
    /// That ended the program.
    pub(crate) signal: Option<i32>,
    /// For people.
    pub(crate) message: Option<String>,
    /// When, in milliseconds since the epoch, for a run that was logged without a controller. None: now.
    pub(crate) ended_ms: Option<i64>,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndState {
    /// Well.
    Finished,
    /// Badly.
    Failed,
    /// Because a person wanted it.
    Stopped,
    /// Because its node wants to be free.
    Preempted,
    /// Without a word, as whoever found its folder later can tell. Of runs outside of sweeps.
    Crashed,
}

/// Classes of failure.
const CLASSES: [&str; 5] = ["start", "error", "out_of_memory", "timeout", "diverged"];

/// Ends an attempt. A repeat answers as the first did.
///
/// # Errors
/// Refused with [`Why::Fenced`] when another attempt owns the run.
pub(crate) async fn end(
    app: &Arc<App>,
    caller: &Caller,
    id: String,
    attempt: u32,
    mut end: End,
) -> Result<RunView, Error> {
    caller.attempt(&id, attempt)?;
    if let Some(class) = end.class.as_deref().filter(|class| !CLASSES.contains(class)) {
        return Err(Error::invalid(format!("no class of failure `{class}`: {}", CLASSES.join(", "))));
    }
    if let Some(message) = &mut end.message {
        message.truncate(cut(message, app.settings.limits.text_bytes).len());
    }
    let work = move |change: &mut Change<'_>| {
        let mut run = change.run(&id)?;
        if !check_attempt(&run, attempt)? {
            return Err(fenced(&id, attempt, run.attempt));
        }
        let crashed = end.state == EndState::Crashed;
        if crashed && run.sweep.is_some() {
            return Err(Error::invalid("a trial crashes when its lease is over"));
        }
        if run.state.is_live() || (run.state == State::Crashed && !crashed) {
            finish(change, &mut run, end)?;
        }
        views::run(change.tx, change.app, run)
    };
    app.change(work).await
}

fn finish(change: &mut Change<'_>, run: &mut Run, end: End) -> Result<(), Error> {
    if !run.state.is_held() {
        change.hear(run)?;
    }
    if end.state == EndState::Crashed {
        change.lose(run, end.message.as_deref().unwrap_or("its process ended without a word"))?;
        run.ended_ms = end.ended_ms.map(|ended| ended.min(change.now_ms)).or(run.ended_ms);
        return Ok(store::runs::save(change.tx, run)?);
    }
    run.outcome =
        Outcome { class: end.class, exit_code: end.exit_code, signal: end.signal, message: end.message };
    if end.state == EndState::Preempted && run.sweep.is_some() && run.stop_wanted.is_none() {
        change.step(run, Event::Preempt)?;
        run.front = true;
        run.agent = None;
        change.requeue(run, Event::Requeue)?;
    } else {
        let event = match (end.state, &run.stop_wanted) {
            // A program that heard of its end from a rule and ended well has not finished all the same: its value is not
            // what a whole trial would have reached.
            (EndState::Finished, Some(reason)) if reason == PRUNED => Event::Prune,
            (EndState::Finished, _) => Event::Finish,
            (EndState::Failed, None) => Event::Fail,
            _ => wanted_end(run),
        };
        if event == Event::Finish {
            run.note = metric_note(change, run)?.or(run.note.take());
        }
        change.end(run, event)?;
        run.ended_ms = end.ended_ms.map(|ended| ended.min(change.now_ms)).or(run.ended_ms);
    }
    store::runs::save(change.tx, run)?;
    Ok(())
}

/// A finished run without a value is told why, as far as one can know.
fn metric_note(change: &Change<'_>, run: &Run) -> Result<Option<String>, Error> {
    let (Some(sweep), None) = (&run.sweep, run.value) else { return Ok(None) };
    let plan = change.app.plans.get(change.tx, sweep)?;
    let Some(metric) = plan.metric() else { return Ok(None) };
    let summary = Summary::read(&store::summaries::get(change.tx, run.key)?).unwrap_or_default();
    Ok(Some(names::note(&metric.name, run.logged, summary.keys())))
}

/// The project of a run for which somebody has said this; without a word it is W&B's.
pub(super) fn project(said: &str) -> String {
    if said.is_empty() { "uncategorized".to_owned() } else { said.to_owned() }
}

/// The run of this id.
///
/// # Errors
/// Missing when there is none.
pub(super) fn find(tx: &Tx<'_>, id: &str) -> Result<Run, Error> {
    store::runs::get(tx, id)?.ok_or_else(|| Error::no_run(id))
}

/// Whether the attempt is the run's own. False: another one owns the run, or will.
///
/// # Errors
/// Invalid when no such attempt was ever handed out.
pub(super) fn check_attempt(run: &Run, attempt: u32) -> Result<bool, Error> {
    if attempt == 0 || attempt > run.attempt {
        return Err(Error::invalid(format!("the run `{}` has no attempt {attempt}", run.id)));
    }
    // In the queue without an agent, the last attempt was given up by a person, a node or its agent.
    let given_up = run.state == State::Queued && run.agent.is_none();
    Ok(attempt == run.attempt && !given_up)
}

/// Another attempt owns the run.
pub(super) fn fenced(run: &str, attempt: u32, now: u32) -> Error {
    let owner = if now == attempt {
        "was given up".to_owned()
    } else {
        format!("is over: attempt {now} owns the run")
    };
    Error::refused(Why::Fenced, format!("attempt {attempt} of the run `{run}` {owner}"))
}
