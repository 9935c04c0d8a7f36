//! Answers the requests of GraphQL.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use serde_json::json;

use super::{door::Door, error::Fault, graphql, objects::Objects, session::Session};

/// Answers one request.
pub(super) async fn answer(State(door): State<Arc<Door>>, request: Request) -> Response {
    match run(door, request).await {
        Ok(data) => Json(json!({ "data": data })).into_response(),
        Err(fault) => fault.into_response(),
    }
}

async fn run(door: Arc<Door>, request: Request) -> Result<serde_json::Value, Fault> {
    let (session, body) = Session::enter(door, request).await?;
    let document = graphql::read(&body)?;
    graphql::run(&Objects, &session, &document).await
}
