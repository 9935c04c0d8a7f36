//! Lays out the rows of one run or of several runs as a table. The first columns say where a row
//! belongs: its run, attempt, writer, number, step and time. One column per key follows, with a
//! type that fits all values of the key. The writers of this folder use this module, which writes
//! no file and does not depend on a format.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use record::{RowRef, ValueRef};

use crate::json;

/// The columns before the keys. The names of these columns begin with `_`, because few keys do.
pub(crate) const PLACE: [(&str, Kind); 6] = [
    ("_attempt", Kind::Count),
    ("_writer", Kind::Text),
    ("_sequence", Kind::Count),
    ("_step", Kind::Count),
    ("_wall_ms", Kind::Whole),
    ("_fenced", Kind::Flag),
];

/// The first column of a table that has the rows of several runs.
const RUN: &str = "_run";

/// The prefix that a key gets if an earlier column has its name. The prefix is repeated until the
/// name is unique.
const PREFIX: &str = "logged.";

/// The absolute value up to which a 64-bit float represents every whole number exactly: 2^53.
pub(super) const EXACT: u64 = 1 << 53;

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Whole numbers that are not negative.
    Count,
    /// Whole numbers.
    Whole,
    /// Floats, alone or beside whole numbers that floats represent exactly.
    Float,
    /// True and false.
    Flag,
    /// Text, JSON, and values without a common type.
    Text,
    /// Milliseconds since the epoch.
    Time,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// The name, unique in its table.
    pub(crate) name: String,
    /// The type of its cells.
    pub(crate) kind: Kind,
    /// Whether every row has a value in this column.
    pub(crate) required: bool,
}

/// One cell of a table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cell<'a> {
    /// The number of a trial, an attempt, a row or a step, which is never negative.
    Count(u64),
    /// Milliseconds since the epoch.
    Time(i64),
    /// A logged value, or any other text, number or flag.
    Value(ValueRef<'a>),
}

impl<'a> Cell<'a> {
    /// Returns the cell as text, for formats that have only text. Floats have as many digits as an
    /// exact round trip needs.
    pub(crate) fn text(self) -> Cow<'a, str> {
        match self {
            Self::Count(number) => number.to_string().into(),
            Self::Time(ms) => json::time(Some(ms)).unwrap_or_default().into(),
            Self::Value(ValueRef::F64(number)) => format!("{number:?}").into(),
            Self::Value(ValueRef::I64(number)) => number.to_string().into(),
            Self::Value(ValueRef::U64(number)) => number.to_string().into(),
            Self::Value(ValueRef::Bool(flag)) => if flag { "true" } else { "false" }.into(),
            Self::Value(ValueRef::Text(text) | ValueRef::Json(text)) => text.into(),
        }
    }
}

/// The origin of a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// The run's id, in a table of several runs; `None` in a table of one run.
    pub(crate) run: Option<&'a str>,
    /// The attempt that wrote the row.
    pub(crate) attempt: u32,
    /// The name of the writer.
    pub(crate) writer: &'a str,
    /// The number of earlier rows of this attempt and writer in the stream.
    pub(crate) sequence: u64,
    /// Whether the controller keeps the row apart, because the attempt did not own the run, or had
    /// been over for too long.
    pub(crate) fenced: bool,
}

/// The types that a key's values have.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    float: bool,
    whole: bool,
    /// Whether the absolute value of a whole number exceeds [`EXACT`], so that a float may not
    /// represent it.
    wide: bool,
    flag: bool,
    text: bool,
}

impl Seen {
    pub(super) fn add(&mut self, value: ValueRef<'_>) {
        match value {
            ValueRef::F64(_) => self.float = true,
            ValueRef::I64(number) => {
                self.whole = true;
                self.wide |= number.unsigned_abs() > EXACT;
            }
            // The column becomes text, because no numeric type holds both `u64` and negative
            // values.
            ValueRef::U64(_) => self.text = true,
            ValueRef::Bool(_) => self.flag = true,
            ValueRef::Text(_) | ValueRef::Json(_) => self.text = true,
        }
    }

    pub(super) fn kind(self) -> Kind {
        match self {
            Self { text: true, .. } | Self { float: true, wide: true, .. } => Kind::Text,
            Self { flag: true, float: false, whole: false, .. } => Kind::Flag,
            Self { flag: true, .. } => Kind::Text,
            Self { float: true, .. } => Kind::Float,
            Self { whole: true, .. } => Kind::Whole,
            _ => Kind::Text,
        }
    }
}

/// Collects the keys of rows and their types, in the order in which the keys first appear.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// The only keys to export; empty means all.
    only: Vec<String>,
    at: HashMap<String, usize>,
    keys: Vec<(String, Seen)>,
}

impl Survey {
    /// Starts a survey of these keys, or of all keys if `only` is empty. The columns of the table
    /// have the order of `only`, or that of first appearance.
    pub(crate) fn of(only: &[String]) -> Self {
        let mut wanted: Vec<String> = Vec::new();
        for key in only {
            if !wanted.contains(key) {
                wanted.push(key.clone());
            }
        }
        Self { only: wanted, ..Self::default() }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, row: RowRef<'_>) {
        for &(key, value) in row.values {
            let index = match self.at.get(key) {
                Some(&index) => index,
                None => {
                    self.at.insert(key.to_owned(), self.keys.len());
                    self.keys.push((key.to_owned(), Seen::default()));
                    self.keys.len() - 1
                }
            };
            self.keys[index].1.add(value);
        }
    }

