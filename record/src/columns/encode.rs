//! Encodes rows into a block of columns. The controller's compaction calls it. The encoder never
//! fails: it refuses a row that does not fit, and the caller starts another block with that row.

use std::{borrow::Cow, collections::HashMap};

use super::{COLUMNS, Column, Head, Kind, MAX_ROWS, MAX_TEXTS_BYTES, MAX_VALUES, pack};
use crate::{RowRef, ValueRef, single::narrow, varint};

/// The codes of the methods by which a column stores its floats or its texts.
pub(super) mod method {
    pub(crate) const F64: u8 = 0;
    pub(crate) const F32: u8 = 1;
    /// Each 32-bit float stands for the 64-bit float with the same shortest decimal.
    pub(crate) const F32_DECIMAL: u8 = 2;
    pub(crate) const PLAIN: u8 = 0;
    pub(crate) const LZ4: u8 = 1;
}

/// A block in the form in which it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The number of rows.
    pub rows: usize,
    /// The bytes of the block's [`Head`].
    pub head: Vec<u8>,
    /// The bytes of the block's parts.
    pub parts: Vec<Vec<u8>>,
}

/// An encoder that collects the rows of one block.
#[derive(Debug, Default)]
pub struct Encoder {
    head: Head,
    places: HashMap<(Kind, Box<str>), u32>,
    shape_ids: HashMap<Vec<u32>, u64>,
    steps: Vec<u64>,
    walls: Vec<u64>,
    shapes: Vec<u64>,
    /// The numbers of each column: the bits of floats and integers, 0 or 1 for booleans, and the
    /// lengths of texts and JSON in bytes.
    numbers: Vec<Vec<u64>>,
    texts: Vec<Vec<u8>>,
    values: usize,
    text_bytes: usize,
}

impl Encoder {
    /// Adds a row. Returns false, without adding the row, if the row does not fit into the block.
    /// An empty block takes any row.
    pub fn add(&mut self, row: RowRef<'_>) -> bool {
        let texts: usize =
            row.values.iter().map(|(_, value)| text(*value).map_or(0, str::len)).sum();
        let has_room = self.steps.len() < MAX_ROWS
            && self.values + row.values.len() <= MAX_VALUES
            && self.text_bytes + texts <= MAX_TEXTS_BYTES;
        if !has_room && !self.steps.is_empty() {
            return false;
        }
        self.values += row.values.len();
        self.text_bytes += texts;
        let guess = self.shapes.last().copied();
        let shape = self.shape(row, guess);
        for (column, (_, value)) in shape.iter().zip(row.values) {
            self.value(*column as usize, row.step, *value);
        }
        let known = self.head.shapes.len() as u64;
        let id = match guess {
            Some(guess) if self.head.shapes[guess as usize] == shape => guess,
            _ => *self.shape_ids.entry(shape.clone()).or_insert(known),
        };
        if id == known {
            self.head.shapes.push(shape);
        }
        self.head.rising =
            self.steps.last().is_none_or(|last| self.head.rising && *last < row.step);
        let (least, most) =
            if self.steps.is_empty() { (row.step, row.step) } else { self.head.steps };
        self.head.steps = (least.min(row.step), most.max(row.step));
        self.steps.push(row.step);
        self.walls.push(row.wall_ms.cast_unsigned());
        self.shapes.push(id);
        true
    }

    /// Returns the columns of the current block, with the statistics of the rows that were added so
    /// far.
    pub fn columns(&self) -> &[Column] {
        &self.head.columns
    }

    /// Returns the block of the rows that were added, and empties the encoder.
    pub fn finish(&mut self) -> Block {
        let done = std::mem::take(self);
        let mut parts = vec![Vec::new(); COLUMNS];
        pack::put_second_differences(&done.steps, &mut parts[super::STEPS]);
        pack::put_second_differences(&done.walls, &mut parts[super::WALLS]);
        pack::put(&done.shapes, &mut parts[super::SHAPES]);
        let columns = done.head.columns.iter().zip(&done.numbers).zip(&done.texts);
        parts.extend(columns.map(|((column, numbers), texts)| part(column.kind, numbers, texts)));
        let mut head = done.head;
        head.rows = done.steps.len();
        head.parts = parts.iter().map(|part| (part.len() as u64, crc32c::crc32c(part))).collect();
        Block { rows: head.rows, head: head.write(), parts }
    }

