//! Rows by columns: how the controller keeps history that is no longer appended to. Written by its
//! background compaction, read for curves, tables and exports. Pure, and exact: the rows that went
//! in come out bit by bit, in their order.
//!
//! ```text
//! block   a head and its parts: 0 steps, 1 wall times, 2 shapes, then one for each column
//! head    version u8 | body length u32 | crc32c of the body u32 | body
//! body    rows | first and last step, 1 if steps rise strictly | each part: length, crc32c u32 |
//!         shapes, each: length, its columns | columns, each: key, kind, statistics
//! steps, wall times   packed second differences
//! shapes  packed numbers: which keys a row holds, and in which order
//! column  F64: a method, packed differences of bits (as 32-bit floats where all are such, or widened ones); I64, U64: packed differences;
//!         Bool: packed; Text, Json: packed lengths, then all texts, compressed (LZ4) where that is smaller
//! packed  groups of 64: a width in bits u8, then so many bits of each
//! ```
//!
//! A column is one key with one kind of value, so a key that changes its kind has several. Parts
//! stand by themselves: a reader of one key takes the head, the steps, the shapes and one column,
//! whatever else was logged. The statistics in the head answer many a question without any part.

mod decode;
mod encode;
mod head;
mod pack;

pub use decode::{Values, each};
pub use encode::{Block, Encoder};
pub use head::{Column, Head};

/// The most rows in one block.
pub const MAX_ROWS: usize = 1 << 16;
/// The most values in one block.
pub const MAX_VALUES: usize = 1 << 19;
/// The most bytes of texts in one block, unless a single row has more.
pub const MAX_TEXTS_BYTES: usize = 4 << 20;

/// The part with the steps of all rows.
pub const STEPS: usize = 0;
/// The part with the wall times of all rows.
pub const WALLS: usize = 1;
/// The part that says which columns each row holds.
pub const SHAPES: usize = 2;
/// The part of the first column; the others follow.
pub const COLUMNS: usize = 3;

/// What a reader believes: a single row of a frame may have more values than the limit of a block.
const MOST_VALUES: usize = crate::MAX_FRAME_BYTES;
/// The only version there is.
const VERSION: u8 = 1;

/// What kind of values a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// 64-bit floats.
    F64,
    /// 64-bit signed integers.
    I64,
    /// True or false.
    Bool,
    /// Texts.
    Text,
    /// JSON objects.
    Json,
    /// 64-bit unsigned integers beyond the signed ones.
    U64,
}

impl Kind {
    const ALL: [Self; 6] = [Self::F64, Self::I64, Self::Bool, Self::Text, Self::Json, Self::U64];

    /// Of a value.
    pub fn of(value: crate::ValueRef<'_>) -> Self {
        match value {
            crate::ValueRef::F64(_) => Self::F64,
            crate::ValueRef::I64(_) => Self::I64,
            crate::ValueRef::U64(_) => Self::U64,
            crate::ValueRef::Bool(_) => Self::Bool,
            crate::ValueRef::Text(_) => Self::Text,
            crate::ValueRef::Json(_) => Self::Json,
        }
    }
}

/// A block, or a part of it, is not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} in a block of columns")]
pub struct Damaged(pub(crate) &'static str);
