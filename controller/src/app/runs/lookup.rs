//! Finds runs by id, and decides how to treat the reports of an attempt. Every report carries its
//! attempt's number. An attempt that no longer owns its run is fenced: the controller refuses its
//! reports. The controller keeps the rows of a fenced attempt with a mark, and these rows do not
//! count. Use cases that take the id of a run call this module.

use std::sync::Arc;

use probes::{Bug, planted};
use record::ids::{Attempt, ProjectId, RunId};
use sweeps::lifecycle::run::State;

use crate::{
    app::{
        App,
        error::{Error, Why},
        people::{
            caller::{Caller, Right},
            permit,
        },
    },
    store::{
        self, Tx,
        bin::Hidden,
        runs::{Ends, Run},
    },
};

/// Passes if the caller's token is still valid. The token of the controller is always valid.
///
/// # Errors
/// Fails with [`Error::Refused`] if the attempt of a run token has been over for longer than the
/// grace of late rows.
pub(crate) async fn check_token(app: &Arc<App>, caller: &Caller) -> Result<(), Error> {
    let Caller::Run(attempt) = caller else { return Ok(()) };
    // Most calls come from an attempt with a lease. An attempt with a lease is not over, so its
    // calls need no read of the database.
    if !app.leases.is_over(attempt, app.clock.now()) {
        return Ok(());
    }
    let Attempt { run, number } = attempt.clone();
    let look = move |tx: &store::Tx<'_>, app: &App| {
        let ends = store::runs::ends(tx, &run)?;
        Ok(ends.is_some_and(|ends| is_closed(app, &ends, number)))
    };
    if !app.read(look).await? || planted(Bug::TokensNeverEnd) {
        return Ok(());
    }
    let run = &attempt.run;
    let message = format!("attempt {number} of the run `{run}` is over, and its token with it");
    let hint =
        "with the controller's own token, `sweep sync` sends what is left in the run's folder";
    Err(Error::refused(Why::Forbidden, message).hint(hint))
}

/// Returns the run with this id.
///
/// # Errors
/// Fails with [`Error::Missing`] if the run does not exist, or is deleted.
pub(in crate::app) fn find(tx: &Tx<'_>, id: &RunId) -> Result<Run, Error> {
    match store::runs::get(tx, id)? {
        Some(run) => Ok(run),
        None => Err(missing(tx, id)?),
    }
}

/// Returns the error of a request for a run that people do not see.
pub(in crate::app) fn missing(tx: &Tx<'_>, id: &RunId) -> Result<Error, Error> {
    let Some(hidden) = store::bin::hidden(tx, id)? else { return Ok(Error::no_run(id)) };
    let deleted = || Error::missing(format!("the run `{id}` is deleted"));
    Ok(match hidden {
        Hidden::Deleted => deleted().hint(format!("`sweep restore {id}` restores it")),
        Hidden::WithSweep(sweep) => {
            deleted().hint(format!("`sweep restore {sweep}` restores its sweep with all trials"))
        }
        Hidden::Purged => Error::missing(format!("the run `{id}` is deleted for good")),
    })
}

/// How a caller names a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Named {
    /// The run's id, if the caller knows it.
    pub(crate) id: Option<RunId>,
    /// The project: a name in the caller's own team, or `TEAM/NAME`. Empty means the default
    /// project.
    pub(crate) project: String,
    /// The run's name in its project; empty if the caller names none.
    pub(crate) name: String,
}

/// Finds the run that a caller names: by its id, or else by its name.
pub(in crate::app) fn named(
    tx: &Tx<'_>,
    project: &ProjectId,
    named: &Named,
) -> Result<Option<Run>, Error> {
    if let Some(id) = &named.id
        && let Some(run) = store::runs::get(tx, id)?
    {
        return Ok(Some(run));
    }
    if named.name.is_empty() {
        return named.id.as_ref().map(|id| find(tx, id)).transpose();
    }
    Ok(store::runs::named(tx, project, &named.name)?)
}

/// Finds the run that a caller names.
///
/// # Errors
/// Fails with [`Error::Missing`] if there is no such run.
pub(in crate::app) fn find_named(
    tx: &Tx<'_>,
    project: &ProjectId,
    named: &Named,
) -> Result<Run, Error> {
    let no_run = || Error::missing(format!("no run `{}` in the project `{project}`", named.name));
    self::named(tx, project, named)?.ok_or_else(no_run)
}

