//! Writes lists and times in the form that the client reads.

use serde_json::{Value as Json, json};

/// Returns a connection, as the client calls a list, with all of its items.
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
