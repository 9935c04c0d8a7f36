//! Checks a configuration that a person is still writing. The dashboard shows the problems beside
//! the text. `app::sweeps::manage` checks every new sweep by itself.

use std::sync::Arc;

use ::sweeps::config::{self, Problem};
use record::ids::ProjectId;

use super::manage;
use crate::app::{
    App,
    error::Error,
    people::{
        caller::{Caller, Right},
        permit,
        things::Thing,
    },
};

/// Returns every problem of a configuration from which the caller may create a sweep in the
/// project, in the order of the lines.
///
/// # Errors
/// Fails with [`Error::Invalid`] if the text is too long. Refuses callers who may not create sweeps
/// in the project.
pub(crate) async fn problems(
    app: &Arc<App>,
    caller: &Caller,
    project: &ProjectId,
    yaml: String,
) -> Result<Vec<Problem>, Error> {
    caller.admits(Right::Steer)?;
    caller.check(Right::Steer, project, Thing::Project, || permit::no_project(project))?;
    manage::check_lengths(&app.settings.limits, &yaml, None)?;
    let checking = app.threads.run(move || config::check(&yaml).problems);
    checking.await.map_err(|error| Error::Bug(format!("a check failed: {error}")))
}
