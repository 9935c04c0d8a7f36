//! Reads and writes the head of a block: the list of its columns with their statistics, and the
//! lengths of its parts. The encoder writes the head, and every reader of a block reads the head
//! first. Reading accepts any bytes, and allocates at most a small multiple of their size.

use super::{COLUMNS, Damaged, Kind, MAX_ROWS, MOST_VALUES, VERSION};
use crate::{
    MAX_KEY_BYTES,
    varint::{self, Cursor},
};

/// The size in bytes of the header of a head: version, length and checksum of the body.
const HEADER_BYTES: usize = 9;

/// The table of contents of a block.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Head {
    /// The number of rows.
    pub rows: usize,
    /// The smallest and the largest step of a row; both are 0 if there are no rows.
    pub steps: (u64, u64),
    /// Whether every row has a larger step than the row before.
    pub rising: bool,
    /// The columns. The values of the column at place `n` are in the part [`COLUMNS`] + `n`.
    pub columns: Vec<Column>,
    /// For each shape, the places in `columns` of the values of a row, in the order of the row.
    pub(super) shapes: Vec<Vec<u32>>,
    /// The length in bytes and the checksum of each part.
    pub(super) parts: Vec<(u64, u32)>,
}

/// The statistics of a block's values of one key and one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The key.
    pub key: String,
    /// The kind of the values.
    pub kind: Kind,
    /// The number of values.
    pub count: usize,
    /// The smallest and the largest step of a row that holds a value of the column.
    pub steps: (u64, u64),
    /// The smallest and the largest finite number. Integers beyond 2^53 are rounded to floats.
    /// `None` if the column has no finite number; booleans, texts and JSON are no numbers.
    pub range: Option<(f64, f64)>,
    /// How many values are NaN, infinity and minus infinity, in this order.
    pub odd: [usize; 3],
}

impl Head {
    /// Reads a head and verifies its checksum.
    ///
    /// # Errors
    /// Fails with [`Damaged`] if the bytes are not a head.
    pub fn read(bytes: &[u8]) -> Result<Self, Damaged> {
        let (header, body) =
            bytes.split_at_checked(HEADER_BYTES).ok_or(Damaged("the head is too short"))?;
        let word = |from: usize| {
            u32::from_le_bytes([header[from], header[from + 1], header[from + 2], header[from + 3]])
        };
        if header[0] != VERSION {
            return Err(Damaged("the version is unknown"));
        }
        if body.len() != word(1) as usize || crc32c::crc32c(body) != word(5) {
            return Err(Damaged("the checksum of the head is wrong"));
        }
        let mut cursor = Cursor(body);
        let head = read(&mut cursor).ok_or(Damaged("the head is invalid"))?;
        if cursor.0.is_empty() { Ok(head) } else { Err(Damaged("bytes follow the head")) }
    }

    /// Returns the bytes of this head.
    pub(super) fn write(&self) -> Vec<u8> {
        let mut out = vec![0; HEADER_BYTES];
        varint::put(self.rows as u64, &mut out);
        varint::put(self.steps.0, &mut out);
        varint::put(self.steps.1, &mut out);
        out.push(u8::from(self.rising));
        varint::put(self.parts.len() as u64, &mut out);
        for (length, check) in &self.parts {
            varint::put(*length, &mut out);
            out.extend_from_slice(&check.to_le_bytes());
        }
        varint::put(self.shapes.len() as u64, &mut out);
        for shape in &self.shapes {
            varint::put(shape.len() as u64, &mut out);
            shape.iter().for_each(|column| varint::put(u64::from(*column), &mut out));
        }
        self.columns.iter().for_each(|column| column.write(&mut out));
        let (header, body) = out.split_at_mut(HEADER_BYTES);
        header[0] = VERSION;
        header[1..5].copy_from_slice(&(body.len() as u32).to_le_bytes());
        header[5..].copy_from_slice(&crc32c::crc32c(body).to_le_bytes());
        out
    }

    /// Returns the index in `columns` of the column with this key and kind; `None` if there is
    /// none.
    pub fn column(&self, key: &str, kind: Kind) -> Option<usize> {
        self.columns.iter().position(|column| column.key == key && column.kind == kind)
    }

