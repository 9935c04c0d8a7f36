//! Declares the columns that statements select, each beside the way to read it. So the order in a
//! statement cannot differ from the order in which the columns are read.

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

pub(in crate::store) use columns;
