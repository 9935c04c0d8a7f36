//! Declares the columns that statements select, each beside the way to read it. So a column and its
//! field can never be at different places. The module also says which values a column can hold.

use record::ids::{ProjectId, RunId, SweepId};
use rusqlite::types::ValueRef;

use super::error::{Error, Result};

/// A value that a column can hold.
pub(in crate::store) trait Column: Sized {
    /// Reads the column with this number, counted from 0.
    fn read(row: &rusqlite::Row<'_>, column: usize) -> Result<Self>;
}

macro_rules! plain {
    ($($value:ty),+) => {$(
        impl Column for $value {
            fn read(row: &rusqlite::Row<'_>, column: usize) -> Result<Self> {
                Ok(row.get(column)?)
            }
        }
    )+};
}

plain!(bool, f64, i32, i64, u32, String, Vec<u8>);

impl<T: Column> Column for Option<T> {
    fn read(row: &rusqlite::Row<'_>, column: usize) -> Result<Self> {
        match row.get_ref(column)? {
            ValueRef::Null => Ok(None),
            _ => T::read(row, column).map(Some),
        }
    }
}

macro_rules! ids {
    ($($id:ty),+) => {$(
        impl Column for $id {
            fn read(row: &rusqlite::Row<'_>, column: usize) -> Result<Self> {
                String::read(row, column).map(Self::from)
            }
        }
    )+};
}

ids!(ProjectId, RunId, SweepId);

/// Reads a member of a closed set from a column that holds the member's word. `of` returns `None`
/// if no member has the word.
pub(in crate::store) fn word<T>(
    row: &rusqlite::Row<'_>,
    column: usize,
    of: impl FnOnce(&str) -> Option<T>,
) -> Result<T> {
    let word = String::read(row, column)?;
    of(&word).ok_or_else(|| {
        let name = row.as_ref().column_name(column).unwrap_or_default();
        Error::Corrupt(format!("the column `{name}` holds `{word}`, which has no meaning"))
    })
}

/// Lets columns hold the words of these closed sets. The function `from_name` of a set reads them.
macro_rules! words {
    ($($set:ty),+) => {$(
        impl $crate::store::database::Column for $set {
            fn read(
                row: &rusqlite::Row<'_>,
                column: usize,
            ) -> $crate::store::database::Result<Self> {
                $crate::store::database::word(row, column, Self::from_name)
            }
        }
    )+};
}

/// Declares a macro that lists the columns, for `concat!`, and a function that reads a row of them.
/// The function reads each column with `get` or `count` into a variable of the column's name. The
/// last expression makes the value from these variables.
macro_rules! columns {
    (
        $(#[$meta:meta])*
        macro $list:ident, fn $read:ident() -> $made:ty {
            $first:ident: $how_first:ident $(, $column:ident: $how:ident)* $(,)?
        } => $value:expr
    ) => {
        macro_rules! $list {
            () => {
                concat!(stringify!($first) $(, ", ", stringify!($column))*)
            };
        }

        $(#[$meta])*
        fn $read(row: &Row<'_>) -> Result<$made> {
            let mut columns = row.columns();
            let $first = columns.$how_first()?;
            $(let $column = columns.$how()?;)*
            Ok($value)
        }
    };
}

pub(in crate::store) use {columns, words};
