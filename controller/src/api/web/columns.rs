//! Writes bulk numbers as binary columns, which a browser reads as typed arrays: the length of a
//! head, the head as JSON, and the columns one after the other.

use std::collections::HashMap;

use axum::{
    extract::Path,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use record::{Value, ids::ProjectId, json};
use serde::{Deserialize, Serialize};

use super::{
    asked::{Body, Nothing},
    error::Problem,
    session::Call,
};
use crate::app::{
    people::things::Thing,
    read::{
        filter::{self, Field, Name, condition::Condition},
        find::{self, Search},
        projects,
    },
};

/// The type of the content.
const KIND: &str = "application/x-columns";
/// The code of an absent text.
const ABSENT: u32 = u32::MAX;
/// Every column begins at a multiple of so many bytes, so that it is a typed array where it lies.
const ALIGNED: usize = 8;

/// The head of binary columns.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct ColumnsHead<E> {
    rows: usize,
    columns: Vec<Column>,
    extra: E,
}

/// A column.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Column {
    name: String,
    #[cfg_attr(test, ts(type = "\"f64\" | \"u32\" | \"dictionary\""))]
    kind: &'static str,
    /// The place of the column's first byte, counted from the begin of the data.
    offset: usize,
    /// The number of values.
    count: usize,
    /// The texts that the codes of a dictionary mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    values: Option<Vec<String>>,
}

/// Columns that are being written.
#[derive(Debug, Default)]
pub(super) struct Columns {
    columns: Vec<Column>,
    data: Vec<u8>,
}

impl Columns {
    /// Adds a column of numbers. NaN stands for an absent number.
    pub(super) fn numbers(&mut self, name: impl Into<String>, numbers: &[f64]) {
        self.add(name.into(), "f64", numbers.len(), None);
        self.data.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    }

    fn dictionary(&mut self, name: String, texts: impl Iterator<Item = Option<String>>) {
        let (mut known, mut values) = (HashMap::new(), Vec::new());
        let code = |text: Option<String>| {
            let Some(text) = text else { return ABSENT };
            *known.entry(text).or_insert_with_key(|text| {
                values.push(text.clone());
                values.len() as u32 - 1
            })
        };
        let codes: Vec<u32> = texts.map(code).collect();
        self.add(name, "dictionary", codes.len(), Some(values));
        self.data.extend(codes.iter().flat_map(|code| code.to_le_bytes()));
    }

    fn add(&mut self, name: String, kind: &'static str, count: usize, values: Option<Vec<String>>) {
        self.data.resize(self.data.len().next_multiple_of(ALIGNED), 0);
        self.columns.push(Column { name, kind, offset: self.data.len(), count, values });
    }

    /// Returns the answer with these columns of so many rows.
    pub(super) fn answer<E: Serialize>(self, rows: usize, extra: E) -> Result<Response, Problem> {
        let head = ColumnsHead { rows, columns: self.columns, extra };
        let mut head =
            serde_json::to_vec(&head).map_err(|error| Problem::wrong(error.to_string()))?;
        let length = (head.len() + size_of::<u32>()).next_multiple_of(ALIGNED) - size_of::<u32>();
        head.resize(length, b' ');
        let mut bytes = (length as u32).to_le_bytes().to_vec();
        bytes.append(&mut head);
        bytes.extend_from_slice(&self.data);
        Ok(([(CONTENT_TYPE, KIND)], bytes).into_response())
    }
}

/// The table that a caller asks for.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(optional_fields))]
#[serde(deny_unknown_fields, default)]
pub(super) struct TableQuery {
    sweep: Option<String>,
    /// Only the runs of these sweeps.
    sweeps: Option<Vec<String>>,
    /// Only these runs.
    runs: Option<Vec<String>>,
    /// The most rows; without it, there is a row for each run that was found.
    limit: Option<u32>,
    filters: Option<Vec<String>>,
    sort: Option<Vec<String>>,
    search: Option<String>,
    /// The names of the columns, as in filters.
    columns: Option<Vec<String>>,
}

