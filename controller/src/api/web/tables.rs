//! Serves rows of logged tables, which are files of runs or of versions of artifacts.

use axum::{Json, extract::Path};
use record::ids::RunId;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    artifacts::{VersionPath, wanted},
    client::ClassNames,
    error::Problem,
    session::Call,
};
use crate::app::read::tables::{self, Asked, Classes, Filter, Order, Source};

/// The rows of a page, unless the caller asks for another number.
const PAGE: u64 = 100;
/// The most rows of a page.
const MOST: u64 = 1000;

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
    /// The names of classes of boxes and masks; their keys are names of columns.
    classes: Vec<ClassNames>,
}

/// Returns rows of a table that a run logged as a file.
pub(super) async fn of_run(
    Path(run): Path<String>,
    call: Call<AskedRows>,
) -> Result<Json<LoggedTable>, Problem> {
    answer(Source::Run(RunId::from(run)), call).await
}

/// Returns rows of a table in a file of a version.
pub(super) async fn of_version(
    path: VersionPath,
    call: Call<AskedRows>,
) -> Result<Json<LoggedTable>, Problem> {
    answer(Source::Version(wanted(path)), call).await
}

async fn answer(source: Source, call: Call<AskedRows>) -> Result<Json<LoggedTable>, Problem> {
    let Call { app, caller, asked: AskedRows { path, from, limit, sort, descending, filter } } =
        call;
    let filters = filter.iter().map(|text| Filter::parse(text));
    let filters = filters.collect::<Result<Vec<_>, _>>().map_err(Problem::wrong)?;
    let order = sort.map(|column| Order { column, descending });
    let limit = limit.unwrap_or(PAGE).clamp(1, MOST);
    let asked = Asked { from, limit, order, filters };
    let found = tables::read(&app, &caller, source, path, asked).await?;
    let tables::Table { columns, rows, numbers, total, matched, looked_at, classes } = found;
    let classes = classes.into_iter().map(class_names).collect();
    Ok(Json(LoggedTable { columns, rows, numbers, total, matched, looked_at, classes }))
}

fn class_names(Classes { column, group, names }: Classes) -> ClassNames {
    ClassNames { key: column, group, names }
}
