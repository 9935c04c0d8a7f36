//! Defines a row, and a frame: the bytes of the journal and of the wire alike. The SDK and the
//! agent write frames; the controller and the `sweep` command read them. The crate is pure: it uses
//! no file, no clock and no thread.
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
//! Fixed-width integers are little-endian; all others are varints (LEB128; signed ones use zigzag).
//! `step` and `wall_ms` are signed, wrapping differences to the row before; the first row of a
//! frame counts from 0. A frame is self-contained, so any sequence of frames can be stored and sent
//! by itself. The header has a checksum of its own, so that a reader recognizes a wrong length and
//! does not take it for a torn tail.

pub mod artifact;
pub mod checkpoint;
pub mod columns;
pub mod console;
pub mod content_row;
mod decode;
mod encode;
pub mod file;
pub mod json;
pub mod keeper;
pub mod name;
pub mod printed;
mod single;
mod varint;

pub use decode::{Corrupt, Frame, Frames, count, frames, rows, skip, whole};
pub use encode::{Writer, shortened};
pub use single::widen;

/// The largest frame in bytes, header included. It is also the largest piece of a journal that one
/// append sends.
pub const MAX_FRAME_BYTES: usize = 1 << 20;
/// The most rows in one frame.
pub const MAX_FRAME_ROWS: u64 = 1 << 16;
/// The longest key in bytes.
pub const MAX_KEY_BYTES: usize = 512;
/// The longest text, and the longest JSON, in bytes.
pub const MAX_TEXT_BYTES: usize = 256 << 10;

/// The only version of the frame.
const VERSION: u8 = 1;
/// The bytes of a header: version, length, checksum of the body and checksum of the header.
const HEADER_BYTES: usize = 13;

/// One value of a row. Floats keep their bits: NaN, the infinities and -0 are values.
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
    /// The text of one JSON object. Its `_type` names what it is, such as a histogram or an image.
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
    /// The step that the row belongs to. Rows may come late, twice or out of order.
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
