//! Takes what people and programs want of one run: that it ends, or that a note is kept with it.
//! `api::wandb` calls this module.

use std::sync::Arc;

use record::ids::RunId;
use sweeps::lifecycle::run::{Event, State, StopReason};

use super::lookup::{self, Named};
use crate::app::{
    App,
    change::Change,
    error::Error,
    people::{
        audit,
        caller::{Caller, Right},
        permit,
    },
    sweeps::planning,
    text::cut,
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
