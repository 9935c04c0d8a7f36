//! Runs end. Called by the doors for SDK and agent; what lies before is `app::runs::begin` and
//! `app::rows::ingest`. Every report carries its attempt: an older one is fenced.

use std::{sync::Arc, time::Duration};

use sweeps::lifecycle::{
    Class,
    run::{Event, State},
};

use super::{
    lookup::{check_attempt, fenced},
    names,
};
use crate::{
    app::{
        App,
        caller::Caller,
        change::{Change, PRUNED, wanted_end},
        error::Error,
        read::views::{self, RunView},
        rows::{stopping, summaries},
        sweeps::planning,
        text::cut,
    },
    store::{
        self,
        runs::{Outcome, Run},
    },
};

/// How a program ended, as its agent or its SDK tells it.
#[derive(Clone, Debug)]
pub(crate) struct End {
    /// In a word.
    pub(crate) state: EndState,
    /// For failed; never `lost`, which nobody can tell of itself.
    pub(crate) class: Option<Class>,
    /// Of the program.
    pub(crate) exit_code: Option<i32>,
    /// That ended the program.
    pub(crate) signal: Option<i32>,
    /// For people.
    pub(crate) message: Option<String>,
    /// When, in milliseconds since the epoch, for a run that was logged without a controller. None:
    /// now.
    pub(crate) ended_ms: Option<i64>,
    /// How long it ran, as who started it has measured. None: since it was first heard of.
    pub(crate) ran: Option<Duration>,
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
    if let Some(message) = &mut end.message {
        message.truncate(cut(message, app.settings.limits.text_bytes).len());
    }
    planning::of_run(app, &id).await?;
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
        // In the same transaction: in the next one another attempt may have the run.
        views::run(change.tx, change.app, run)
    };
    app.change(work).await
}

fn finish(change: &mut Change<'_>, run: &mut Run, end: End) -> Result<(), Error> {
    if !run.state.is_held() {
        change.hear(run)?;
    }
    // No run ends before it began.
    let ended_ms =
        end.ended_ms.map(|ended| change.past(Some(ended)).max(run.started_ms.unwrap_or(0)));
    if end.state == EndState::Crashed {
        change.lose(run, end.message.as_deref().unwrap_or("its process ended without a word"))?;
        run.ended_ms = ended_ms.or(run.ended_ms);
        return Ok(store::runs::save(change.tx, run)?);
    }
    let ran = end.ran.unwrap_or_else(|| since(run.started_ms, change.now_ms));
    run.outcome =
        Outcome { class: None, exit_code: end.exit_code, signal: end.signal, message: end.message };
    if end.state == EndState::Failed {
        run.outcome.class = Some(class_of(change, run, end.class.unwrap_or(Class::Error))?);
    }
    if matches!(end.state, EndState::Finished | EndState::Failed) && run.stop_wanted.is_none() {
        change.watch_crash_loop(run, ran)?;
    }
    let said_so = run.preempting && run.outcome.class.is_some_and(|class| class != Class::Timeout);
    let leaves = end.state == EndState::Preempted || said_so;
    if leaves && run.sweep.is_some() && run.stop_wanted.is_none() {
        run.outcome.class = None;
        run.agent = None;
        change.preempt(run)?;
    } else {
        come_to_an_end(change, run, end.state)?;
        run.ended_ms = ended_ms.or(run.ended_ms);
    }
    store::runs::save(change.tx, run)?;
    Ok(())
}

fn come_to_an_end(change: &mut Change<'_>, run: &mut Run, state: EndState) -> Result<(), Error> {
    let event = match (state, &run.stop_wanted) {
        // A program that heard of its end from a rule and ended well has not finished all the same:
        // its value is not what a whole trial would have reached.
        (EndState::Finished, Some(reason)) if reason == PRUNED => Event::Prune,
        (EndState::Finished, _) => Event::Finish,
        (EndState::Failed, None) => return change.fail(run),
        _ => wanted_end(run),
    };
    run.outcome.class = None;
    if event == Event::Finish {
        run.note = ending_note(change, run)?.or(run.note.take());
    }
    change.end(run, event)
}

/// The class of a failure. Whoever tells it knows the process alone: with a metric that was no
/// finite number any more, it was not just any error.
fn class_of(change: &Change<'_>, run: &Run, told: Class) -> Result<Class, Error> {
    let (Class::Error, Some(sweep)) = (told, &run.sweep) else { return Ok(told) };
    let plan = change.app.plans.get(change.tx, sweep)?;
    let Some(metric) = plan.metric() else { return Ok(told) };
    let summary = summaries::of(change.tx, run)?;
    Ok(if summary.is_beyond_numbers(&metric.name) { Class::Diverged } else { told })
}

fn since(started_ms: Option<i64>, now_ms: i64) -> Duration {
    let started_ms = started_ms.unwrap_or(now_ms);
    Duration::from_millis(u64::try_from(now_ms.saturating_sub(started_ms)).unwrap_or(0))
}

/// A finished run without a value is told why, as far as one can know, and one that could never be
/// stopped early.
fn ending_note(change: &Change<'_>, run: &Run) -> Result<Option<String>, Error> {
    let Some(sweep) = &run.sweep else { return Ok(None) };
    let plan = change.app.plans.get(change.tx, sweep)?;
    let Some(metric) = plan.metric() else { return Ok(None) };
    if run.value.is_some() {
        return stopping::unjudged(change.tx, &plan, run);
    }
    let summary = summaries::of(change.tx, run).unwrap_or_default();
    let printed = store::printed::get(change.tx, run)?.is_some();
    Ok(Some(names::note(
        &metric.name,
        run.logged,
        summary.last(&metric.name),
        summary.keys(),
        printed,
    )))
}
