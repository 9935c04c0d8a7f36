//! Writes rows as CSV, JSON or JSON lines. [`Sink`](super::rows::Sink) uses this module.

use std::io::{self, Write};

use serde_json::{Map, Value as Json};

use super::columns::{Cell, Column};
use crate::{json, view};

/// Writes rows as CSV (RFC 4180) with a header. A missing value is an empty cell. Non-finite floats
/// are `NaN`, `inf` and `-inf`.
pub(crate) struct Csv<W: Write>(::csv::Writer<W>);

impl<W: Write> Csv<W> {
    /// Starts a table by writing its header.
    pub(crate) fn new(out: W, columns: &[Column]) -> io::Result<Self> {
        let mut writer = view::csv::writer(out);
        writer.write_record(columns.iter().map(|column| &column.name))?;
        Ok(Self(writer))
    }

    /// Writes a row.
    pub(crate) fn row(&mut self, cells: &[Option<Cell<'_>>]) -> io::Result<()> {
        for cell in cells {
            self.0.write_field(cell.map(Cell::text).unwrap_or_default().as_bytes())?;
        }
        Ok(self.0.write_record(None::<&[u8]>)?)
    }

    /// Writes the buffered lines and returns the underlying writer.
    pub(crate) fn finish(self) -> io::Result<W> {
        self.0.into_inner().map_err(|error| error.into_error())
    }
}

/// Writes one object per row, in a JSON list or as JSON lines. An object has no key for a missing
/// value. Non-finite floats are the strings `NaN`, `Infinity` and `-Infinity`.
pub(crate) struct Objects<W> {
    out: W,
    names: Vec<String>,
    list: bool,
    rows: u64,
}

impl<W: Write> Objects<W> {
    /// Starts a JSON list if `list` is true, else JSON lines.
    pub(crate) fn new(out: W, columns: &[Column], list: bool) -> Self {
        Self {
            out,
            names: columns.iter().map(|column| column.name.clone()).collect(),
            list,
            rows: 0,
        }
    }

    /// Writes a row.
    pub(crate) fn row(&mut self, cells: &[Option<Cell<'_>>]) -> io::Result<()> {
        let named = self.names.iter().zip(cells);
        let object: Map<String, Json> =
            named.filter_map(|(name, cell)| Some((name.clone(), value((*cell)?)))).collect();
        let before = match (self.list, self.rows) {
            (false, _) => "",
            (true, 0) => "[\n",
            (true, _) => ",\n",
        };
        let after = if self.list { "" } else { "\n" };
        self.rows += 1;
        self.out.write_all(format!("{before}{}{after}", Json::Object(object)).as_bytes())
    }

    /// Ends the JSON list, if there is one, and returns the underlying writer.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        if self.list {
            self.out.write_all(if self.rows == 0 { b"[]\n" } else { b"\n]\n" })?;
        }
        Ok(self.out)
    }
}

fn value(cell: Cell<'_>) -> Json {
    match cell {
        Cell::Count(number) => number.into(),
        Cell::Time(ms) => json::time(Some(ms)).into(),
        Cell::Value(value) => record::json::to_json(&value.to_value()),
    }
}