    /// Returns the shape of a row: for each value, the place of its column. Adds the columns that
    /// are missing. `guess` is the id of the previous row's shape, which most rows repeat.
    fn shape(&mut self, row: RowRef<'_>, guess: Option<u64>) -> Vec<u32> {
        let mut shape = Vec::with_capacity(row.values.len());
        for (index, (key, value)) in row.values.iter().enumerate() {
            let kind = Kind::of(*value);
            let guessed =
                guess.and_then(|guess| self.head.shapes[guess as usize].get(index).copied());
            let is_it = |place: &u32| {
                let column = &self.head.columns[*place as usize];
                column.kind == kind && column.key == *key
            };
            shape.push(guessed.filter(is_it).unwrap_or_else(|| self.place(key, kind)));
        }
        shape
    }

    fn place(&mut self, key: &str, kind: Kind) -> u32 {
        let new = self.head.columns.len() as u32;
        let place = *self.places.entry((kind, key.into())).or_insert(new);
        if place == new {
            self.head.columns.push(Column::new(key, kind));
            self.numbers.push(Vec::new());
            self.texts.push(Vec::new());
        }
        place
    }

    fn value(&mut self, place: usize, step: u64, value: ValueRef<'_>) {
        let (bits, number) = match value {
            ValueRef::F64(number) => (number.to_bits(), Some(number)),
            ValueRef::I64(number) => (number.cast_unsigned(), Some(number as f64)),
            ValueRef::U64(number) => (number, Some(number as f64)),
            ValueRef::Bool(flag) => (u64::from(flag), None),
            ValueRef::Text(text) | ValueRef::Json(text) => {
                self.texts[place].extend_from_slice(text.as_bytes());
                (text.len() as u64, None)
            }
        };
        self.numbers[place].push(bits);
        self.head.columns[place].note(step, number);
    }
}

fn text(value: ValueRef<'_>) -> Option<&str> {
    match value {
        ValueRef::Text(text) | ValueRef::Json(text) => Some(text),
        _ => None,
    }
}

fn part(kind: Kind, numbers: &[u64], texts: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match kind {
        Kind::F64 => {
            let all = |short: fn(f64) -> Option<f32>| -> Option<Vec<u64>> {
                let bits = |bits: &u64| Some(short(f64::from_bits(*bits))?.to_bits().into());
                numbers.iter().map(bits).collect()
            };
            let (method, kept) = match (all(short), all(narrow)) {
                (Some(short), _) => (method::F32, Cow::Owned(short)),
                (None, Some(short)) => (method::F32_DECIMAL, Cow::Owned(short)),
                (None, None) => (method::F64, Cow::Borrowed(numbers)),
            };
            out.push(method);
            pack::put_differences(&kept, &mut out);
        }
        Kind::I64 | Kind::U64 => pack::put_differences(numbers, &mut out),
        Kind::Bool => pack::put(numbers, &mut out),
        Kind::Text | Kind::Json => {
            pack::put(numbers, &mut out);
            let small = lz4_flex::block::compress(texts);
            let (method, kept) = if small.len() < texts.len() {
                (method::LZ4, &small[..])
            } else {
                (method::PLAIN, texts)
            };
            out.push(method);
            varint::put(texts.len() as u64, &mut out);
            out.extend_from_slice(kept);
        }
    }
    out
}

/// Returns the 32-bit float that equals this 64-bit float exactly; `None` if there is none.
fn short(number: f64) -> Option<f32> {
    let short = number as f32;
    (f64::from(short).to_bits() == number.to_bits()).then_some(short)
}
