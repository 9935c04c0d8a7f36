//! Declares the columns that statements select, each beside the way to read it. So a column and
//! its field can never be at different places.

/// Declares the list of columns as a macro of its own, for `concat!`, and a function that reads a
/// row of them. Each column is read by `get` or by `count`, and is a variable of its name in the
/// expression that makes the value.
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
