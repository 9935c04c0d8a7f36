//! Serves the names that runs have values under.

use std::collections::BTreeMap;

use axum::{Json, extract::Path};
use record::{
    ids::{ProjectId, RunId},
    stream::StreamName,
};
use serde::Serialize;

use super::{asked::Nothing, error::Problem, session::Call};
use crate::app::read::{
    history,
    keys::{self, Kind, Names},
};

/// A name that runs have values under.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Key {
    name: String,
    #[cfg_attr(test, ts(type = "\"number\" | \"text\" | \"bool\" | \"other\""))]
    kind: &'static str,
    /// The number of runs that have such a value.
    runs: u64,
}

/// The names that the newest runs of a project have values under.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct ProjectKeys {
    config: Vec<Key>,
    summary: Vec<Key>,
    history: Vec<Key>,
    /// Whether the largest value of a metric is the best, as far as sweeps and programs say so.
    goals: BTreeMap<String, bool>,
}

/// The names that a run has values under.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct RunKeys {
    history: Vec<Key>,
    system: Vec<Key>,
}

/// Lists the names of a project.
pub(super) async fn of_project(
    Path((team, project)): Path<(String, String)>,
    call: Call,
) -> Result<Json<ProjectKeys>, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let found = keys::of_project(&app, &caller, ProjectId::new(&team, &project)).await?;
    let [config, summary, history] = [found.config, found.summary, found.history].map(list);
    Ok(Json(ProjectKeys { config, summary, history, goals: found.goals }))
}

fn list(names: Names) -> Vec<Key> {
    let key = |(name, (kind, runs))| {
        let kind = match kind {
            Kind::Number => "number",
            Kind::Text => "text",
            Kind::Bool => "bool",
            Kind::Other => "other",
        };
        Key { name, kind, runs }
    };
    names.into_iter().map(key).collect()
}

/// Lists the names of a run.
pub(super) async fn of_run(Path(run): Path<String>, call: Call) -> Result<Json<RunKeys>, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let run = RunId::from(run);
    let history = history::keys(&app, &caller, run.clone(), StreamName::History).await?;
    let system = history::keys(&app, &caller, run, StreamName::System).await?;
    let key = |(name, key): (String, history::Key)| {
        let mut types = key.types.iter().map(String::as_str);
        let kind = match (types.next(), types.next()) {
            (Some("number"), None) => "number",
            (Some("text"), None) => "text",
            (Some("bool"), None) => "bool",
            _ => "other",
        };
        Key { name, kind, runs: 1 }
    };
    let history = history.into_iter().map(key).collect();
    Ok(Json(RunKeys { history, system: system.into_iter().map(key).collect() }))
}
