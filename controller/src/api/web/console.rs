//! Serves the lines of a run's console.

use axum::{Json, extract::Path};
use record::ids::RunId;
use serde::{Deserialize, Serialize};

use super::{error::Problem, session::Call};
use crate::app::read::console::{self, Place, Seek};

/// The lines of a page, unless the caller asks for another number.
const PAGE: u64 = 500;
/// The most lines of a page.
const MOST: u64 = 5000;

/// The lines that a caller asks for: without a place, those at the end.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Asked {
    before: Option<u64>,
    after: Option<u64>,
    /// A time, in milliseconds since 1970.
    at_ms: Option<i64>,
    limit: Option<u64>,
    search: String,
    /// Whether only lines of standard error are wanted.
    errors: bool,
}

/// A page of lines.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Console {
    lines: Vec<Line>,
    /// The first line that was looked at. `before` this line, there may be more.
    first: u64,
    /// The last line that was looked at. `after` this line, there may be more.
    last: u64,
    /// The number of all lines.
    total: u64,
}

/// A line.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct Line {
    number: u64,
    #[cfg_attr(test, ts(type = "\"stdout\" | \"stderr\""))]
    stream: &'static str,
    at_ms: Option<i64>,
    text: String,
}

/// Returns lines of a run's console.
pub(super) async fn read(
    Path(run): Path<String>,
    call: Call<Asked>,
) -> Result<Json<Console>, Problem> {
    let Call { app, caller, asked } = call;
    let place = match (asked.before, asked.after, asked.at_ms) {
        (None, None, None) => Place::End,
        (Some(before), None, None) => Place::Before(before),
        (None, Some(after), None) => Place::After(after),
        (None, None, Some(ms)) => Place::At(ms),
        _ => {
            let words = "the query has several of `before`, `after` and `at_ms`: choose one";
            return Err(Problem::wrong(words));
        }
    };
    let limit = asked.limit.unwrap_or(PAGE).clamp(1, MOST);
    let seek = Seek { place, limit, text: asked.search, errors: asked.errors };
    let found = console::seek(&app, &caller, RunId::from(run), seek).await?;
    let line = |line: console::Line| Line {
        number: line.number,
        stream: if line.error { "stderr" } else { "stdout" },
        at_ms: Some(line.wall_ms).filter(|ms| *ms != 0),
        text: line.text,
    };
    Ok(Json(Console {
        lines: found.lines.into_iter().map(line).collect(),
        first: found.first,
        last: found.last,
        total: found.total,
    }))
}
