//! Writes the trials of a sweep as a Parquet file. The file has the columns of the CSV export, with
//! types. `sweep export` uses this module.

use std::io;

use proto::v1::Run;
use record::{Value, ValueRef};
use serde_json::Value as Json;

use super::{
    Output, RowFormat,
    columns::{Cell, Column, Seen},
    rows::Sink,
};
use crate::view::csv;

/// Writes one row per run. Returns the output, which is not finished yet.
pub(super) fn write(runs: &[Run], output: Output) -> io::Result<Output> {
    let names = csv::Names::of(runs);
    let rows: Vec<Vec<Option<Value>>> = runs.iter().map(|run| logged(&names, run)).collect();
    let mut columns = Vec::new();
    let kinds = csv::BEFORE.iter().map(|(_, kind)| *kind);
    columns.extend(kinds);
    for at in 0..names.logged() {
        let mut seen = Seen::default();
        rows.iter().filter_map(|row| row[at].as_ref()).for_each(|value| seen.add(value.borrow()));
        columns.push(seen.kind());
    }
    columns.extend(csv::AFTER.iter().map(|(_, kind)| *kind));
    let columns: Vec<Column> = names
        .header()
        .into_iter()
        .zip(columns)
        .map(|(name, kind)| Column { name, kind, required: false })
        .collect();
    let mut sink = Sink::new(RowFormat::Parquet, output, &columns)?;
    for (run, logged) in runs.iter().zip(&rows) {
        let text = |text| Some(Cell::Value(ValueRef::Text(text)));
        let mut cells = vec![
            text(&run.id),
            run.trial.map(Cell::Count),
            text(&run.state),
            Some(Cell::Count(run.attempt.into())),
            run.value.map(|value| Cell::Value(ValueRef::F64(value))),
        ];
        cells.extend(
            logged.iter().map(|value| value.as_ref().map(|value| Cell::Value(value.borrow()))),
        );
        cells.push(text(&run.agent).filter(|_| !run.agent.is_empty()));
        cells.extend(
            [Some(run.created_ms), run.started_ms, run.ended_ms].map(|ms| ms.map(Cell::Time)),
        );
        sink.row(&cells)?;
    }
    sink.finish()
}

/// Returns a run's values of all parameters, then of all summary keys. A missing value and JSON's
/// null are `None`.
fn logged(names: &csv::Names, run: &Run) -> Vec<Option<Value>> {
    names
        .values(run)
        .into_iter()
        .map(|value| match value? {
            Json::Null => None,
            value => Some(
                record::json::from_json(&value).unwrap_or_else(|| Value::Json(value.to_string())),
            ),
        })
        .collect()
}
