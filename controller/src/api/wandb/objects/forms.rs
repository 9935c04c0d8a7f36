//! Writes lists and times in the form that the client reads.

use serde_json::{Value as Json, json};
use tonic::async_trait;

use crate::api::wandb::{
    error::Fault,
    graphql::{Answer, Asked, Object},
    link::{Link, Page},
    names,
    session::Session,
};

/// Several objects, as the client lists them.
pub(super) struct Connection(pub(super) Page);

/// One object of a connection.
struct Edge {
    cursor: String,
    node: Link,
}

#[async_trait]
impl Object for Connection {
    fn kind(&self) -> &'static str {
        "Connection"
    }

    async fn field(&self, _: &Session, asked: &Asked<'_>) -> Result<Option<Answer>, Fault> {
        let Page { items, more, total } = &self.0;
        Ok(Some(match asked.name {
            "edges" => {
                let edge = |(cursor, node): &(String, Link)| {
                    let (cursor, node) = (cursor.clone(), node.clone());
                    Answer::Object(Box::new(Edge { cursor, node }))
                };
                Answer::List(items.iter().map(edge).collect())
            }
            "totalCount" => (*total).into(),
            "pageInfo" => {
                let end = items.last().map(|(cursor, _)| cursor);
                json!({ "__typename": "PageInfo", "hasNextPage": more, "endCursor": end }).into()
            }
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
        Ok(Some(match (asked.name, &self.node) {
            ("node", node) => Answer::Link(node.clone()),
            ("cursor", _) => self.cursor.clone().into(),
            ("version", Link::Member(member)) => format!("v{}", member.number).into(),
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
        "pageInfo": { "__typename": "PageInfo", "hasNextPage": false, "endCursor": null },
    })
}

/// Returns a text as the client reads it: null instead of an empty one.
pub(super) fn text(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

/// Returns a time as the client reads it.
pub(super) fn time(at_ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(at_ms).unwrap_or_default();
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Returns tags as the client reads them.
pub(super) fn tags(tags: Vec<String>) -> Vec<Json> {
    let tag = |name: String| {
        let id = names::id("Tag", &[&name]);
        json!({ "__typename": "Tag", "id": id, "name": name })
    };
    tags.into_iter().map(tag).collect()
}
