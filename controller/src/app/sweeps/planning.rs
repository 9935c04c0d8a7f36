//! Finds the plan of a sweep before the writer needs it: reading and parsing it does not hold the
//! writer then.

use std::sync::Arc;

use super::plan::Plan;
use crate::app::{App, error::Error};

/// The plan of a sweep. A large one takes long to check, so not by the writer.
///
/// # Errors
/// Missing when there is no such sweep.
pub(in crate::app) async fn of(app: &Arc<App>, sweep: &str) -> Result<Arc<Plan>, Error> {
    match app.plans.cached(sweep) {
        Some(plan) => Ok(plan),
        None => {
            let sweep = sweep.to_owned();
            app.read(move |tx, app| app.plans.get(tx, &sweep)).await
        }
    }
}

/// Sees to it that the writer finds the plan of the sweep that a run is of, if it is of one.
///
/// # Errors
/// When the database fails.
pub(in crate::app) async fn of_run(app: &Arc<App>, run: &str) -> Result<(), Error> {
    // A trial's id is that of its sweep, and its number.
    let Some((sweep, _)) = run.rsplit_once('-').filter(|(sweep, _)| !app.plans.knows(sweep)) else {
        return Ok(());
    };
    match of(app, sweep).await {
        Err(Error::Missing(_)) => app.plans.is_none(sweep),
        found => drop(found?),
    }
    Ok(())
}
