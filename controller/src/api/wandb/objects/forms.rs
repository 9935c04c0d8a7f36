//! Writes lists and times in the form that the client reads.

use serde_json::{Value as Json, json};
use tonic::async_trait;

use crate::api::wandb::{
    error::Fault,
    graphql::{Answer, Asked, Object},
    link::Link,
    session::Session,
};

/// Several objects, as the client lists them, on one page.
pub(super) struct Connection(pub(super) Vec<Link>);

/// One object of a connection.
struct Edge(Link);

#[async_trait]
impl Object for Connection {
    fn kind(&self) -> &'static str {
        "Connection"
    }

    async fn field(&self, _: &Session, asked: &Asked<'_>) -> Result<Option<Answer>, Fault> {
        Ok(Some(match asked.name {
            "edges" => {
                let edge = |item: &Link| Answer::Object(Box::new(Edge(item.clone())));
                Answer::List(self.0.iter().map(edge).collect())
            }
            "totalCount" => self.0.len().into(),
            "pageInfo" => json!({ "hasNextPage": false, "endCursor": null }).into(),
            _ => return Ok(None),
        }))
    }
}

#[async_trait]
impl Object for Edge {
    fn kind(&self) -> &'static str {
        "Edge"
    }

    async fn field(&self, _: &Session, asked: &Asked<'_>) -> Result<Option<Answer>, Fault> {
        Ok(Some(match asked.name {
            "node" => Answer::Link(self.0.clone()),
            "cursor" => "".into(),
            _ => return Ok(None),
        }))
    }
}

/// Returns a connection of known objects.
pub(super) fn connection(items: Vec<Json>) -> Json {
    let count = items.len();
    let edges: Vec<Json> =
        items.into_iter().map(|item| json!({ "node": item, "cursor": "" })).collect();
    json!({
        "edges": edges,
        "totalCount": count,
        "pageInfo": { "hasNextPage": false, "endCursor": null },
    })
}

/// Returns a time as the client reads it.
pub(super) fn time(at_ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(at_ms).unwrap_or_default();
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
