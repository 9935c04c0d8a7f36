//! Takes what people and programs want of one run: that it ends, that it waits for its program
//! again, or that a note is kept with it. `api::wandb` calls this module.

use std::sync::Arc;

use record::ids::RunId;
use sweeps::lifecycle::{
    Class,
    run::{Event, State, StopReason, next},
};

use super::lookup::{self, Named};
use crate::{
    app::{
        App,
        change::{Change, draft::Draft},
        error::{Error, Why},
        people::{
            audit,
            caller::{Caller, Right},
            permit,
        },
        sweeps::{manage, planning},
        text::cut,
    },
    store::runs::{Outcome, Run},
};

/// Orders a run to end. A run that waits in the queue ends at once. A run that is over stays as it
/// is.
///
/// # Errors
/// Fails with [`Error::Missing`] if the run does not exist.
pub(crate) async fn stop(app: &Arc<App>, caller: &Caller, id: RunId) -> Result<(), Error> {
    permit::run(app, caller, Right::Steer, &id).await?;
    planning::of_run(app, &id).await?;
    let who = caller.who();
    let stop = move |change: &mut Change<'_>| {
        let mut run = change.run(&id)?;
        if !run.state.is_live() || run.stop_wanted.is_some() {
            return Ok(());
        }
        let (object, project) = (run.id.to_string(), run.project.clone());
        change.edit(&mut run, |change, run| match run.state {
            State::Queued => {
                run.agent = None;
                change.end(run, Event::Stop)
            }
            _ => change.want_stop(run, StopReason::Cancelled),
        })?;
        audit::note(change, who, "stop run", object, Some(project))
    };
    app.change(stop).await
}

/// A state that a person gives to a run outside of sweeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    /// The run waits until its program is started again.
    Pending,
    /// Nobody expects the run's program any more.
    Failed,
}

/// Queues a new attempt of a trial.
///
/// # Errors
/// Fails with [`Error::Missing`] if the run does not exist. Fails with [`Error::Refused`] if the
/// run is no trial, or if its state does not allow a retry.
pub(crate) async fn retry(app: &Arc<App>, caller: &Caller, id: RunId) -> Result<(), Error> {
    permit::run(app, caller, Right::Steer, &id).await?;
    let wanted = id.clone();
    let run = app.read(move |tx, _| lookup::find(tx, &wanted)).await?;
    let sweep = run.sweep.ok_or_else(|| {
        let message = format!("the run `{id}` is no trial, so no agent can start it again");
        Error::refused(Why::State, message).hint("start its program again")
    })?;
    manage::retry(app, caller, sweep, vec![id]).await.map(drop)
}

/// Gives a run outside of sweeps another state. The state of a run that runs stays as it is,
/// because its program reports it.
///
/// # Errors
/// Fails with [`Error::Missing`] if the run does not exist, and with [`Error::Refused`] for a trial
/// or if the run's present state does not allow the change.
pub(crate) async fn give_state(
    app: &Arc<App>,
    caller: &Caller,
    id: RunId,
    given: Given,
) -> Result<(), Error> {
    permit::run(app, caller, Right::Steer, &id).await?;
    let who = caller.who();
    let give = move |change: &mut Change<'_>| {
        let mut run = change.run(&id)?;
        check_given(&run, given)?;
        let (object, project) = (run.id.to_string(), run.project.clone());
        let deed = match given {
            Given::Pending => "queue run",
            Given::Failed => "fail run",
        };
        change.edit(&mut run, |change, run| match given {
            Given::Pending => change.retry(run),
            Given::Failed => give_up(change, run, &who),
        })?;
        audit::note(change, who, deed, object, Some(project))
    };
    app.change(give).await
}

fn check_given(run: &Run, given: Given) -> Result<(), Error> {
    let Run { id, state, .. } = run;
    let refuse = |message: String| Error::refused(Why::State, message);
    if let Some(sweep) = &run.sweep {
        let message = format!("the run `{id}` is a trial of the sweep `{sweep}`");
        return Err(refuse(message).hint("`sweep retry` queues trials again"));
    }
    if state.is_held() {
        let message = format!("the run `{id}` is {}, and its program says so", state.name());
        return Err(refuse(message).hint(
            "`run.stop()` asks the program to end; a run whose program is silent crashes soon",
        ));
    }
    let (event, word) = match given {
        Given::Pending => (Event::Retry, "pending"),
        Given::Failed => (Event::Fail, "failed"),
    };
    next(*state, event).map(drop).map_err(|_| {
        let message = format!("the run `{id}` is {}, so it cannot become {word}", state.name());
        refuse(message)
    })
}

fn give_up(change: &mut Change<'_>, run: &mut Draft<'_>, who: &str) -> Result<(), Error> {
    let message = Some(format!("{who} has given the run up"));
    run.outcome = Outcome { class: Some(Class::Error), message, ..Outcome::default() };
    change.fail(run)
}

/// Keeps a note with a run that the run's program has sent to the people who watch it. Only the
/// last note is kept.
///
/// # Errors
/// Fails with [`Error::Missing`] if the run does not exist.
pub(crate) async fn note(
    app: &Arc<App>,
    caller: &Caller,
    named: Named,
    text: String,
) -> Result<(), Error> {
    let (project, caller) = (caller.project(&named.project)?, caller.clone());
    let note = move |change: &mut Change<'_>| {
        let mut run = lookup::find_to_log(change.tx, &caller, &project, &named)?;
        let most = change.app.settings.limits.text_bytes;
        change.edit(&mut run, |_, run| {
            run.note = Some(cut(&text, most).to_owned());
            Ok(())
        })
    };
    app.change(note).await
}
