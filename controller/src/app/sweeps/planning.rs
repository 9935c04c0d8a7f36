//! Loads the plan of a sweep into the cache before the writer thread needs the plan. So the writer
//! thread does not have to read and parse the plan.

use std::sync::Arc;

use record::ids::{RunId, SweepId};

use super::plan::Plan;
use crate::app::{App, error::Error};

/// Returns the plan of a sweep. A large configuration takes long to check, so a reader checks it,
/// not the writer thread.
///
/// # Errors
/// Fails with [`Error::Missing`] if the sweep does not exist.
pub(in crate::app) async fn of(app: &Arc<App>, sweep: &SweepId) -> Result<Arc<Plan>, Error> {
    match app.plans.cached(sweep) {
        Some(plan) => Ok(plan),
        None => {
            let sweep = sweep.clone();
            app.read(move |tx, app| app.plans.get(tx, &sweep)).await
        }
    }
}

/// Loads the plan of a run's sweep into the cache, so that the writer thread finds the plan there.
/// Does nothing for a run outside of sweeps.
pub(in crate::app) async fn of_run(app: &Arc<App>, run: &RunId) -> Result<(), Error> {
    let Some(sweep) = run.sweep().filter(|sweep| !app.plans.knows(sweep)) else { return Ok(()) };
    match of(app, &sweep).await {
        Err(Error::Missing(_)) => app.plans.is_none(sweep),
        found => drop(found?),
    }
    Ok(())
}
