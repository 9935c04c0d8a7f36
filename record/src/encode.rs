//! From rows to frames. Called by whoever writes a journal: the SDK's journal thread and the agent;
//! the decoder uses it to cut a frame. Never fails: what breaks a limit is cut, and counted.

use std::{collections::HashMap, ops::Range};

use crate::{
    HEADER_BYTES, MAX_FRAME_BYTES, MAX_FRAME_ROWS, MAX_KEY_BYTES, MAX_TEXT_BYTES, Row, VERSION,
    ValueRef, varint,
};

/// Payload tags; the low three bits of a value's first varint.
pub(crate) mod tag {
    pub(crate) const F64: u64 = 0;
    pub(crate) const I64: u64 = 1;
    pub(crate) const FALSE: u64 = 2;
    pub(crate) const TRUE: u64 = 3;
    pub(crate) const TEXT: u64 = 4;
    pub(crate) const JSON: u64 = 5;
    pub(crate) const U64: u64 = 6;
}

/// Room that the counts of rows and keys may take at the head of a body.
const COUNTS_BYTES: usize = 2 * varint::MAX_BYTES;
/// The most that a row takes beside its values.
const ROW_BYTES: usize = 3 * varint::MAX_BYTES;

/// Encodes rows into frames. Keeps its buffers between frames, nothing else.
#[derive(Debug, Default)]
pub struct Writer {
    keys: HashMap<Box<str>, usize>,
    /// Per key id: where its name stands in `table`.
    names: Vec<Range<usize>>,
    table: Vec<u8>,
    /// The key id that is tried first: rows mostly repeat the keys of the first row in its order.
    guess: usize,
    body: Vec<u8>,
    row: Vec<u8>,
    rows: u64,
    step: u64,
    wall_ms: i64,
}

impl Writer {
    /// All of these rows, appended to `out`: one frame, or several where one would break a limit of
    /// frames. Answers how many values were cut to keep the limits: 0 unless a key, a text or a
    /// whole row is too long. A text loses its end, a key or a JSON that is too long loses its
    /// value, and so does what no longer fits into the largest frame.
    pub fn frame(&mut self, rows: &[Row], out: &mut Vec<u8>) -> u64 {
        let mut cut = 0;
        for row in rows {
            let values = row.values.iter().map(|(key, value)| (key.as_str(), value.borrow()));
            cut += self.row(row.step, row.wall_ms, values, out);
        }
        self.flush(out);
        cut
    }