/// What the head of a table says beside its columns.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct TableExtra {
    /// The number of all runs that were found.
    total: usize,
}

/// Returns a table of all runs of a project that pass the filters, one row for each.
pub(super) async fn table(
    Path((team, project)): Path<(String, String)>,
    call: Call,
    Body(asked): Body<TableQuery>,
) -> Result<Response, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    projects::find(&app, &caller, ProjectId::new(&team, &project), Thing::Each).await?;
    let texts = asked.columns.unwrap_or_default();
    let names = filter::names(&texts)?;
    let mut parts: Vec<Condition> =
        Condition::search(&asked.search.unwrap_or_default()).into_iter().collect();
    for (field, values) in [(Field::Sweep, asked.sweeps), (Field::Id, asked.runs)] {
        if let Some(values) = values {
            parts.push(Condition::one_of(Name::Field(field), values));
        }
    }
    let search = Search {
        project: format!("{team}/{project}"),
        sweep: asked.sweep.map(Into::into),
        filters: asked.filters.unwrap_or_default(),
        sort: asked.sort.unwrap_or_default(),
        limit: asked.limit.unwrap_or_default(),
        condition: Some(Condition::All(parts)),
        ..Search::default()
    };
    let (rows, total) = find::table(&app, &caller, search, names).await?;
    let mut columns = Columns::default();
    for (at, name) in texts.into_iter().enumerate() {
        let values = || rows.iter().map(|row| row.get(at).and_then(Option::as_ref));
        match values().all(|value| value.is_none_or(is_number)) {
            true => {
                let numbers: Vec<f64> =
                    values().map(|value| value.map_or(f64::NAN, number)).collect();
                columns.numbers(name, &numbers);
            }
            false => columns.dictionary(name, values().map(|value| value.map(text))),
        }
    }
    columns.answer(rows.len(), TableExtra { total })
}

fn is_number(value: &Value) -> bool {
    matches!(value, Value::F64(_) | Value::I64(_) | Value::U64(_))
}

/// Returns a number. One beyond 2^53 is rounded, as every number in a browser is.
fn number(value: &Value) -> f64 {
    match value {
        Value::F64(number) => *number,
        Value::I64(number) => *number as f64,
        Value::U64(number) => *number as f64,
        Value::Bool(_) | Value::Text(_) | Value::Json(_) => f64::NAN,
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        other => json::to_json(other).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    #[tokio::test]
    async fn columns_lie_where_the_head_says() {
        let mut columns = Columns::default();
        let texts = ["b", "a", "b"].map(|text| Some(text.to_owned()));
        columns.dictionary("t".to_owned(), texts.into_iter().chain([None]));
        columns.numbers("n", &[1.5, f64::NAN]);
        let answer = columns.answer(4, ()).unwrap();
        let bytes = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        let length = u32::from_le_bytes(bytes[..4].try_into().unwrap()) as usize;
        assert_eq!((4 + length) % ALIGNED, 0);
        let head: serde_json::Value = serde_json::from_slice(&bytes[4..4 + length]).unwrap();
        let data = &bytes[4 + length..];
        let offset = |at: usize| head["columns"][at]["offset"].as_u64().unwrap() as usize;
        let code = |at: usize| u32::from_le_bytes(data[4 * at..][..4].try_into().unwrap());
        assert_eq!([0, 1, 2, 3].map(code), [0, 1, 0, ABSENT]);
        assert_eq!(head["columns"][0]["values"], serde_json::json!(["b", "a"]));
        let number =
            |at: usize| f64::from_le_bytes(data[offset(1) + 8 * at..][..8].try_into().unwrap());
        assert!(offset(1) % ALIGNED == 0 && number(0) == 1.5 && number(1).is_nan());
    }
}
