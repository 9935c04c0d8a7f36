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
    routing::{get, post, put},
};

use crate::app::App;
use door::Door;
use unserved::Unserved;

/// Makes the routes of W&B's client.
pub(crate) fn routes(app: Arc<App>) -> Router {
    let door = Door { app, unserved: Unserved::default() };
    Router::new()
        .route("/graphql", post(query::answer))
        .route("/files/{entity}/{project}/{run}/file_stream", post(stream::answer))
        .route("/storage/{*address}", put(storage::put).get(storage::get).options(storage::allow))
        .route("/artifactsV2/{*address}", get(storage::by_md5))
        .with_state(Arc::new(door))
}
