//! Rows as CSV, JSON or JSON lines. Used by `sweep run export`.

use std::io::{self, Write};

use serde_json::{Map, Value as Json};

use super::columns::{Cell, Column};
use crate::view;

/// Writes rows as CSV by RFC 4180 under a header. What is missing is empty; floats that are not finite are `NaN`, `inf`
/// and `-inf`.
pub(crate) struct Csv<W> {
    out: W,
    line: String,
}

impl<W: Write> Csv<W> {
    /// Writes the header.
    pub(crate) fn new(mut out: W, columns: &[Column]) -> io::Result<Self> {
        let mut line = String::new();
        view::csv::line(&mut line, columns.iter().map(|column| column.name.as_str()));
        out.write_all(line.as_bytes())?;
        Ok(Self { out, line })
    }

    /// Writes a row.
    pub(crate) fn row(&mut self, cells: &[Option<Cell<'_>>]) -> io::Result<()> {
        self.line.clear();
        let texts: Vec<_> = cells.iter().map(|cell| cell.map(Cell::text).unwrap_or_default()).collect();
        view::csv::line(&mut self.line, texts.iter().map(AsRef::as_ref));
        self.out.write_all(self.line.as_bytes())
    }

    /// Gives the writer back.
    pub(crate) fn finish(self) -> W {
        self.out
    }
}

/// Writes an object per row, in a JSON list or as JSON lines. What is missing is left out; floats that are not finite are the
/// strings `NaN`, `Infinity` and `-Infinity`.
pub(crate) struct Objects<W> {
    out: W,
    names: Vec<String>,
    list: bool,
    rows: u64,
}

impl<W: Write> Objects<W> {
    /// Objects by themselves, one a line, or with `list` the items of one list.
    pub(crate) fn new(out: W, columns: &[Column], list: bool) -> Self {
        Self { out, names: columns.iter().map(|column| column.name.clone()).collect(), list, rows: 0 }
    }

    /// Writes a row.
    pub(crate) fn row(&mut self, cells: &[Option<Cell<'_>>]) -> io::Result<()> {
        let named = self.names.iter().zip(cells);
        let object: Map<String, Json> =
            named.filter_map(|(name, cell)| Some((name.clone(), json((*cell)?)))).collect();
        let before = match (self.list, self.rows) {
            (false, _) => "",
            (true, 0) => "[\n",
            (true, _) => ",\n",
        };
        let after = if self.list { "" } else { "\n" };
        self.rows += 1;
        self.out.write_all(format!("{before}{}{after}", Json::Object(object)).as_bytes())
    }

    /// Ends the list and gives the writer back.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        if self.list {
            self.out.write_all(if self.rows == 0 { b"[]\n" } else { b"\n]\n" })?;
        }
        Ok(self.out)
    }
}

fn json(cell: Cell<'_>) -> Json {
    match cell {
        Cell::Count(number) => number.into(),
        Cell::Value(value) => record::json::to_json(&value.to_value()),
    }
}
