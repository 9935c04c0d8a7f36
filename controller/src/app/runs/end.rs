//! Ends runs when their end is reported. The handlers in `api` call this module for the SDK and the
//! agent. `app::runs::begin` handles the start of a run, and `app::rows::ingest` its rows. Every
//! report carries its attempt's number, and the report of an older attempt is refused as fenced.

use std::{sync::Arc, time::Duration};

use record::ids::Attempt;
use sweeps::lifecycle::{
    Class,
    run::{Event, State, StopReason},
};

use super::{
    lookup::{check_attempt, fenced},
    names,
};
use crate::{
    app::{
        App,
        change::{Change, draft::Draft, wanted_end},
        error::Error,
        people::{caller::Caller, permit},
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

/// The end of a program, as its agent or its SDK reports it.
#[derive(Clone, Debug)]
pub(crate) struct End {
    /// The kind of the program's end.
    pub(crate) state: EndState,
    /// The class of the failure, if the program failed. The class is never `lost`, because no
    /// process can report its own loss.
    pub(crate) class: Option<Class>,
    /// The exit code of the program; `None` if it is not known.
    pub(crate) exit_code: Option<i32>,
    /// The signal that ended the program; `None` if none did.
    pub(crate) signal: Option<i32>,
    /// A message about the end, for users.
    pub(crate) message: Option<String>,
    /// The time of the end, in milliseconds since 1970, for a run that was logged without a
    /// controller. `None` means the present time.
    pub(crate) ended_ms: Option<i64>,
    /// How long the program ran, as measured by the process that started it. `None` means the time
    /// since the attempt started, as the controller knows it.
    pub(crate) ran: Option<Duration>,
}

/// The kind of a program's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndState {
    /// The program ended successfully.
    Finished,
    /// The program failed.
    Failed,
    /// The program ended because it was ordered to stop.
    Stopped,
    /// The program ended because its node takes its slot away.
    Preempted,
    /// The program ended without a report. Another process found this out later from the run's
    /// folder. Only the end of a run outside of sweeps is reported like this.
    Crashed,
}

/// Ends an attempt. A repeated call changes nothing.
///
/// # Errors
/// Fails with [`Error::Refused`] if the attempt does not own the run, and with [`Error::Invalid`]
/// if a trial is reported as crashed.
pub(crate) async fn end(
    app: &Arc<App>,
    caller: &Caller,
    attempt: Attempt,
    mut end: End,
) -> Result<RunView, Error> {
    permit::attempt(app, caller, &attempt).await?;
    if let Some(message) = &mut end.message {
        message.truncate(cut(message, app.settings.limits.text_bytes).len());
    }
    planning::of_run(app, &attempt.run).await?;
    let work = move |change: &mut Change<'_>| {
        let mut run = change.run(&attempt.run)?;
        if !check_attempt(&run, attempt.number)? {
            return Err(fenced(&attempt, run.attempt));
        }
        let crashed = end.state == EndState::Crashed;
        if crashed && run.sweep.is_some() {
            return Err(Error::invalid(
                "a trial cannot be reported as crashed: it crashes when its lease is over",
            ));
        }
        if run.state.is_live() || (run.state == State::Crashed && !crashed) {
            change.edit(&mut run, |change, run| finish(change, run, end))?;
        }
        // The answer is read in the same transaction, because another attempt may own the run after
        // this transaction.
        views::run(change.tx, change.app, run)
    };
    app.change(work).await
}

fn finish(change: &mut Change<'_>, run: &mut Draft<'_>, end: End) -> Result<(), Error> {
    if !run.state.is_held() {
        change.hear(run)?;
    }
    // A reported end before the run's start is moved to the start.
    let ended_ms =
        end.ended_ms.map(|ended| change.past(Some(ended)).max(run.started_ms.unwrap_or(0)));
    if end.state == EndState::Crashed {
        change.lose(run, end.message.as_deref().unwrap_or("its process ended without a word"))?;
        run.ended_ms = ended_ms.or(run.ended_ms);
        return Ok(());
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
        if !run.state.is_live() {
            run.ended_ms = ended_ms.or(run.ended_ms);
        }
    }
    Ok(())
}

fn come_to_an_end(
    change: &mut Change<'_>,
    run: &mut Draft<'_>,
    state: EndState,
) -> Result<(), Error> {
    let event = match (state, run.stop_wanted) {
        // A program that early stopping ordered to end counts as pruned, even if it ended
        // successfully. The value of a pruned trial is not the value that a whole trial would have
        // reached.
        (EndState::Finished, Some(StopReason::Pruned)) => Event::Prune,
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

/// Returns the class of a failure. The process that reports the failure does not know the run's
/// rows. An error of a run whose last value of the metric is NaN or infinite becomes a divergence.
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

/// Returns the note on a finished run. The note on a run without a value says what the controller
/// knows about the reason. The note on a run with a value says if early stopping could never have
/// stopped it.
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
