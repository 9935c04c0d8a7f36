//! Decides whether a caller may use a run or a sweep. A use case calls this module before anything
//! else. Only a user's key costs a read of the database.

use std::sync::Arc;

use record::ids::{Attempt, ProjectId, RunId, SweepId};

use super::{
    caller::{Caller, Right},
    things::Thing,
};
use crate::{
    app::{
        App,
        error::{Error, Why},
        sweeps::planning,
    },
    store::{self, Tx},
};

/// Passes if the caller may do this to this run.
///
/// # Errors
/// Refuses a caller without this right. Fails with [`Error::Missing`] if the caller may not even
/// see the run.
pub(in crate::app) async fn run(
    app: &Arc<App>,
    caller: &Caller,
    right: Right,
    id: &RunId,
) -> Result<(), Error> {
    caller.run(id)?;
    if !matches!(caller, Caller::Person(_)) {
        return Ok(());
    }
    let (caller, id) = (caller.clone(), id.clone());
    app.read(move |tx, _| run_in(tx, &caller, right, &id)).await
}

/// Does the same as [`run`], in this transaction.
///
/// # Errors
/// Fails as [`run`] does.
pub(in crate::app) fn run_in(
    tx: &Tx<'_>,
    caller: &Caller,
    right: Right,
    id: &RunId,
) -> Result<(), Error> {
    caller.run(id)?;
    if !matches!(caller, Caller::Person(_)) {
        return Ok(());
    }
    caller.admits(right)?;
    let (project, sweep) = store::runs::place(tx, id)?.ok_or_else(|| Error::no_run(id))?;
    let thing = Thing::Run(id, sweep.as_ref());
    caller.check(right, &project, thing, || Error::no_run(id))
}

/// Passes if the caller may write as this attempt.
///
/// # Errors
/// Fails as [`run`] does, and refuses the token of another attempt.
pub(in crate::app) async fn attempt(
    app: &Arc<App>,
    caller: &Caller,
    attempt: &Attempt,
) -> Result<(), Error> {
    caller.attempt(attempt)?;
    run(app, caller, Right::Log, &attempt.run).await
}

/// Passes if the caller may do this to this sweep. Does not check that the sweep exists if the
/// caller may do everything.
///
/// # Errors
/// Refuses a caller without this right. Fails with [`Error::Missing`] if the caller may not even
/// see the sweep.
pub(in crate::app) async fn sweep(
    app: &Arc<App>,
    caller: &Caller,
    right: Right,
    id: &SweepId,
) -> Result<(), Error> {
    caller.admits(right)?;
    if !matches!(caller, Caller::Person(_)) {
        return Ok(());
    }
    let no_sweep = || Error::no_sweep(id);
    let missing = match planning::of(app, id).await {
        Ok(plan) => return caller.check(right, &plan.project, Thing::Sweep(id), no_sweep),
        Err(missing @ Error::Missing(_)) => missing,
        Err(error) => return Err(error),
    };
    // The sweep may be deleted. Only a caller who may see its project learns that.
    let wanted = id.clone();
    let binned = app.read(move |tx, _| Ok(store::bin::sweep(tx, &wanted)?)).await?;
    let binned = binned.ok_or_else(no_sweep)?;
    caller.check(right, &binned.project, Thing::Sweep(id), no_sweep)?;
    Err(missing)
}

/// Passes if the caller's key or session is still valid. Answers that go on for long ask this again
/// and again.
///
/// # Errors
/// Refuses a key that has expired or was revoked meanwhile, and a session that has ended.
pub(in crate::app) fn still(app: &App, caller: &Caller) -> Result<(), Error> {
    match caller {
        Caller::Person(person) if !app.roster.still_knows(person, app.clock.wall_ms()) => {
            let message = match &person.session {
                Some(_) => "this session has ended",
                None => "this key has expired or was revoked",
            };
            Err(Error::refused(Why::Unknown, message))
        }
        _ => Ok(()),
    }
}

/// Returns the project that the caller means, or `None` if the caller may not do this to anything
/// there. The token of a run may name any project; use cases decide what it sees there.
///
/// # Errors
/// Fails with [`Error::Invalid`] if `said` is no name of a project.
pub(crate) fn project(
    caller: &Caller,
    right: Right,
    said: &str,
) -> Result<Option<ProjectId>, Error> {
    let project = caller.project(said)?;
    let may = matches!(caller, Caller::Run(_)) || caller.may(right, &project, Thing::Each);
    Ok(Some(project).filter(|_| may))
}

/// Passes if the caller may do this to the artifacts of a project. The token of a run opens those
/// of the run's own project.
///
/// # Errors
/// Fails with `missing` if the caller may not even see the project, and refuses a caller without
/// this right.
pub(in crate::app) fn artifacts_of(
    tx: &Tx<'_>,
    caller: &Caller,
    right: Right,
    project: &ProjectId,
    missing: impl FnOnce() -> Error,
) -> Result<(), Error> {
    let Caller::Run(own) = caller else {
        return caller.check(right, project, Thing::Project, missing);
    };
    match store::runs::place(tx, &own.run)? {
        Some((of_run, _)) if of_run == *project => Ok(()),
        _ => Err(missing()),
    }
}

/// Returns whether the caller may see the artifacts of a project.
pub(in crate::app) fn sees_artifacts(
    tx: &Tx<'_>,
    caller: &Caller,
    project: &ProjectId,
) -> Result<bool, Error> {
    match artifacts_of(tx, caller, Right::See, project, || no_project(project)) {
        Ok(()) => Ok(true),
        Err(Error::Missing(_) | Error::Refused(..)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Returns the error of a request for a project that the caller may not see.
pub(in crate::app) fn no_project(project: &ProjectId) -> Error {
    Error::missing(format!("no project `{project}` that you may use"))
        .hint("`sweep login` shows the teams and projects of your key")
}
