//! Serves reports: their list, one with its blocks, and the data of frozen panels.

use axum::{Json, extract::Path, http::StatusCode};
use record::ids::ProjectId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use super::{
    asked::{Body, Nothing},
    error::Problem,
    session::Call,
};
use crate::app::reports::{self, CardView, Contents, ReportView, Search};

/// The reports of a page, unless the caller asks for another number.
const PAGE: u64 = 50;
/// The most reports of a page.
const MOST: u64 = 200;

/// The reports that a caller asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Asked {
    search: String,
    deleted: bool,
    from: u64,
    limit: u64,
}

impl Default for Asked {
    fn default() -> Self {
        Self { search: String::new(), deleted: false, from: 0, limit: PAGE }
    }
}

/// A page of the reports of a project.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Reports {
    reports: Vec<ReportCard>,
    /// The number of all reports that were found.
    total: u64,
}

/// A report without its blocks.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct ReportCard {
    id: String,
    team: String,
    project: String,
    title: String,
    /// The user who made it; empty for the administrator.
    author: String,
    /// The user who changed it last; empty for the administrator.
    editor: String,
    /// The number of the version, which grows with every change.
    version: u64,
    created_ms: i64,
    changed_ms: i64,
    deleted_ms: Option<i64>,
}

/// A report.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Report {
    #[serde(flatten)]
    card: ReportCard,
    #[cfg_attr(test, ts(type = "ReportBlock[]"))]
    blocks: Box<RawValue>,
    /// Whether the caller may change it.
    writes: bool,
}

/// What a person writes into a report.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub(super) struct ReportEdit {
    title: String,
    blocks: Vec<ReportBlock>,
    /// The version that the change is based on; 0 for a new report.
    version: u64,
}

/// A part of a report.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields, tag = "kind", rename_all = "snake_case")]
pub(super) enum ReportBlock {
    /// Text in Markdown.
    Text { id: String, text: String },
    /// A chart, a table or media.
    Panel {
        id: String,
        title: String,
        panel: ReportPanel,
        /// The key of the data that is kept with the report; `null` for a live panel.
        frozen: Option<String>,
    },
}

/// What a panel shows.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields, tag = "shows", rename_all = "snake_case")]
pub(super) enum ReportPanel {
    /// Curves of the named runs, or of those that pass the filters if none is named.
    Curves {
        runs: Vec<String>,
        filters: Vec<String>,
        metric: String,
        system: bool,
        x: String,
        smooth: f64,
        log_x: bool,
        log_y: bool,
        outliers: bool,
    },
    /// The value of each trial of a sweep, and the best so far.
    History { sweep: String, time: bool, log_y: bool },
    /// Which parameters of a sweep matter.
    Importance { sweep: String },
    /// All parameters of a sweep at once.
    Parallel { sweep: String },
    /// The metric of a sweep over one parameter.
    Slice { sweep: String, parameter: String },
    /// A table of runs, as for curves.
    Table { runs: Vec<String>, filters: Vec<String>, columns: Vec<String> },
    /// The media of a run under a key; without a step, the newest.
    Media { run: String, key: String, step: Option<i64> },
}

impl ReportEdit {
    fn contents(self) -> Result<Contents, Problem> {
        let frozen = self.blocks.iter().filter_map(|block| match block {
            ReportBlock::Panel { frozen, .. } => frozen.clone(),
            ReportBlock::Text { .. } => None,
        });
        let blocks = serde_json::to_string(&self.blocks);
        Ok(Contents {
            frozen: frozen.collect(),
            count: self.blocks.len(),
            blocks: blocks.map_err(|error| Problem::wrong(format!("the blocks: {error}")))?,
            title: self.title,
        })
    }
}

/// Lists the reports of a project.
pub(super) async fn list(
    Path((team, project)): Path<(String, String)>,
    call: Call<Asked>,
) -> Result<Json<Reports>, Problem> {
    let Call { app, caller, asked } = call;
    let Asked { search, deleted, from, limit } = asked;
    let wanted = Search { project: ProjectId::new(&team, &project), search, deleted };
    let (found, total) = reports::list(&app, &caller, wanted, from, limit.min(MOST)).await?;
    Ok(Json(Reports { reports: found.into_iter().map(ReportCard::from).collect(), total }))
}

/// Makes a report.
pub(super) async fn create(
    Path((team, project)): Path<(String, String)>,
    call: Call,
    Body(edit): Body<ReportEdit>,
) -> Result<Json<ReportCard>, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let project = ProjectId::new(&team, &project);
    Ok(Json(reports::create(&app, &caller, project, edit.contents()?).await?.into()))
}

/// Returns a report with its blocks.
pub(super) async fn show(Path(id): Path<String>, call: Call) -> Result<Json<Report>, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let ReportView { report, blocks, writes } = reports::get(&app, &caller, id).await?;
    Ok(Json(Report { card: report.into(), blocks: raw(blocks)?, writes }))
}

fn raw(json: String) -> Result<Box<RawValue>, Problem> {
    let damaged = |error| crate::app::Error::damaged(format!("the JSON of a report: {error}"));
    Ok(RawValue::from_string(json).map_err(damaged)?)
}

/// Changes a report.
pub(super) async fn save(
    Path(id): Path<String>,
    call: Call,
    Body(edit): Body<ReportEdit>,
) -> Result<Json<ReportCard>, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let version = edit.version;
    Ok(Json(reports::save(&app, &caller, id, version, edit.contents()?).await?.into()))
}

/// Deletes a report.
pub(super) async fn delete(Path(id): Path<String>, call: Call) -> Result<StatusCode, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    reports::delete(&app, &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Restores a deleted report.
pub(super) async fn restore(Path(id): Path<String>, call: Call) -> Result<StatusCode, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    reports::restore(&app, &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Keeps the data of a panel. Answers its key.
pub(super) async fn freeze(
    Path(id): Path<String>,
    call: Call,
    Body(data): Body<Box<RawValue>>,
) -> Result<Json<Value>, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let key = reports::freeze(&app, &caller, id, data.get().to_owned()).await?;
    Ok(Json(serde_json::json!({ "key": key })))
}

/// Returns the data of a frozen panel.
pub(super) async fn frozen(
    Path((id, key)): Path<(String, String)>,
    call: Call,
) -> Result<Json<Box<RawValue>>, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    Ok(Json(raw(reports::frozen(&app, &caller, id, key).await?)?))
}

impl From<CardView> for ReportCard {
    fn from(report: CardView) -> Self {
        Self {
            team: report.project.team().to_owned(),
            project: report.project.name().to_owned(),
            id: report.id,
            title: report.title,
            author: report.author,
            editor: report.editor,
            version: report.version,
            created_ms: report.created_ms,
            changed_ms: report.changed_ms,
            deleted_ms: report.deleted_ms,
        }
    }
}
