//! Lists projects. A project exists if it has a run, a sweep or a portfolio. The handlers in `api`
//! call this module. It changes nothing.

use std::sync::Arc;

use record::ids::ProjectId;

use crate::{
    app::{
        App,
        error::Error,
        people::{
            caller::{Caller, Right},
            permit,
            things::Thing,
        },
    },
    store::{self, listing::Counted},
};

/// A project and its counts.
#[derive(Clone, Debug)]
pub(crate) struct ProjectView {
    /// The project.
    pub(crate) project: ProjectId,
    /// The counts of its runs and sweeps.
    pub(crate) counted: Counted,
    /// The metric of the sweep that `counted` names as the best; `None` if it names none.
    pub(crate) metric: Option<(String, bool)>,
}

/// Returns every project with runs or sweeps that the caller may see, sorted by name.
///
/// # Errors
/// Refuses the token of a run.
pub(crate) async fn counted(app: &Arc<App>, caller: &Caller) -> Result<Vec<ProjectView>, Error> {
    caller.admits(Right::See)?;
    let caller = caller.clone();
    app.read(move |tx, app| {
        let found = store::listing::counted(tx)?;
        // Runs and sweeps of older controllers may have no project, and so no page.
        let seen = found.into_iter().filter(|(project, _)| {
            !project.name().is_empty() && caller.may(Right::See, project, Thing::Project)
        });
        seen.map(|(project, counted)| {
            let plan = counted.best.as_ref().map(|(sweep, _)| app.plans.get(tx, sweep));
            let plan = plan.transpose()?;
            let metric = plan.as_ref().and_then(|plan| plan.metric());
            let metric = metric.map(|metric| (metric.name.clone(), metric.maximize));
            Ok(ProjectView { project, counted, metric })
        })
        .collect()
    })
    .await
}

/// Returns the project with this name, if the caller may see this thing in it, and it has a run, a
/// sweep or a portfolio.
///
/// # Errors
/// Fails with [`Error::Missing`] if there is no such project that the caller may see, so that
/// nobody learns of projects of others.
pub(crate) async fn find(
    app: &Arc<App>,
    caller: &Caller,
    project: ProjectId,
    thing: Thing<'_>,
) -> Result<ProjectId, Error> {
    caller.check(Right::See, &project, thing, || permit::no_project(&project))?;
    app.read(move |tx, _| match store::listing::first_ms(tx, &project)? {
        Some(_) => Ok(project),
        None => Err(permit::no_project(&project)),
    })
    .await
}

/// Returns the projects of a team that the caller may see, sorted by name, and when the first run
/// or sweep of each was created, in milliseconds since the epoch.
///
/// # Errors
/// Refuses the token of a run.
pub(crate) async fn list(
    app: &Arc<App>,
    caller: &Caller,
    team: String,
) -> Result<Vec<(ProjectId, i64)>, Error> {
    caller.admits(Right::See)?;
    let caller = caller.clone();
    app.read(move |tx, _| {
        let mut found = store::listing::projects(tx)?;
        found.retain(|(project, _)| {
            project.team() == team && caller.may(Right::See, project, Thing::Project)
        });
        Ok(found)
    })
    .await
}

/// Returns when the first run or sweep of a project was created, in milliseconds since the epoch;
/// `None` if it has none, or if the caller may not see it.
///
/// # Errors
/// Fails if the database does.
pub(crate) async fn created_ms(
    app: &Arc<App>,
    caller: &Caller,
    project: ProjectId,
) -> Result<Option<i64>, Error> {
    let caller = caller.clone();
    app.read(move |tx, _| {
        // A key for logging opens a project to whose runs it can log, without a look at them.
        let is_open = caller.may(Right::Log, &project, Thing::Project)
            || caller.may(Right::See, &project, Thing::Each)
            || permit::sees_artifacts(tx, &caller, &project)?;
        Ok(if is_open { store::listing::first_ms(tx, &project)? } else { None })
    })
    .await
}
