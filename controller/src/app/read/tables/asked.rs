//! What callers ask of a logged table and what they get: rows, their order and filters, the limits,
//! and the errors. The readers of both formats use this module.

use std::{borrow::Cow, fmt, ops::Range};

use record::file::FileRow;
use serde_json::value::RawValue;

use super::classes::Classes;
use crate::app::error::Error;

/// The most bytes of a filter.
const FILTER_BYTES: usize = 1000;
/// The most columns of a table.
pub(super) const COLUMNS: usize = 10_000;
/// What to do about a table that cannot be read here.
pub(super) const HINT: &str = "download the file itself";

/// Rows of a table.
#[derive(Debug)]
pub(crate) struct Table {
    /// The names of the columns.
    pub(crate) columns: Vec<String>,
    /// The rows that the caller asks for. Each is a list of JSON.
    pub(crate) rows: Vec<Box<RawValue>>,
    /// The places of these rows in the table, from 0.
    pub(crate) numbers: Vec<u64>,
    /// The number of all rows of the table.
    pub(crate) total: u64,
    /// The number of rows that the filters let pass, of those that were looked at.
    pub(crate) matched: u64,
    /// The number of rows that were looked at, to filter and to sort them.
    pub(crate) looked_at: u64,
    /// The names of classes that the table has for its images.
    pub(crate) classes: Vec<Classes>,
}

/// The rows that a caller asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    /// The number of the first row, from 0, among those that pass the filters, in their order.
    pub(crate) from: u64,
    /// The most rows.
    pub(crate) limit: u64,
    /// The order; `None` means the order of the table.
    pub(crate) order: Option<Order>,
    /// The filters, all of which a row passes.
    pub(crate) filters: Vec<Filter>,
}

/// How much one call may read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Bytes of one column in a group of rows in Parquet.
    pub(super) column_bytes: u64,
    /// Rows that are looked at, to filter and to sort them.
    pub(super) rows: u64,
    /// Bytes of a table in Parquet that are read for it.
    pub(super) scanned_bytes: u64,
    /// Bytes of the answer, and of the values by which rows are sorted.
    pub(super) answer: usize,
}

impl Asked {
    /// Returns whether rows have to be looked at before the page of them is known.
    pub(super) fn chooses(&self) -> bool {
        self.order.is_some() || !self.filters.is_empty()
    }

    /// Returns the places of the rows on the page, if there are so many in all.
    pub(super) fn page(&self, all: u64) -> Range<u64> {
        let from = self.from.min(all);
        from..from.saturating_add(self.limit).min(all)
    }

    /// Returns the places of the columns by which rows are chosen.
    pub(super) fn columns(&self) -> Vec<usize> {
        let filtered = self.filters.iter().map(|filter| filter.column);
        filtered.chain(self.order.map(|order| order.column)).collect()
    }

    /// Checks that the table has the columns that the caller names.
    pub(super) fn check(&self, columns: usize) -> Result<(), String> {
        match self.columns().into_iter().find(|column| *column >= columns) {
            Some(column) => Err(format!("it has {columns} columns, so there is no {column}")),
            None => Ok(()),
        }
    }
}

/// The order of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    /// The place of the column, from 0.
    pub(crate) column: usize,
    /// Whether the largest value comes first. Empty cells always come last.
    pub(crate) descending: bool,
}

