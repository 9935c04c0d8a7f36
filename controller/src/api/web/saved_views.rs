//! Serves the views that people save of the pages of a project and of its sweeps.

use axum::{Json, extract::Path, http::StatusCode};
use record::ids::ProjectId;
use serde::{Deserialize, Serialize};

use super::{
    asked::{Body, Nothing},
    error::Problem,
    session::Call,
};
use crate::app::saved_views::{self, Said, ViewView};

/// The saved views of a project.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct SavedViews {
    views: Vec<SavedView>,
}

/// A saved view.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct SavedView {
    id: String,
    #[cfg_attr(test, ts(type = "\"project\" | \"sweep\""))]
    page: String,
    name: String,
    /// The part of the page's address behind the `?`.
    query: String,
    /// Whether the page opens with this view.
    standard: bool,
    /// Who changed it last.
    who: String,
    changed_ms: i64,
}

/// A view to save.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub(super) struct NewView {
    #[cfg_attr(test, ts(type = "\"project\" | \"sweep\""))]
    page: String,
    name: String,
    query: String,
}

/// What changes about a view. What is absent stays as it is.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(optional_fields))]
#[serde(deny_unknown_fields, default)]
pub(super) struct ViewEdit {
    name: Option<String>,
    query: Option<String>,
    standard: Option<bool>,
}

/// Lists the views of a project.
pub(super) async fn list(
    Path((team, project)): Path<(String, String)>,
    call: Call,
) -> Result<Json<SavedViews>, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let found = saved_views::list(&app, &caller, ProjectId::new(&team, &project)).await?;
    Ok(Json(SavedViews { views: found.into_iter().map(SavedView::from).collect() }))
}

/// Saves a new view.
pub(super) async fn create(
    Path((team, project)): Path<(String, String)>,
    call: Call,
    Body(new): Body<NewView>,
) -> Result<Json<SavedView>, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let said = Said { name: Some(new.name), query: Some(new.query), standard: None };
    let project = ProjectId::new(&team, &project);
    Ok(Json(saved_views::create(&app, &caller, project, new.page, said).await?.into()))
}

/// Changes a view.
pub(super) async fn change(
    Path((team, project, id)): Path<(String, String, String)>,
    call: Call,
    Body(edit): Body<ViewEdit>,
) -> Result<Json<SavedView>, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let ViewEdit { name, query, standard } = edit;
    let (project, said) = (ProjectId::new(&team, &project), Said { name, query, standard });
    Ok(Json(saved_views::change(&app, &caller, project, id, said).await?.into()))
}

/// Removes a view.
pub(super) async fn remove(
    Path((team, project, id)): Path<(String, String, String)>,
    call: Call,
) -> Result<StatusCode, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    saved_views::remove(&app, &caller, ProjectId::new(&team, &project), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<ViewView> for SavedView {
    fn from(view: ViewView) -> Self {
        let ViewView { id, page, name, query, standard, who, changed_ms, .. } = view;
        Self { id, page, name, query, standard, who, changed_ms }
    }
}
