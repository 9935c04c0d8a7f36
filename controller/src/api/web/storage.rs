//! Serves what the stored data takes on the disk, and what this controller is.

use axum::{Json, extract::Path};
use record::ids::RunId;
use serde::Serialize;

use super::{asked::Nothing, assets, error::Problem, session::Call};
use crate::app::read::storage::{self, ProjectUsage};

/// What the data folder takes on the disk, in bytes.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Storage {
    database: u64,
    contents: u64,
    contents_count: u64,
    /// The bytes of kept checkpoints, which are part of the contents.
    checkpoints: u64,
    checkpoints_count: u64,
    /// The bytes of what is in the bin; part of the database and the contents.
    bin: u64,
    bin_count: u64,
    /// The free bytes of the disk; `null` if the disk does not say.
    free: Option<u64>,
    /// The bytes that the controller keeps for changes of state.
    reserve: u64,
    has_reserve: bool,
    /// Whether the disk is full, so that rows and contents wait with their senders.
    full: bool,
}

/// What the projects take.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct ProjectsStorage {
    /// The projects that the caller may see, the largest first.
    projects: Vec<ProjectStorage>,
}

/// What a project takes, in bytes.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct ProjectStorage {
    team: String,
    project: String,
    contents: u64,
    rows: u64,
}

/// What a run takes, in bytes.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct RunStorage {
    rows: u64,
    files: u64,
    checkpoints: u64,
}

/// What this controller is.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct About {
    version: &'static str,
    /// The number of the database's schema.
    schema: usize,
    /// A hash of the pages.
    dashboard: String,
}

/// Returns what the data folder takes.
pub(super) async fn whole(call: Call) -> Result<Json<Storage>, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let found = storage::whole(&app, &caller).await?;
    let ((contents_count, contents), (bin_count, bin)) = (found.contents, found.bin);
    let (checkpoints_count, checkpoints) = found.checkpoints;
    Ok(Json(Storage {
        database: found.database,
        contents,
        contents_count,
        checkpoints,
        checkpoints_count,
        bin,
        bin_count,
        free: found.free,
        reserve: found.reserve,
        has_reserve: found.has_reserve,
        full: found.is_full,
    }))
}

/// Returns what each project takes.
pub(super) async fn by_project(call: Call) -> Result<Json<ProjectsStorage>, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let found = storage::by_project(&app, &caller).await?;
    let project = |ProjectUsage { project, contents, rows }| ProjectStorage {
        team: project.team().to_owned(),
        project: project.name().to_owned(),
        contents,
        rows,
    };
    Ok(Json(ProjectsStorage { projects: found.into_iter().map(project).collect() }))
}

/// Returns what a run takes.
pub(super) async fn of_run(
    Path(run): Path<String>,
    call: Call,
) -> Result<Json<RunStorage>, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let (rows, files, checkpoints) = storage::of_run(&app, &caller, RunId::from(run)).await?;
    Ok(Json(RunStorage { rows, files, checkpoints }))
}

/// Returns what this controller is.
pub(super) async fn about(call: Call) -> Result<Json<About>, Problem> {
    let schema = storage::schema(&call.caller)?;
    Ok(Json(About { version: env!("CARGO_PKG_VERSION"), schema, dashboard: assets::stamp() }))
}