/// A condition on the cells of a column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Filter {
    /// The place of the column, from 0.
    pub(crate) column: usize,
    test: Test,
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    /// The cell's number compares so with this one.
    Number(Compare, f64),
    /// The cell's text is, or is not, this one.
    Is(bool, String),
    /// The cell's text has this one in it, whatever the case of the letters.
    Contains(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compare {
    Less,
    AtMost,
    More,
    AtLeast,
    Equal,
    Other,
}

/// The signs before a value, the longer ones first.
const SIGNS: [(&str, Compare); 6] = [
    ("<=", Compare::AtMost),
    (">=", Compare::AtLeast),
    ("!=", Compare::Other),
    ("<", Compare::Less),
    (">", Compare::More),
    ("=", Compare::Equal),
];

impl Filter {
    /// Reads a filter, such as `3:<0.5`, `3:=cat` or `3:cat`: the place of the column, and what a
    /// cell has to be or to contain.
    ///
    /// # Errors
    /// Fails with the reason if the text is no filter.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("the filter `{text:.100}` is wrong: {why}");
        if text.len() > FILTER_BYTES {
            return Err(wrong(&format!("it has more than {FILTER_BYTES} bytes")));
        }
        let (column, rest) = text
            .split_once(':')
            .ok_or_else(|| wrong("it needs a column, a `:` and a condition"))?;
        let column = column.parse().map_err(|_| wrong("the place of the column is no number"))?;
        let sign = SIGNS.iter().find_map(|(sign, compare)| {
            rest.strip_prefix(sign).map(|value| (*sign, *compare, value.trim()))
        });
        let test = match sign {
            None => Test::Contains(rest.to_lowercase()),
            Some((sign, compare, value)) => match (value.parse::<f64>(), compare) {
                (Ok(number), _) => Test::Number(compare, number),
                (Err(_), Compare::Equal) => Test::Is(true, value.to_owned()),
                (Err(_), Compare::Other) => Test::Is(false, value.to_owned()),
                (Err(_), _) => return Err(wrong(&format!("a number comes after `{sign}`"))),
            },
        };
        Ok(Self { column, test })
    }

    pub(super) fn passes(&self, cell: &Cell<'_>) -> bool {
        match &self.test {
            Test::Number(compare, wanted) => {
                let Some(number) = cell.number() else { return *compare == Compare::Other };
                match compare {
                    Compare::Less => number < *wanted,
                    Compare::AtMost => number <= *wanted,
                    Compare::More => number > *wanted,
                    Compare::AtLeast => number >= *wanted,
                    Compare::Equal => number == *wanted,
                    Compare::Other => number != *wanted,
                }
            }
            Test::Is(wanted, text) => (cell.text() == *text) == *wanted,
            Test::Contains(text) => {
                text.is_empty() || cell.text().to_lowercase().contains(text.as_str())
            }
        }
    }
}

/// A cell of a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell<'a> {
    Empty,
    Bool(bool),
    Number(f64),
    Text(Cow<'a, str>),
}

impl Cell<'_> {
    fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Bool(flag) => Some(f64::from(u8::from(*flag))),
            Self::Text(text) => text.parse().ok(),
            Self::Empty => None,
        }
    }

    fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Empty => Cow::Borrowed(""),
            Self::Bool(flag) => Cow::Borrowed(if *flag { "true" } else { "false" }),
            Self::Number(number) => Cow::Owned(number.to_string()),
            Self::Text(text) => Cow::Borrowed(text),
        }
    }
}

/// Returns the error of a mistake in the controller.
pub(super) fn failed(error: &dyn fmt::Display) -> Error {
    Error::Bug(format!("a table was not read: {error}"))
}

/// Returns the error of a file that is no table, or of a question about it that has no answer.
pub(super) fn refused(file: &FileRow, reason: &str) -> Error {
    Error::invalid(format!("`{}` cannot be read as a table: {reason}", file.path)).hint(HINT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Cell<'_> {
        Cell::Text(text.into())
    }

    #[test]
    fn filters_compare_numbers_and_texts() {
        let passes = |filter: &str, cell: &Cell<'_>| Filter::parse(filter).unwrap().passes(cell);
        assert!(passes("0:<0.5", &Cell::Number(0.25)) && !passes("0:<0.5", &Cell::Number(0.5)));
        assert!(passes("0:>= 3", &text("3")) && !passes("0:>3", &text("3")));
        assert!(passes("0:!=3", &text("cat")) && !passes("0:=3", &Cell::Empty));
        assert!(passes("0:=cat", &text("cat")) && !passes("0:=cat", &text("cats")));
        assert!(passes("0:!=cat", &text("cats")) && passes("0:CAT", &text("a Cat")));
        assert!(passes("0:tru", &Cell::Bool(true)) && passes("0:", &Cell::Empty));
        assert!(!passes("0:<1", &Cell::Number(f64::NAN)));
        for wrong in ["", "x:1", "1", "-1:a", "0:<cat", &format!("0:{}", "x".repeat(2000))] {
            assert!(Filter::parse(wrong).is_err(), "{wrong:.20}");
        }
    }
}
