//! Serves what a run has logged: rows of history and system metrics, the keys, and the console.

use std::{collections::HashSet, ops::Range};

use record::stream::StreamName;
use serde_json::{Map, Value as Json, json};

use super::forms::time;
use crate::{
    api::wandb::{
        error::Fault,
        graphql::{Answer, Asked},
        lines,
        session::Session,
    },
    app::read::{
        console::{self, Line, Which},
        history,
        steps::{self, Choice, Slice},
        views::RunView,
    },
};

/// The rows of a sample if the client does not say how many.
const SAMPLES: u64 = 500;
/// The most lines of a console that are read at once.
const MOST_LINES: u64 = 10_000;
/// The keys that every row has.
const ALWAYS: [&str; 3] = ["_step", "_timestamp", "_runtime"];

/// Serves a field that holds logged data; `None` if the field is another one.
pub(super) async fn field(
    session: &Session,
    view: &RunView,
    asked: &Asked<'_>,
) -> Result<Option<Answer>, Fault> {
    Ok(Some(match asked.name {
        "history" => whole(session, view, asked, StreamName::History).await?,
        "events" => whole(session, view, asked, StreamName::System).await?,
        "sampledHistory" => sampled(session, view, asked).await?,
        // The client reads the rows with `history` if there are no files of Parquet.
        "parquetHistory" => json!({ "parquetUrls": [], "liveData": [] }).into(),
        "historyKeys" => keys(session, view).await?,
        "logLines" => console(session, view, asked).await?,
        _ => return Ok(None),
    }))
}

/// Returns rows as the client has sent them, as lines of JSON. With steps, these are all rows from
/// `minStep` on and before `maxStep`; else, an even sample of all.
async fn whole(
    session: &Session,
    view: &RunView,
    asked: &Asked<'_>,
    stream: StreamName,
) -> Result<Answer, Fault> {
    let samples = asked.number("samples");
    let window = asked.number("minStep").zip(asked.number("maxStep"));
    // A range of steps comes whole, because the client would not notice that rows are missing.
    let (steps, choice) = match window {
        Some((least, end)) => (least..end, Choice::All),
        None => (0..u64::MAX, Choice::Sample(samples.unwrap_or(SAMPLES))),
    };
    let slice = Slice { run: view.run.id.clone(), stream, keys: HashSet::new(), steps, choice };
    let rows = steps::rows(session.app(), &session.caller, slice).await?;
    let started_ms = view.run.created_ms;
    let line = |row| match stream {
        StreamName::System => lines::text(&lines::write_system(row, started_ms), row, "system."),
        _ => lines::text(&lines::write(row, started_ms), row, ""),
    };
    Ok(Json::from(rows.iter().map(line).collect::<Vec<_>>()).into())
}

/// Returns a list of rows for each specification, with the keys that it names.
async fn sampled(session: &Session, view: &RunView, asked: &Asked<'_>) -> Result<Answer, Fault> {
    let mut lists = Vec::new();
    for spec in asked.texts("specs").unwrap_or_default() {
        let spec: Json = serde_json::from_str(&spec)
            .map_err(|error| Fault::wrong(format!("a specification is not JSON: {error}")))?;
        lists.push(of_spec(session, view, &spec).await?);
    }
    Ok(Json::from(lists).into())
}

async fn of_spec(session: &Session, view: &RunView, spec: &Json) -> Result<Json, Fault> {
    let keys = spec["keys"].as_array().map(Vec::as_slice).unwrap_or_default();
    let keys: Vec<&str> = keys.iter().filter_map(Json::as_str).collect();
    let window = spec["minStep"].as_u64().zip(spec["maxStep"].as_u64());
    let samples = spec["samples"].as_u64().unwrap_or(SAMPLES);
    let (steps, choice): (Range<u64>, _) = match window {
        // Here the client means the last step too.
        Some((least, last)) => (least..last.saturating_add(1), Choice::All),
        None => (0..u64::MAX, Choice::Sample(samples)),
    };
    let logged = keys.iter().filter(|key| !ALWAYS.contains(key));
    let slice = Slice {
        run: view.run.id.clone(),
        stream: StreamName::History,
        keys: logged.map(|key| (*key).to_owned()).collect(),
        steps,
        choice,
    };
    let rows = steps::rows(session.app(), &session.caller, slice).await?;
    let reduced = |row| {
        let Json::Object(mut line) = lines::write(row, view.run.created_ms) else {
            return Json::Null;
        };
        line.retain(|key, _| keys.contains(&key.as_str()));
        Json::Object(line)
    };
    Ok(Json::from(rows.iter().map(reduced).collect::<Vec<_>>()))
}

/// Returns the keys of the history, with the kinds of their values.
async fn keys(session: &Session, view: &RunView) -> Result<Answer, Fault> {
    let id = view.run.id.clone();
    let found = history::keys(session.app(), &session.caller, id, StreamName::History).await?;
    let summary: Json = serde_json::from_str(&view.summary_json).unwrap_or_default();
    let last = found.values().filter_map(|key| key.steps).map(|(_, last)| last).max();
    let key = |(name, key): (String, history::Key)| {
        let kind = key.types.first().map_or("number", String::as_str);
        let kind = match kind {
            "text" => "string",
            "bool" => "boolean",
            "object" => "map",
            other => other,
        };
        let described = json!({
            "typeCounts": [{ "type": kind, "count": key.count }],
            "monotonic": false,
            "previousValue": summary.get(&name),
        });
        (name, described)
    };
    let keys: Map<String, Json> = found.into_iter().map(key).collect();
    let last = last.map_or_else(|| Json::from(-1), Json::from);
    Ok(json!({ "sets": [], "keys": keys, "lastStep": last }).into())
}

/// Returns lines of the console: a page of them, or the last ones.
async fn console(session: &Session, view: &RunView, asked: &Asked<'_>) -> Result<Answer, Fault> {
    let after = asked.text("after").and_then(|after| after.parse::<u64>().ok());
    let which = match asked.number("last") {
        Some(last) => Which::Last(last.min(MOST_LINES)),
        None => {
            let first = asked.number("first").unwrap_or(MOST_LINES).min(MOST_LINES);
            Which::From(after.map_or(0, |after| after.saturating_add(1)), first)
        }
    };
    let id = view.run.id.clone();
    let (lines, all) = console::read(session.app(), &session.caller, id, which).await?;
    let end = lines.last().map(|line| line.number);
    let edge = |Line { number, wall_ms, error, text }: &Line| {
        json!({
            "cursor": number.to_string(),
            "node": {
                "__typename": "LogLine",
                "id": number.to_string(),
                "number": number,
                "timestamp": time(*wall_ms),
                "level": if *error { "error" } else { "info" },
                "label": "",
                "line": text,
            },
        })
    };
    Ok(json!({
        "edges": lines.iter().map(edge).collect::<Vec<_>>(),
        "totalCount": all,
        "pageInfo": {
            "__typename": "PageInfo",
            "hasNextPage": end.is_some_and(|end| end + 1 < all),
            "endCursor": end.map(|end| end.to_string()),
        },
    })
    .into())
}
