//! Serves W&B's client: GraphQL, and the routes to which the client sends rows and files. `lib.rs`
//! puts it on the port. Every handler translates its request, calls `app`, and translates the
//! answer. The client and its protocol are in docs/wandb.md.

mod config;
mod door;
mod error;
mod graphql;
mod lines;
mod link;
mod manifest;
mod names;
mod objects;
mod query;
mod session;
mod storage;
mod stream;
mod unserved;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::{get, post, put},
};

use crate::{api::origin, app::App};
use door::Door;
use error::Fault;
use unserved::Unserved;

/// Makes the routes of W&B's client.
pub(crate) fn routes(app: Arc<App>) -> Router {
    let door = Door { app, unserved: Unserved::default() };
    Router::new()
        .route("/graphql", post(query::answer))
        .route("/files/{entity}/{project}/{run}/file_stream", post(stream::answer))
        .route("/artifactsV2/{*address}", get(storage::by_md5))
        .layer(middleware::from_fn_with_state(door.app.clone(), admit))
        // These addresses are signed, and pages of others may show what is behind them.
        .route("/storage/{*address}", put(storage::put).get(storage::get).options(storage::allow))
        .with_state(Arc::new(door))
}

/// Passes a request on, unless a foreign page may have made it.
async fn admit(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    match origin::check(&app, &request) {
        Ok(()) => next.run(request).await,
        Err(error) => Fault::from(error).into_response(),
    }
}
