//! Serves runs: tables of them, one with everything, and what people change about one.

use axum::{Json, extract::Path, http::StatusCode};
use record::ids::{ProjectId, RunId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    asked::{Body, Nothing},
    error::Problem,
    rows::{RunDetail, RunRow},
    session::Call,
};
use crate::app::{
    people::things::Thing,
    read::{
        filter::{self, condition::Condition},
        find::{self, Search},
        projects, views,
    },
    runs::{
        edit::{self, Edit},
        orders,
        upsert::{Config, Upsert},
    },
};

/// The runs of a page, unless the caller asks for another number.
const PAGE: usize = 100;
/// The most runs of a page.
const MOST: usize = 1000;

/// The runs that a caller asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Asked {
    filter: Vec<String>,
    sort: Vec<String>,
    search: String,
    field: Vec<String>,
    sweep: String,
    from: usize,
    limit: usize,
}

impl Default for Asked {
    fn default() -> Self {
        let [filter, sort, field] = [const { Vec::new() }; 3];
        let (search, sweep) = (String::new(), String::new());
        Self { filter, sort, search, field, sweep, from: 0, limit: PAGE }
    }
}

/// A page of runs.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Runs {
    runs: Vec<RunRow>,
    /// The number of all runs that were found.
    total: u64,
}

/// Returns a page of the runs of a project.
pub(super) async fn list(
    Path((team, project)): Path<(String, String)>,
    call: Call<Asked>,
) -> Result<Json<Runs>, Problem> {
    let Call { app, caller, asked } = call;
    let project =
        projects::find(&app, &caller, ProjectId::new(&team, &project), Thing::Each).await?;
    let names = filter::names(&asked.field)?;
    let search = Search {
        project: format!("{team}/{}", project.name()),
        sweep: (!asked.sweep.is_empty()).then(|| asked.sweep.into()),
        filters: asked.filter,
        sort: asked.sort,
        condition: Condition::search(&asked.search),
        ..Search::default()
    };
    let limit = asked.limit.min(MOST);
    let (found, total) = find::page(&app, &caller, search, asked.from, limit).await?;
    let runs = found.into_iter().map(|view| RunRow::new(view, &names)).collect();
    Ok(Json(Runs { runs, total: total as u64 }))
}

/// Returns everything that is known about a run.
pub(super) async fn show(Path(run): Path<String>, call: Call) -> Result<Json<RunDetail>, Problem> {
    let Nothing {} = call.asked;
    detail(&call, run.into()).await
}

async fn detail<Q>(call: &Call<Q>, run: RunId) -> Result<Json<RunDetail>, Problem> {
    let view = views::get_run(&call.app, &call.caller, run).await?;
    Ok(Json(RunDetail::new(view)))
}

/// Orders a run to stop.
pub(super) async fn stop(Path(run): Path<String>, call: Call) -> Result<Json<RunDetail>, Problem> {
    let run = RunId::from(run);
    orders::stop(&call.app, &call.caller, run.clone()).await?;
    detail(&call, run).await
}

/// Queues a new attempt of a trial.
pub(super) async fn retry(Path(run): Path<String>, call: Call) -> Result<Json<RunDetail>, Problem> {
    let run = RunId::from(run);
    orders::retry(&call.app, &call.caller, run.clone()).await?;
    detail(&call, run).await
}

/// What a person changes about a run. What is absent stays as it is.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(optional_fields))]
#[serde(deny_unknown_fields, default)]
pub(super) struct RunEdit {
    name: Option<String>,
    tags: Option<Vec<String>>,
    notes: Option<String>,
    group: Option<String>,
    /// The whole config; the parameters of a trial stay as the search chose them.
    #[cfg_attr(test, ts(type = "{ [key: string]: Json }", optional))]
    config: Option<Map<String, Value>>,
    /// Values of the summary; `null` brings the value back that the program logged.
    #[cfg_attr(test, ts(type = "{ [key: string]: Json }", optional))]
    summary: Option<Map<String, Value>>,
}

/// What a person changes about each of some runs. What is absent stays as it is.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(optional_fields))]
#[serde(deny_unknown_fields, default)]
pub(super) struct RunsEdit {
    #[cfg_attr(test, ts(as = "Vec<String>"))]
    runs: Vec<String>,
    add_tags: Option<Vec<String>>,
    remove_tags: Option<Vec<String>>,
    group: Option<String>,
    notes: Option<String>,
    /// Values to lay over the config; the parameters of a trial stay as the search chose them.
    #[cfg_attr(test, ts(type = "{ [key: string]: Json }", optional))]
    config: Option<Map<String, Value>>,
}

/// Changes what is said about a run.
pub(super) async fn edit(
    Path(run): Path<String>,
    call: Call,
    Body(edit): Body<RunEdit>,
) -> Result<Json<RunDetail>, Problem> {
    let run = RunId::from(run);
    let said = Upsert {
        title: edit.name,
        notes: edit.notes,
        group: edit.group,
        tags: edit.tags,
        config: edit.config.map(|values| Config { values, ..Config::default() }),
        ..Upsert::default()
    };
    let edit = Edit { said, summary: edit.summary.unwrap_or_default(), ..Edit::default() };
    edit::runs(&call.app, &call.caller, vec![run.clone()], edit).await?;
    detail(&call, run).await
}

/// Changes what is said about many runs.
pub(super) async fn edit_many(
    call: Call,
    Body(asked): Body<RunsEdit>,
) -> Result<StatusCode, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let said = Upsert { group: asked.group, notes: asked.notes, ..Upsert::default() };
    let edit = Edit {
        said,
        add_tags: asked.add_tags.unwrap_or_default(),
        remove_tags: asked.remove_tags.unwrap_or_default(),
        set_config: asked.config.unwrap_or_default(),
        ..Edit::default()
    };
    let runs = asked.runs.into_iter().map(RunId::from).collect();
    edit::runs(&app, &caller, runs, edit).await?;
    Ok(StatusCode::NO_CONTENT)
}
