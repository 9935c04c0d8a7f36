//! Serves what a run logged besides numbers and texts: media, rows of tables, and histograms.

use axum::{Json, extract::Path};
use record::ids::RunId;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{error::Problem, session::Call};
use crate::app::read::{
    histograms, media,
    tables::{self, Filter, Order},
};

/// The items or rows of a page, unless the caller asks for another number.
const PAGE: u64 = 100;
/// The most items or rows of a page.
const MOST: u64 = 1000;
/// The histograms of an answer, unless the caller asks for another number.
const STEPS: u64 = 200;

/// The media that a caller asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AskedMedia {
    key: Option<String>,
    /// The first step.
    from: u64,
    limit: Option<u64>,
}

/// A page of media.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Media {
    /// The media, by their steps and keys.
    items: Vec<MediaItem>,
    /// The step `from` which the next page begins; `null` if there are no more media.
    next: Option<u64>,
}

/// A value of the history that names media.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct MediaItem {
    key: String,
    step: u64,
    #[cfg_attr(
        test,
        ts(
            type = "\"image\" | \"audio\" | \"video\" | \"html\" | \"table\" | \"plot\" | \"other\""
        )
    )]
    kind: &'static str,
    /// The value as it was logged.
    #[cfg_attr(test, ts(type = "Json"))]
    value: Box<RawValue>,
    /// The paths of the files that the value names.
    files: Vec<String>,
}

/// Lists media of a run.
pub(super) async fn list(
    Path(run): Path<String>,
    call: Call<AskedMedia>,
) -> Result<Json<Media>, Problem> {
    let Call { app, caller, asked: AskedMedia { key, from, limit } } = call;
    let limit = limit.unwrap_or(PAGE).clamp(1, MOST) as usize;
    let asked = media::Asked { run: RunId::from(run), key, from, limit };
    let (found, next) = media::list(&app, &caller, asked).await?;
    let item = |item: media::Item| {
        let media::Item { key, step, kind, value, files } = item;
        MediaItem { key, step, kind, value, files }
    };
    Ok(Json(Media { items: found.into_iter().map(item).collect(), next }))
}

/// The rows of a logged table that a caller asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskedRows {
    path: String,
    /// The number of the first row, from 0.
    #[serde(default)]
    from: u64,
    limit: Option<u64>,
    /// The place of the column that sorts the rows, from 0.
    sort: Option<usize>,
    #[serde(default)]
    descending: bool,
    /// Conditions such as `3:<0.5`: the place of a column, and what its cells have to be.
    #[serde(default)]
    filter: Vec<String>,
}

/// Rows of a logged table.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct LoggedTable {
    columns: Vec<String>,
    /// The rows, each of which is a list.
    #[cfg_attr(test, ts(type = "Json[][]"))]
    rows: Vec<Box<RawValue>>,
    /// The places of these rows in the table, from 0.
    numbers: Vec<u64>,
    /// The number of all rows.
    total: u64,
    /// The number of rows that pass the filters.
    matched: u64,
    /// The number of rows that were looked at, to filter and to sort them.
    looked_at: u64,
}

/// Returns rows of a table that a run logged as a file.
pub(super) async fn table(
    Path(run): Path<String>,
    call: Call<AskedRows>,
) -> Result<Json<LoggedTable>, Problem> {
    let Call { app, caller, asked: AskedRows { path, from, limit, sort, descending, filter } } =
        call;
    let filters = filter.iter().map(|text| Filter::parse(text));
    let filters = filters.collect::<Result<Vec<_>, _>>().map_err(Problem::wrong)?;
    let order = sort.map(|column| Order { column, descending });
    let limit = limit.unwrap_or(PAGE).clamp(1, MOST);
    let asked = tables::Asked { from, limit, order, filters };
    let found = tables::read(&app, &caller, RunId::from(run), path, asked).await?;
    let tables::Table { columns, rows, numbers, total, matched, looked_at } = found;
    Ok(Json(LoggedTable { columns, rows, numbers, total, matched, looked_at }))
}

/// The histograms that a caller asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskedHistograms {
    key: String,
    /// The first and the last step.
    #[serde(default)]
    from: u64,
    to: Option<u64>,
    /// The most steps.
    steps: Option<u64>,
}

/// Histograms at ascending steps.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Histograms {
    steps: Vec<u64>,
    /// For each step, the edges of the bins.
    edges: Vec<Vec<f64>>,
    /// For each step, the counts in the bins, which are one fewer than the edges.
    counts: Vec<Vec<f64>>,
}

/// Returns the histograms that a run logged under a key.
pub(super) async fn histograms(
    Path(run): Path<String>,
    call: Call<AskedHistograms>,
) -> Result<Json<Histograms>, Problem> {
    let Call { app, caller, asked: AskedHistograms { key, from, to, steps } } = call;
    let (range, most) = (from..=to.unwrap_or(u64::MAX), steps.unwrap_or(STEPS).clamp(1, MOST));
    let found = histograms::read(&app, &caller, RunId::from(run), key, range, most).await?;
    let histograms::Histograms { steps, edges, counts } = found;
    Ok(Json(Histograms { steps, edges, counts }))
}