    /// Adds one row to the frame that is being built, without owned keys or texts. The frame goes
    /// to `out` when it is full and by [`Writer::flush`]. Answers how many values were cut, as
    /// [`Writer::frame`] does.
    pub fn row<'a>(
        &mut self,
        step: u64,
        wall_ms: i64,
        values: impl Iterator<Item = (&'a str, ValueRef<'a>)> + Clone,
        out: &mut Vec<u8>,
    ) -> u64 {
        if self.rows == MAX_FRAME_ROWS {
            self.flush(out);
        }
        let (written, cut) = self.values(values.clone()).unwrap_or_else(|| {
            self.flush(out);
            // An empty frame takes any row.
            self.values(values).unwrap_or_default()
        });
        varint::put_signed(step.wrapping_sub(self.step) as i64, &mut self.body);
        varint::put_signed(wall_ms.wrapping_sub(self.wall_ms), &mut self.body);
        varint::put(written, &mut self.body);
        self.body.extend_from_slice(&self.row);
        (self.step, self.wall_ms) = (step, wall_ms);
        self.rows += 1;
        cut
    }

    /// Ends the frame that is being built and appends it to `out`; does nothing when no row waits.
    pub fn flush(&mut self, out: &mut Vec<u8>) {
        if self.rows == 0 {
            return;
        }
        let start = out.len();
        out.extend_from_slice(&[0; HEADER_BYTES]);
        varint::put(self.rows, out);
        varint::put(self.keys.len() as u64, out);
        out.extend_from_slice(&self.table);
        out.extend_from_slice(&self.body);
        let (header, body) = out[start..].split_at_mut(HEADER_BYTES);
        header[0] = VERSION;
        header[1..5].copy_from_slice(&(body.len() as u32).to_le_bytes());
        header[5..9].copy_from_slice(&crc32c::crc32c(body).to_le_bytes());
        let check = crc32c::crc32c(&header[..9]);
        header[9..].copy_from_slice(&check.to_le_bytes());
        self.keys.clear();
        self.names.clear();
        self.table.clear();
        self.body.clear();
        (self.rows, self.step, self.wall_ms) = (0, 0, 0);
    }

    /// Bytes that the frame which is being built has so far, without its header.
    pub fn waiting(&self) -> usize {
        self.table.len() + self.body.len()
    }

    fn has_room(&self, bytes: usize) -> bool {
        HEADER_BYTES + COUNTS_BYTES + self.table.len() + self.body.len() + bytes <= MAX_FRAME_BYTES
    }

    /// One row's values into `self.row`; answers how many were written and how many cut. `None`
    /// when the frame has rows and no room for all of these: the next frame has. Keys that were new
    /// stay in the table then, which does no harm.
    fn values<'a>(
        &mut self,
        values: impl Iterator<Item = (&'a str, ValueRef<'a>)>,
    ) -> Option<(u64, u64)> {
        let (mut written, mut cut) = (0, 0);
        let mut row = std::mem::take(&mut self.row);
        row.clear();
        self.guess = 0;
        for (key, value) in values {
            let fits = self.has_room(ROW_BYTES + row.len() + value_bound(key, value));
            if !fits && self.rows > 0 {
                self.row = row;
                return None;
            }
            if !fits || key.len() > MAX_KEY_BYTES || is_long_json(value) {
                cut += 1;
                continue;
            }
            cut += self.value(key, value, &mut row);
            written += 1;
        }
        self.row = row;
        // A row without values takes room too.
        (self.rows == 0 || self.has_room(ROW_BYTES)).then_some((written, cut))
    }

    /// Appends one value to `row`; answers 1 if its text was cut.
    fn value(&mut self, key: &str, value: ValueRef<'_>, row: &mut Vec<u8>) -> u64 {
        let id = self.key_id(key) << 3;
        match value {
            ValueRef::F64(number) => {
                varint::put(id | tag::F64, row);
                row.extend_from_slice(&number.to_bits().to_le_bytes());
            }
            ValueRef::I64(number) => {
                varint::put(id | tag::I64, row);
                varint::put_signed(number, row);
            }
            ValueRef::U64(number) => {
                varint::put(id | tag::U64, row);
                varint::put(number, row);
            }
            ValueRef::Bool(flag) => {
                varint::put(id | if flag { tag::TRUE } else { tag::FALSE }, row)
            }
            ValueRef::Text(text) => {
                let kept = shortened(text);
                varint::put(id | tag::TEXT, row);
                varint::put(kept.len() as u64, row);
                row.extend_from_slice(kept.as_bytes());
                return u64::from(kept.len() < text.len());
            }
            ValueRef::Json(text) => {
                varint::put(id | tag::JSON, row);
                varint::put(text.len() as u64, row);
                row.extend_from_slice(text.as_bytes());
            }
        }
        0
    }

    fn key_id(&mut self, key: &str) -> u64 {
        let guessed = self
            .names
            .get(self.guess)
            .is_some_and(|name| &self.table[name.clone()] == key.as_bytes());
        let id = if guessed { self.guess } else { self.look_up(key) };
        self.guess = id + 1;
        id as u64
    }

    fn look_up(&mut self, key: &str) -> usize {
        if let Some(id) = self.keys.get(key) {
            return *id;
        }
        let id = self.names.len();
        self.keys.insert(key.into(), id);
        varint::put(key.len() as u64, &mut self.table);
        self.names.push(self.table.len()..self.table.len() + key.len());
        self.table.extend_from_slice(key.as_bytes());
        id
    }
}

/// At most this many bytes of table and body go into one value.
fn value_bound(key: &str, value: ValueRef<'_>) -> usize {
    let payload = match value {
        ValueRef::F64(_) => 8,
        ValueRef::I64(_) | ValueRef::U64(_) => varint::MAX_BYTES,
        ValueRef::Bool(_) => 0,
        ValueRef::Text(text) | ValueRef::Json(text) => {
            varint::MAX_BYTES + text.len().min(MAX_TEXT_BYTES)
        }
    };
    2 * varint::MAX_BYTES + key.len().min(MAX_KEY_BYTES) + payload
}

/// Half a JSON is none.
fn is_long_json(value: ValueRef<'_>) -> bool {
    matches!(value, ValueRef::Json(text) if text.len() > MAX_TEXT_BYTES)
}

/// As much of `text` as a value may hold: its first [`MAX_TEXT_BYTES`], less what would split a
/// character.
pub fn shortened(text: &str) -> &str {
    let mut end = text.len().min(MAX_TEXT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