/// Finds the run that a caller names and may log to.
///
/// # Errors
/// Fails with [`Error::Missing`] if there is no such run, or the caller may not see it.
pub(in crate::app) fn find_to_log(
    tx: &Tx<'_>,
    caller: &Caller,
    project: &ProjectId,
    named: &Named,
) -> Result<Run, Error> {
    let run = find_named(tx, project, named)?;
    match permit::run_in(tx, caller, Right::Log, &run.id) {
        Err(Error::Missing(_)) => {
            let message = format!("no run `{}` in the project `{project}`", named.name);
            Err(Error::missing(message))
        }
        permitted => permitted.map(|()| run),
    }
}

/// Returns the attempt of a run as which a caller writes that names none: that of its token, or
/// else the run's newest one.
pub(in crate::app) fn attempt_of(caller: &Caller, run: &Run) -> Attempt {
    match caller {
        Caller::Run(own) => own.clone(),
        Caller::Admin | Caller::Person(_) => run.present(),
    }
}

/// Returns whether the attempt owns the run. If it does not, another attempt owns the run, or the
/// run waits in the queue for another attempt.
///
/// # Errors
/// Fails with [`Error::Invalid`] if no such attempt was ever handed out.
pub(in crate::app) fn check_attempt(run: &Run, attempt: u32) -> Result<bool, Error> {
    if attempt == 0 || attempt > run.attempt {
        return Err(Error::invalid(format!("the run `{}` has no attempt {attempt}", run.id)));
    }
    // A queued run without an agent has no attempt that owns it. The newest attempt has failed, was
    // preempted or declined, or a user has retried the run.
    let given_up = run.state == State::Queued && run.agent.is_none();
    Ok((attempt == run.attempt && !given_up) || planted(Bug::NoFence))
}

/// How the controller treats rows of an attempt that arrive now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app) enum Standing {
    /// The rows count as rows of the run.
    Current,
    /// The attempt has been over for longer than the grace of late rows. The rows are kept, marked
    /// as fenced, and do not count.
    Late,
    /// The attempt does not own the run. The rows are kept, marked as fenced, and do not count.
    Fenced,
}

/// Returns how the controller treats rows of this attempt that arrive now. Rows of a run outside of
/// sweeps are never late. So an import whose source has grown, or a folder that was logged offline,
/// can continue an attempt that is over. This needs the controller's own token, because
/// [`check_token`] refuses the run's token by then.
///
/// # Errors
/// Fails with [`Error::Invalid`] if no such attempt was ever handed out.
pub(in crate::app) fn standing(app: &App, run: &Run, attempt: u32) -> Result<Standing, Error> {
    if !check_attempt(run, attempt)? {
        return Ok(Standing::Fenced);
    }
    let Run { state, started_ms, ended_ms, .. } = *run;
    let ends = Ends { state, attempt: run.attempt, started_ms, ended_ms };
    let late = run.sweep.is_some() && is_closed(app, &ends, attempt);
    Ok(if late && !planted(Bug::LateRowsCount) { Standing::Late } else { Standing::Current })
}

/// Returns whether the attempt has been over for longer than the grace of late rows. An older
/// attempt is over since the newest attempt started. A newest attempt that crashed is never closed:
/// no process has reported its end, and it may report again.
pub(in crate::app) fn is_closed(app: &App, ends: &Ends, attempt: u32) -> bool {
    let over = !ends.state.is_live() && ends.state != State::Crashed;
    let since_ms = match attempt < ends.attempt {
        true => ends.started_ms,
        false => ends.ended_ms.filter(|_| over),
    };
    let grace_ms = app.settings.late_rows.as_millis();
    // The distance has no sign. If the system clock was set far back, the attempt is over at once,
    // instead of staying open until the clock has caught up.
    since_ms.is_some_and(|since_ms| u128::from(app.clock.wall_ms().abs_diff(since_ms)) > grace_ms)
}

/// Returns the error of an append with late rows.
pub(in crate::app) fn late(attempt: &Attempt) -> Error {
    let Attempt { run, number } = attempt;
    let message =
        format!("attempt {number} of the run `{run}` is over: late rows are kept and do not count");
    Error::refused(Why::Fenced, message)
}

/// Returns the error of a report from an attempt that does not own the run.
pub(in crate::app) fn fenced(attempt: &Attempt, now: u32) -> Error {
    let Attempt { run, number } = attempt;
    let owner = if now == *number {
        "was given up".to_owned()
    } else {
        format!("is over: attempt {now} owns the run")
    };
    Error::refused(Why::Fenced, format!("attempt {number} of the run `{run}` {owner}"))
}
