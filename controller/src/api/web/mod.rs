//! Serves the dashboard: its pages, and the JSON API under `/api/v1` from which they take what they
//! show. `lib.rs` puts it on the port. Every handler translates its request, calls `app`, and
//! translates the answer. docs/dashboard.md describes the API.

mod asked;
mod assets;
mod error;
mod guard;
mod pages;
mod projects;
mod session;
#[cfg(test)]
mod types;

use std::sync::Arc;

use axum::{Router, http::Uri, middleware, routing::get};

use crate::app::App;
use error::Problem;

/// Makes the routes of the dashboard and of its API. They answer every request that no other door
/// answers.
pub(crate) fn routes(app: Arc<App>) -> Router {
    let api = Router::new()
        .route("/session", get(session::show))
        .route("/projects", get(projects::list))
        .fallback(nowhere)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(app.clone(), guard::admit));
    Router::new()
        .nest("/api/v1", api)
        .fallback(pages::answer)
        .layer(middleware::map_response(guard::secure))
        .with_state(app)
}

async fn nowhere(path: Uri) -> Problem {
    Problem::missing(format!("the API has no `{}`", path.path()))
}

async fn wrong_method(path: Uri) -> Problem {
    Problem::wrong_method(format!("`{}` does not take this method", path.path()))
}
