//! Defines rows and frames. A frame is a sequence of encoded rows; journals, the wire and the store
//! hold the same bytes. Every program that writes or reads rows uses this crate. The crate is pure:
//! it uses no file, no clock and no thread.
//!
//! ```text
//! frame   version u8 | body length u32 | crc32c of the body u32 |
//!         crc32c of the nine bytes before u32 | body
//! body    rows | keys | each key: length, UTF-8 | each row
//! row     step | wall_ms | values | each value: key id * 8 + tag, payload
//! payload F64: the 8 bytes of its bits; I64: signed varint; U64: varint; false, true: none;
//!         text, JSON: length, UTF-8
//! ```
//!
//! Integers of a fixed width (u8, u32) are little-endian; all other integers are varints (LEB128;
//! signed ones use zigzag). A row stores `step` and `wall_ms` as signed, wrapping differences from
//! the row before. The first row of a frame stores its differences from 0. A frame is
//! self-contained, so any sequence of frames can be stored and sent by itself. The header has a
//! checksum of its own. With this checksum, a reader recognizes a damaged length, which would
//! otherwise look like a frame that was cut off.

pub mod artifact;
pub mod checkpoint;
pub mod columns;
pub mod console;
pub mod content_row;
mod decode;
mod encode;
pub mod file;
pub mod ids;
pub mod json;
pub mod keeper;
pub mod name;
pub mod printed;
pub mod python;
mod single;
pub mod sniff;
pub mod stream;
mod varint;

pub use decode::{Corrupt, Frame, Frames, count, frames, rows, skip, whole};
pub use encode::{Writer, shortened};
pub use single::widen;

/// The size of the largest frame in bytes, header included. A sender also puts at most this many
/// bytes of a journal into one append.
pub const MAX_FRAME_BYTES: usize = 1 << 20;
/// The maximum number of rows in one frame.
pub const MAX_FRAME_ROWS: u64 = 1 << 16;
/// The length of the longest key, in bytes.
pub const MAX_KEY_BYTES: usize = 512;
/// The length of the longest text value and of the longest JSON value, in bytes.
pub const MAX_TEXT_BYTES: usize = 256 << 10;

/// The only version of the frame format.
const VERSION: u8 = 1;
/// The size of a frame's header in bytes: version, length, checksum of the body and checksum of the
/// header.
const HEADER_BYTES: usize = 13;

/// One value of a row. Floats keep their exact bits, so NaN, the infinities and -0 are valid
/// values.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A 64-bit float.
    F64(f64),
    /// A 64-bit signed integer.
    I64(i64),
    /// A 64-bit unsigned integer: a whole number too large for `I64`.
    U64(u64),
    /// A boolean.
    Bool(bool),
    /// A UTF-8 text.
    Text(String),
    /// The text of one JSON object. The object's field `_type` says what the object is, such as a
    /// histogram or an image.
    Json(String),
}

impl Value {
    /// Returns the same value, borrowed.
    pub fn borrow(&self) -> ValueRef<'_> {
        match self {
            Self::F64(number) => ValueRef::F64(*number),
            Self::I64(number) => ValueRef::I64(*number),
            Self::U64(number) => ValueRef::U64(*number),
            Self::Bool(flag) => ValueRef::Bool(*flag),
            Self::Text(text) => ValueRef::Text(text),
            Self::Json(text) => ValueRef::Json(text),
        }
    }
}

/// A [`Value`] that borrows its text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ValueRef<'a> {
    /// A 64-bit float.
    F64(f64),
    /// A 64-bit signed integer.
    I64(i64),
    /// A 64-bit unsigned integer: a whole number too large for `I64`.
    U64(u64),
    /// A boolean.
    Bool(bool),
    /// A UTF-8 text.
    Text(&'a str),
    /// The text of one JSON object.
    Json(&'a str),
}

impl ValueRef<'_> {
    /// Returns the same value, owned.
    pub fn to_value(self) -> Value {
        match self {
            Self::F64(number) => Value::F64(number),
            Self::I64(number) => Value::I64(number),
            Self::U64(number) => Value::U64(number),
            Self::Bool(flag) => Value::Bool(flag),
            Self::Text(text) => Value::Text(text.to_owned()),
            Self::Json(text) => Value::Json(text.to_owned()),
        }
    }
}

/// One row: the values of one call of `log`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// The step that the row belongs to. A later row can have the same step or a smaller one.
    pub step: u64,
    /// The writer's clock in milliseconds since the epoch, for display only.
    pub wall_ms: i64,
    /// The keys and values, in the order in which they were logged.
    pub values: Vec<(String, Value)>,
}

/// A [`Row`] that borrows from a frame, as [`Frame::each`] passes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RowRef<'a> {
    /// The step that the row belongs to.
    pub step: u64,
    /// The writer's clock in milliseconds since the epoch, for display only.
    pub wall_ms: i64,
    /// The keys and values, in the order in which they were logged.
    pub values: &'a [(&'a str, ValueRef<'a>)],
}

impl RowRef<'_> {
    /// Returns the same row, owned.
    pub fn to_row(self) -> Row {
        let values =
            self.values.iter().map(|(key, value)| ((*key).to_owned(), value.to_value())).collect();
        Row { step: self.step, wall_ms: self.wall_ms, values }
    }
}