    /// Returns every key that any row has.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|(key, _)| key.as_str())
    }

    /// Returns the requested keys that no row has.
    pub(crate) fn missing(&self) -> Vec<&str> {
        self.only.iter().map(String::as_str).filter(|key| !self.at.contains_key(*key)).collect()
    }

    /// Builds the table for the surveyed rows. `several` says whether the rows belong to several
    /// runs.
    pub(crate) fn table(&self, several: bool) -> Table {
        let keys: Vec<&(String, Seen)> = if self.only.is_empty() {
            self.keys.iter().collect()
        } else {
            self.only.iter().filter_map(|key| self.keys.get(*self.at.get(key)?)).collect()
        };
        let run = several.then_some(&(RUN, Kind::Text));
        let place = run.into_iter().chain(&PLACE);
        let place = place.map(|(name, kind)| Column {
            name: (*name).to_owned(),
            kind: *kind,
            required: true,
        });
        let mut columns: Vec<Column> = place.collect();
        let mut taken: HashSet<String> = columns.iter().map(|column| column.name.clone()).collect();
        let mut at = HashMap::new();
        for (key, seen) in keys {
            at.insert(key.clone(), columns.len());
            let mut name = key.clone();
            while !taken.insert(name.clone()) {
                name.insert_str(0, PREFIX);
            }
            columns.push(Column { name, kind: seen.kind(), required: false });
        }
        Table { columns, at }
    }
}

/// The layout of a table: its columns, and the column of each key.
#[derive(Debug)]
pub(crate) struct Table {
    /// The columns of [`PLACE`] (after `_run`, if there are several runs), then the keys.
    pub(crate) columns: Vec<Column>,
    at: HashMap<String, usize>,
}

impl Table {
    /// Returns the cells of a row in the order of the columns. If a row has a key twice, the last
    /// value counts.
    pub(crate) fn cells<'a>(&self, place: Place<'a>, row: RowRef<'a>) -> Vec<Option<Cell<'a>>> {
        let mut cells = Vec::with_capacity(self.columns.len());
        cells.extend(place.run.map(|run| Some(Cell::Value(ValueRef::Text(run)))));
        cells.extend([
            Some(Cell::Count(place.attempt.into())),
            Some(Cell::Value(ValueRef::Text(place.writer))),
            Some(Cell::Count(place.sequence)),
            Some(Cell::Count(row.step)),
            Some(Cell::Value(ValueRef::I64(row.wall_ms))),
            Some(Cell::Value(ValueRef::Bool(place.fenced))),
        ]);
        cells.resize(self.columns.len(), None);
        for &(key, value) in row.values {
            if let Some(&index) = self.at.get(key) {
                cells[index] = Some(Cell::Value(value));
            }
        }
        cells
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(values: &[ValueRef<'_>]) -> Kind {
        let mut survey = Survey::default();
        for value in values {
            survey.row(RowRef { step: 0, wall_ms: 0, values: &[("key", *value)] });
        }
        survey.table(false).columns[PLACE.len()].kind
    }

    #[test]
    fn a_column_has_the_type_that_loses_nothing() {
        use ValueRef::{Bool, F64, I64, Json, Text, U64};
        assert_eq!(kind(&[I64(i64::MAX), I64(-1)]), Kind::Whole);
        assert_eq!(kind(&[I64(0), F64(f64::NAN)]), Kind::Float);
        assert_eq!(kind(&[I64((1 << 53) + 1), F64(0.5)]), Kind::Text);
        assert_eq!(kind(&[Bool(true)]), Kind::Flag);
        assert_eq!(kind(&[U64(u64::MAX), I64(1)]), Kind::Text);
        assert_eq!(kind(&[Bool(true), I64(1)]), Kind::Text);
        assert_eq!(kind(&[Json("{}"), F64(1.0)]), Kind::Text);
        assert_eq!(kind(&[Text("a")]), Kind::Text);
    }

    #[test]
    fn no_two_columns_share_a_name() {
        let mut survey = Survey::default();
        let values = [("_step", ValueRef::I64(1)), ("logged._step", ValueRef::I64(2))];
        survey.row(RowRef { step: 0, wall_ms: 0, values: &values });
        let names: Vec<String> =
            survey.table(false).columns.into_iter().map(|column| column.name).collect();
        assert_eq!(names[PLACE.len()..], ["logged._step", "logged.logged._step"]);
    }

    #[test]
    fn chosen_keys_keep_their_order_and_missing_ones_are_reported() {
        let mut survey = Survey::of(&["b", "nonesuch", "a", "b"].map(str::to_owned));
        let values = [("a", ValueRef::I64(1)), ("b", ValueRef::I64(2)), ("c", ValueRef::I64(3))];
        survey.row(RowRef { step: 0, wall_ms: 0, values: &values });
        let names: Vec<String> =
            survey.table(false).columns.into_iter().map(|column| column.name).collect();
        assert_eq!(
            (&names[PLACE.len()..], survey.missing()),
            (&["b", "a"].map(str::to_owned)[..], vec!["nonesuch"])
        );
    }
}
