//! Serves the mutations with which the client deletes runs and files of runs.

use std::collections::BTreeMap;

use record::ids::RunId;
use serde_json::{Value as Json, json};

use crate::{
    api::wandb::{
        error::Fault,
        graphql::{Answer, Asked},
        names,
        session::Session,
    },
    app::{bin, files::remove},
};

/// Puts a run into the bin, and removes the artifacts that it has made if the client asks for that.
pub(super) async fn run(session: &Session, input: &Asked<'_>) -> Result<Answer, Fault> {
    let id = input.text("id").and_then(names::run);
    let id = id.ok_or_else(|| Fault::wrong("the argument `id` is no id of a run"))?;
    let (app, caller) = (session.app(), &session.caller);
    match input.json("deleteArtifacts") {
        Some(Json::Bool(true)) => bin::delete_run_and_artifacts(app, caller, id).await?,
        _ => bin::delete_runs(app, caller, vec![id]).await?,
    };
    Ok(json!({ "clientMutationId": null }).into())
}

/// Deletes files of runs.
pub(super) async fn files(session: &Session, input: &Asked<'_>) -> Result<Answer, Fault> {
    let mut paths: BTreeMap<RunId, Vec<String>> = BTreeMap::new();
    for id in input.texts("files").unwrap_or_default() {
        let (run, path) = names::file(&id)
            .ok_or_else(|| Fault::wrong("the argument `files` has an id that is no run's file"))?;
        paths.entry(run).or_default().push(path);
    }
    for (run, paths) in paths {
        remove::remove(session.app(), &session.caller, run, paths).await?;
    }
    Ok(json!({ "success": true }).into())
}
