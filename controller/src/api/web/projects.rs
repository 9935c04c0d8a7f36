//! Serves the list of projects.

use axum::Json;
use serde::Serialize;

use super::{asked::Nothing, error::Problem, session::Call};
use crate::app::read::projects::{self, ProjectView};

/// The projects that the caller may see.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Projects {
    projects: Vec<Project>,
}

/// A project.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Project {
    team: String,
    name: String,
    /// The number of its runs.
    runs: u64,
    /// The number of its runs that are not over.
    live: u64,
    /// The number of its sweeps.
    sweeps: u64,
    /// When its newest run or sweep was created, in milliseconds since 1970.
    last_ms: i64,
    /// The best result of its newest sweep that has a result.
    best: Option<Best>,
}

/// The best result of a sweep.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Best {
    sweep: String,
    metric: String,
    maximize: bool,
    value: f64,
}

/// Lists the projects.
pub(super) async fn list(call: Call) -> Result<Json<Projects>, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let found = projects::counted(&app, &caller).await?;
    Ok(Json(Projects { projects: found.into_iter().map(Project::from).collect() }))
}

impl From<ProjectView> for Project {
    fn from(ProjectView { project, counted, metric }: ProjectView) -> Self {
        let best = counted.best.zip(metric);
        Self {
            team: project.team().to_owned(),
            name: project.name().to_owned(),
            runs: counted.runs,
            live: counted.live,
            sweeps: counted.sweeps,
            last_ms: counted.newest_ms,
            best: best.map(|((sweep, value), (metric, maximize))| Best {
                sweep: sweep.into(),
                metric,
                maximize,
                value,
            }),
        }
    }
}
