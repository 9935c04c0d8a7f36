//! Serves the bin: deletes runs and sweeps, lists what is deleted, and restores it.

use axum::{Json, extract::Path};
use record::ids::{ProjectId, RunId};
use serde::{Deserialize, Serialize};

use super::{
    asked::{Body, Nothing},
    error::Problem,
    session::Call,
};
use crate::app::bin::{self, BinnedView};

/// What is in the bin of a project.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Bin {
    /// The runs and sweeps, the last deleted first.
    items: Vec<BinItem>,
}

/// A deleted run or sweep.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct BinItem {
    #[cfg_attr(test, ts(type = "\"run\" | \"sweep\""))]
    kind: &'static str,
    id: String,
    name: String,
    /// The sweep whose trial a run is; `null` for other runs, and for a sweep.
    sweep: Option<String>,
    deleted_ms: i64,
    /// Who deleted it.
    who: String,
    /// When it is removed for good.
    purge_ms: i64,
    /// The bytes of its rows and files. Contents that other runs also have count in full.
    bytes: u64,
}

/// The runs or the sweep to delete.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Deletion {
    /// The ids of the runs.
    runs: Vec<String>,
}

/// What was deleted.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Deleted {
    /// When it is removed for good.
    purge_ms: i64,
}

/// What to restore.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Restoration {
    /// The ids of runs and sweeps.
    ids: Vec<String>,
}

/// What was restored.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Restored {
    items: Vec<RestoredItem>,
}

/// A restored run or sweep.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct RestoredItem {
    id: String,
    /// The new name of a run whose name another run has now; else `null`.
    renamed: Option<String>,
}

/// How many items a caller wants.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Asked {
    limit: u32,
}

/// Lists what is in the bin of a project.
pub(super) async fn list(
    Path((team, project)): Path<(String, String)>,
    call: Call<Asked>,
) -> Result<Json<Bin>, Problem> {
    let Call { app, caller, asked } = call;
    let project = ProjectId::new(&team, &project);
    let found = bin::list(&app, &caller, Some(project), asked.limit).await?;
    Ok(Json(Bin { items: found.into_iter().map(BinItem::from).collect() }))
}

/// Deletes runs.
pub(super) async fn delete_runs(
    call: Call,
    Body(Deletion { runs }): Body<Deletion>,
) -> Result<Json<Deleted>, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let runs = runs.into_iter().map(RunId::from).collect();
    Ok(Json(Deleted { purge_ms: bin::delete_runs(&app, &caller, runs).await? }))
}

/// Deletes a sweep.
pub(super) async fn delete_sweep(
    Path(sweep): Path<String>,
    call: Call,
) -> Result<Json<Deleted>, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    Ok(Json(Deleted { purge_ms: bin::delete_sweep(&app, &caller, sweep.into()).await? }))
}

/// Restores runs and sweeps.
pub(super) async fn restore(
    call: Call,
    Body(Restoration { ids }): Body<Restoration>,
) -> Result<Json<Restored>, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let item = |bin::Restored { id, renamed, .. }| RestoredItem { id, renamed };
    let found = bin::restore(&app, &caller, ids).await?;
    Ok(Json(Restored { items: found.into_iter().map(item).collect() }))
}

impl From<BinnedView> for BinItem {
    fn from(BinnedView { binned, bytes, purge_ms }: BinnedView) -> Self {
        Self {
            kind: if binned.is_sweep { "sweep" } else { "run" },
            id: binned.id,
            name: binned.name,
            sweep: binned.sweep.filter(|_| !binned.is_sweep).map(Into::into),
            deleted_ms: binned.deleted_ms,
            who: binned.who,
            purge_ms,
            bytes,
        }
    }
}
