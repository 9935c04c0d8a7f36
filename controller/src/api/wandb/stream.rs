//! Receives the rows of a run. The client sends all that is new as numbered lines of a few files,
//! and an empty request at least every 30 seconds.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::{Path, Request, State},
    response::{IntoResponse as _, Response},
};
use record::stream::StreamName;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{door::Door, error::Fault, lines, session::Session};
use crate::app::{
    rows::lines::{Lines, Part, take},
    runs::lookup::Named,
};

/// A request, as the client sends it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Sent {
    files: BTreeMap<String, Chunk>,
    preempting: Option<bool>,
    complete: Option<bool>,
    exitcode: Option<i32>,
}

/// Lines of one file.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Chunk {
    offset: u64,
    content: Vec<String>,
}

/// Answers one request.
pub(super) async fn answer(
    State(door): State<Arc<Door>>,
    Path((entity, project, run)): Path<(String, String, String)>,
    request: Request,
) -> Response {
    let named = Named { id: None, project: format!("{entity}/{project}"), name: run };
    match receive(door, named, request).await {
        Ok(answer) => Json(answer).into_response(),
        Err(fault) => fault.into_response(),
    }
}

async fn receive(door: Arc<Door>, run: Named, request: Request) -> Result<Value, Fault> {
    let (session, body) = Session::enter(door, request).await?;
    let (process, wall_ms) = (session.process.clone(), session.app().clock().wall_ms());
    // A request may have megabytes of JSON, which would keep other calls waiting.
    let read = session.app().threads().run(move || read(&body, run, process, wall_ms)).await;
    let lines = read.map_err(|error| Fault::torn(format!("the rows were not read: {error}")))??;
    let code = lines.ended;
    let heard = take(session.app(), &session.caller, lines).await?;
    let mut answer = Map::new();
    answer.insert("exitcode".to_owned(), code.into());
    answer.insert("limits".to_owned(), json!({}));
    if heard.stop_wanted {
        answer.insert("stopped".to_owned(), true.into());
    }
    Ok(answer.into())
}

/// Reads a request. A line that is not of the client's form is refused, because the client has no
/// such line.
fn read(body: &[u8], run: Named, process: String, wall_ms: i64) -> Result<Lines, Fault> {
    let sent: Sent = serde_json::from_slice(body)
        .map_err(|error| Fault::wrong(format!("these are no rows of W&B's client: {error}")))?;
    let mut lines = Lines {
        run,
        process,
        preempting: sent.preempting.unwrap_or(false),
        ended: sent.complete.unwrap_or(false).then(|| sent.exitcode.unwrap_or(0)),
        ..Lines::default()
    };
    for (name, Chunk { offset, content }) in sent.files {
        let numbered = content.iter().zip(offset..);
        let bad = |number| Fault::wrong(format!("line {number} of `{name}` is no JSON object"));
        let (stream, rows) = match name.as_str() {
            "wandb-history.jsonl" => {
                let row = |(line, number): (&String, u64)| {
                    lines::history(line, number, wall_ms).ok_or_else(|| bad(number))
                };
                (StreamName::History, numbered.map(row).collect::<Result<_, _>>()?)
            }
            "wandb-events.jsonl" => {
                let row = |(line, number): (&String, u64)| {
                    lines::system(line, number, wall_ms).ok_or_else(|| bad(number))
                };
                (StreamName::System, numbered.map(row).collect::<Result<_, _>>()?)
            }
            "output.log" => {
                let row = |(line, number): (&String, u64)| lines::console(line, number, wall_ms);
                (StreamName::Console, numbered.map(row).collect())
            }
            "wandb-summary.json" => {
                let summary = content.last().map(|line| lines::summary(line, wall_ms));
                lines.summary = summary.map(|row| row.ok_or_else(|| bad(offset))).transpose()?;
                continue;
            }
            _ => continue,
        };
        if !content.is_empty() {
            lines.parts.push(Part { stream, first: offset, rows });
        }
    }
    Ok(lines)
}
