//! Serves the dashboard: its pages, and the JSON API under `/api/v1` from which they take what they
//! show. `lib.rs` puts it on the port. Every handler translates its request, calls `app`, and
//! translates the answer. docs/dashboard.md describes the API.

mod artifacts;
mod asked;
mod assets;
mod attempts;
mod bin;
mod client;
mod climbs;
mod columns;
mod console;
mod contents;
mod error;
mod events;
mod explain;
mod files;
mod fleet;
mod groups;
mod guard;
mod keys;
mod login;
mod markdown;
mod media;
mod overview;
mod pages;
mod people;
mod projects;
mod proposals;
mod reports;
mod rows;
mod rungs;
mod runs;
mod saved_views;
mod series;
mod session;
mod shared;
mod steer;
mod storage;
mod sweeps;
mod tables;
#[cfg(test)]
mod types;

use std::sync::Arc;

use axum::{
    Router,
    http::Uri,
    middleware,
    routing::{delete, get, patch, post, put},
};

use tower_http::{CompressionLevel, compression::CompressionLayer};

use crate::app::App;
use error::Problem;

/// Makes the routes of the dashboard and of its API. They answer every request that no other door
/// answers.
pub(crate) fn routes(app: Arc<App>) -> Router {
    let api = Router::new()
        .route("/session", get(session::show).post(login::open).delete(login::close))
        .route("/overview", get(overview::show))
        .route("/fleet", get(fleet::list))
        .route("/fleet/timeline", get(fleet::timeline))
        .route("/reports/{report}", get(reports::show).put(reports::save).delete(reports::delete))
        .route("/reports/{report}/restore", post(reports::restore))
        .route("/reports/{report}/frozen", post(reports::freeze))
        .route("/reports/{report}/frozen/{key}", get(reports::frozen))
        .route("/markdown", post(markdown::read))
        .route("/series", post(series::read))
        .route("/climbs", post(climbs::read))
        .route("/series/groups", post(groups::read))
        .route("/events", get(events::follow))
        .merge(projects())
        .merge(runs())
        .merge(sweeps())
        .merge(settings())
        .merge(bin())
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        // Files are sent as they are, because most media are compressed already.
        .route("/runs/{run}/files/{*path}", get(files::send))
        .route(
            "/projects/{team}/{project}/artifacts/{name}/{version}/files/{*path}",
            get(contents::send),
        )
        .fallback(nowhere)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(app.clone(), guard::admit));
    Router::new()
        .nest("/api/v1", api)
        .fallback(pages::answer)
        .layer(middleware::map_response(guard::secure))
        .with_state(app)
}

/// Makes the routes of projects, and of what they list.
fn projects() -> Router<Arc<App>> {
    Router::new()
        .route("/projects", get(projects::list))
        .route("/projects/{team}/{project}/runs", get(runs::list))
        .route("/projects/{team}/{project}/keys", get(keys::of_project))
        .route("/projects/{team}/{project}/sweeps", get(sweeps::list).post(steer::create))
        .route("/projects/{team}/{project}/columns", post(columns::table))
        .route("/projects/{team}/{project}/reports", get(reports::list).post(reports::create))
        .route("/projects/{team}/{project}/artifacts", get(artifacts::list))
        .route("/projects/{team}/{project}/artifacts/{name}", get(artifacts::versions))
        .nest("/projects/{team}/{project}/artifacts/{name}/{version}", versions())
        .route("/projects/{team}/{project}/views", get(saved_views::list).post(saved_views::create))
        .route(
            "/projects/{team}/{project}/views/{view}",
            patch(saved_views::change).delete(saved_views::remove),
        )
}

/// Makes the routes of runs.
fn runs() -> Router<Arc<App>> {
    Router::new()
        .route("/runs/{run}/artifacts", get(artifacts::of_run))
        .route("/runs/{run}/storage", get(storage::of_run))
        .route("/runs", patch(runs::edit_many))
        .route("/runs/{run}", get(runs::show).patch(runs::edit))
        .route("/runs/{run}/stop", post(runs::stop))
        .route("/runs/{run}/keys", get(keys::of_run))
        .route("/runs/{run}/retry", post(runs::retry))
        .route("/runs/{run}/attempts", get(attempts::list))
        .route("/runs/{run}/checkpoints/{key}", get(attempts::checkpoint))
        .route("/runs/{run}/console", get(console::read))
        .route("/runs/{run}/files", get(files::list))
        .route("/runs/{run}/media", get(media::list))
        .route("/runs/{run}/tables", get(tables::of_run))
        .route("/runs/{run}/linked", get(contents::linked))
        .route("/runs/{run}/histograms", get(media::histograms))
}

/// Makes the routes of sweeps.
fn sweeps() -> Router<Arc<App>> {
    Router::new()
        .route("/sweeps/{sweep}", get(sweeps::show))
        .route("/sweeps/{sweep}/attempts", get(fleet::of_sweep))
        .route("/sweeps/{sweep}/explain", get(explain::read))
        .route("/sweeps/{sweep}/individuals", get(explain::individuals))
        .route("/sweeps/{sweep}/proposals", get(proposals::list))
        .route("/sweeps/{sweep}/rungs", get(rungs::list))
        .route("/sweeps/{sweep}/retry", post(steer::retry))
        .route("/sweeps/{sweep}/extend", post(steer::extend))
        .route("/sweeps/{sweep}/{deed}", post(steer::act))
}

/// Makes the routes of one version of an artifact.
fn versions() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(artifacts::show).patch(artifacts::edit).delete(artifacts::remove))
        .route("/aliases", post(artifacts::alias))
        .route("/difference", get(artifacts::compare))
        .route("/files", get(contents::folder))
        .route("/tables", get(tables::of_version))
        .route("/lineage", get(contents::lineage))
}

/// Makes the routes of the bin.
fn bin() -> Router<Arc<App>> {
    Router::new()
        .route("/projects/{team}/{project}/bin", get(bin::list))
        .route("/bin/runs", post(bin::delete_runs))
        .route("/bin/sweeps/{sweep}", post(bin::delete_sweep))
        .route("/bin/restore", post(bin::restore))
}

/// Makes the routes of people and of the controller itself.
fn settings() -> Router<Arc<App>> {
    Router::new()
        .route("/keys", get(people::list_keys).post(people::add_key))
        .route("/keys/{key}", delete(people::remove_key))
        .route("/password", put(people::set_password))
        .route("/sessions", get(people::list_sessions))
        .route("/sessions/{session}", delete(people::end_session))
        .route("/users", get(people::list).post(people::add_user))
        .route("/users/{user}", delete(people::remove_user))
        .route("/users/{user}/roles", put(people::grant))
        .route("/teams", post(people::add_team))
        .route("/teams/{team}", delete(people::remove_team))
        .route("/storage", get(storage::whole))
        .route("/storage/projects", get(storage::by_project))
        .route("/about", get(storage::about))
}

async fn nowhere(path: Uri) -> Problem {
    Problem::missing(format!("the API has no `{}`", path.path()))
}

async fn wrong_method(path: Uri) -> Problem {
    Problem::wrong_method(format!("`{}` does not take this method", path.path()))
}