    /// Returns whether every row's step is the step of the row before plus one, as in most
    /// programs. If so, a reader computes all steps from the head and does not read the part of
    /// steps.
    pub fn is_step_by_step(&self) -> bool {
        self.rising
            && self.rows > 0
            && self.steps.1.checked_sub(self.steps.0) == Some(self.rows as u64 - 1)
    }

    /// Returns the length of a part in bytes; 0 if there is no such part.
    pub fn length(&self, part: usize) -> u64 {
        self.parts.get(part).map_or(0, |(length, _)| *length)
    }
}

impl Column {
    pub(super) fn new(key: &str, kind: Kind) -> Self {
        Self { key: key.to_owned(), kind, count: 0, steps: (u64::MAX, 0), range: None, odd: [0; 3] }
    }

    /// Adds a value to the statistics. `number` is the value as a float, or `None` if it is not a
    /// number.
    pub(super) fn note(&mut self, step: u64, number: Option<f64>) {
        self.count += 1;
        self.steps = (self.steps.0.min(step), self.steps.1.max(step));
        let Some(number) = number else { return };
        if number.is_finite() {
            let (least, most) = self.range.unwrap_or((number, number));
            self.range = Some((least.min(number), most.max(number)));
        } else {
            self.odd[if number.is_nan() { 0 } else { 1 + usize::from(number < 0.0) }] += 1;
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        varint::put(self.key.len() as u64, out);
        out.extend_from_slice(self.key.as_bytes());
        out.push(self.kind as u8);
        varint::put(self.count as u64, out);
        varint::put(self.steps.0, out);
        varint::put(self.steps.1, out);
        self.odd.iter().for_each(|count| varint::put(*count as u64, out));
        out.push(u8::from(self.range.is_some()));
        if let Some((least, most)) = self.range {
            out.extend_from_slice(&least.to_bits().to_le_bytes());
            out.extend_from_slice(&most.to_bits().to_le_bytes());
        }
    }

    fn read(cursor: &mut Cursor<'_>) -> Option<Self> {
        let key = cursor.text(MAX_KEY_BYTES)?.to_owned();
        let kind = *Kind::ALL.get(usize::from(*cursor.bytes(1)?.first()?))?;
        let count = number(cursor, MOST_VALUES)?;
        let steps = (cursor.varint()?, cursor.varint()?);
        let mut odd = [0; 3];
        for count in &mut odd {
            *count = number(cursor, MOST_VALUES)?;
        }
        let range = match cursor.bytes(1)?.first()? {
            0 => None,
            _ => Some((cursor.f64()?, cursor.f64()?)),
        };
        Some(Self { key, kind, count, steps, range, odd })
    }
}

fn read(cursor: &mut Cursor<'_>) -> Option<Head> {
    let rows = number(cursor, MAX_ROWS)?;
    let steps = (cursor.varint()?, cursor.varint()?);
    let rising = *cursor.bytes(1)?.first()? != 0;
    let mut parts = Vec::new();
    for _ in 0..number(cursor, COLUMNS + MOST_VALUES)? {
        let length = cursor.varint()?;
        parts.push((length, u32::from_le_bytes(cursor.bytes(4)?.try_into().ok()?)));
    }
    let columns = parts.len().checked_sub(COLUMNS)?;
    let mut shapes = Vec::new();
    for _ in 0..number(cursor, MAX_ROWS)? {
        let mut shape = Vec::new();
        for _ in 0..number(cursor, MOST_VALUES)? {
            shape.push(u32::try_from(number(cursor, columns.checked_sub(1)?)?).ok()?);
        }
        shapes.push(shape);
    }
    let columns = (0..columns).map(|_| Column::read(cursor)).collect::<Option<_>>()?;
    Some(Head { rows, steps, rising, columns, shapes, parts })
}

/// Reads a whole number; returns `None` if it is larger than `most`.
fn number(cursor: &mut Cursor<'_>, most: usize) -> Option<usize> {
    usize::try_from(cursor.varint()?).ok().filter(|number| *number <= most)
}
