//! Stores rows by columns, in blocks. The controller's background compaction merges the stored
//! appends of a stream into such blocks, during a run and after its end. The controller reads
//! blocks for curves, tables and exports. The module is pure. Encoding and decoding keep the order
//! of the rows and every bit.
//!
//! ```text
//! block   a head and its parts: 0 steps, 1 wall times, 2 shapes, then one part for each column
//! head    version u8 | body length u32 | crc32c of the body u32 | body
//! body    rows | smallest and largest step | 1 if the steps rise strictly, else 0 |
//!         parts, each: length, crc32c u32 | shapes, each: length, its columns |
//!         columns, each: key, kind, statistics
//! steps, wall times   packed second differences
//! shapes  packed numbers: for each row, the number of its shape
//! column  F64: a method, packed differences of bits (as 32-bit floats where all values are such
//!         floats, or widened ones); I64, U64: packed differences; Bool: packed;
//!         Text, Json: packed lengths, a method, the length of all texts, then all texts,
//!         compressed (LZ4) where that is smaller
//! packed  groups of 64: a width in bits u8, then that many bits of each number
//! packed differences  the first number, then the packed zigzag differences of neighbours
//! ```
//!
//! A column holds the values of one key and one kind, so a key whose kind changes has several
//! columns. Each part can be read by itself. A reader of one key reads at most the head, the steps,
//! the shapes and the columns of that key, however many other keys the rows have. For many
//! questions the statistics in the head are enough, without any part.

mod decode;
mod encode;
mod head;
mod pack;

pub use decode::{Values, each};
pub use encode::{Block, Encoder};
pub use head::{Column, Head};

/// The maximum number of rows in one block.
pub const MAX_ROWS: usize = 1 << 16;
/// The maximum number of values in one block. A block of a single row can have more.
pub const MAX_VALUES: usize = 1 << 19;
/// The maximum size of all texts in one block, in bytes. It is larger than a frame, so every row of
/// a frame fits.
pub const MAX_TEXTS_BYTES: usize = 4 << 20;

/// The index of the part that holds the steps of all rows.
pub const STEPS: usize = 0;
/// The index of the part that holds the wall times of all rows.
pub const WALLS: usize = 1;
/// The index of the part that holds the shape of each row: the columns of its values, in order.
pub const SHAPES: usize = 2;
/// The index of the first column's part; the parts of the other columns follow it.
pub const COLUMNS: usize = 3;

/// A reader refuses a block with more values than this. A single row of a frame can have more than
/// [`MAX_VALUES`] values, but not more values than a frame has bytes.
const MOST_VALUES: usize = crate::MAX_FRAME_BYTES;
/// The only version of the block format.
const VERSION: u8 = 1;

/// The kind of values that a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// 64-bit floats.
    F64,
    /// 64-bit signed integers.
    I64,
    /// Booleans.
    Bool,
    /// Texts.
    Text,
    /// JSON objects.
    Json,
    /// 64-bit unsigned integers too large for `I64`.
    U64,
}

impl Kind {
    const ALL: [Self; 6] = [Self::F64, Self::I64, Self::Bool, Self::Text, Self::Json, Self::U64];

    /// Returns the kind of a value.
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

/// The error of a block or a part whose bytes the encoder cannot have written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a block of columns is damaged: {0}")]
pub struct Damaged(pub(crate) &'static str);
