//! Encodes rows into frames. The writers of journals call it (the SDK and the agent), and so do
//! `sweep` commands and the controller. The decoder encodes the rest of a frame with it, when it
//! drops the first rows of the frame. Encoding never fails: it cuts or drops the values that exceed
//! a limit, and counts them.

use std::{collections::HashMap, ops::Range};

use crate::{
    HEADER_BYTES, MAX_FRAME_BYTES, MAX_FRAME_ROWS, MAX_KEY_BYTES, MAX_TEXT_BYTES, Row, VERSION,
    ValueRef, varint,
};

/// The payload tags: the low three bits of a value's first varint.
pub(crate) mod tag {
    pub(crate) const F64: u64 = 0;
    pub(crate) const I64: u64 = 1;
    pub(crate) const FALSE: u64 = 2;
    pub(crate) const TRUE: u64 = 3;
    pub(crate) const TEXT: u64 = 4;
    pub(crate) const JSON: u64 = 5;
    pub(crate) const U64: u64 = 6;
}

/// The maximum size of the counts of rows and keys at the front of a body, in bytes.
const COUNTS_BYTES: usize = 2 * varint::MAX_BYTES;
/// The maximum size of a row without its values, in bytes.
const ROW_BYTES: usize = 3 * varint::MAX_BYTES;

/// An encoder of rows into frames. When a frame ends, the encoder forgets its keys and rows, and
/// keeps only the memory of its buffers.
#[derive(Debug, Default)]
pub struct Writer {
    keys: HashMap<Box<str>, usize>,
    /// For each key id, the range of its name in `table`. The names are distinct.
    names: Vec<Range<usize>>,
    table: Vec<u8>,
    /// The number of keys of the frame that is being built. The keys after these are of the frame
    /// before, and the frame may come to have them too.
    used: usize,
    /// The key id that is compared first with the next key, because most rows have the keys of the
    /// first row in the same order.
    guess: usize,
    body: Vec<u8>,
    row: Vec<u8>,
    rows: u64,
    step: u64,
    wall_ms: i64,
}

impl Writer {
    /// Encodes all rows and appends them to `out`: as one frame, or as several if one frame would
    /// exceed a limit. Returns the number of values that were cut or dropped to keep the limits. A
    /// text that is too long loses its end. A value is dropped if its key or its JSON is too long,
    /// or if its row has no room left in the largest frame.
    pub fn frame(&mut self, rows: &[Row], out: &mut Vec<u8>) -> u64 {
        let mut cut = 0;
        for row in rows {
            let values = row.values.iter().map(|(key, value)| (key.as_str(), value.borrow()));
            cut += self.row(row.step, row.wall_ms, values, out);
        }
        self.flush(out);
        cut
    }

    /// Adds one row, whose keys and texts are borrowed, to the current frame. The current frame is
    /// appended to `out` if the row does not fit into it, and when the caller calls
    /// [`Writer::flush`]. Returns the number of values that were cut or dropped, as
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
            // An empty frame takes any row, if need be without some of its values.
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

    /// Ends the current frame and appends it to `out`. Does nothing if the frame has no row.
    pub fn flush(&mut self, out: &mut Vec<u8>) {
        if self.rows == 0 {
            return;
        }
        let start = out.len();
        out.extend_from_slice(&[0; HEADER_BYTES]);
        varint::put(self.rows, out);
        varint::put(self.used as u64, out);
        out.extend_from_slice(&self.table[..self.table_bytes()]);
        out.extend_from_slice(&self.body);
        let (header, body) = out[start..].split_at_mut(HEADER_BYTES);
        header[0] = VERSION;
        header[1..5].copy_from_slice(&(body.len() as u32).to_le_bytes());
        header[5..9].copy_from_slice(&crc32c::crc32c(body).to_le_bytes());
        let check = crc32c::crc32c(&header[..9]);
        header[9..].copy_from_slice(&check.to_le_bytes());
        self.body.clear();
        (self.used, self.rows, self.step, self.wall_ms) = (0, 0, 0, 0);
    }

    /// Returns the size of the current frame so far in bytes, without its header and counts.
    pub fn waiting(&self) -> usize {
        self.table_bytes() + self.body.len()
    }

    fn has_room(&self, bytes: usize) -> bool {
        HEADER_BYTES + COUNTS_BYTES + self.waiting() + bytes <= MAX_FRAME_BYTES
    }

    /// Returns the bytes of `table` that belong to the frame that is being built.
    fn table_bytes(&self) -> usize {
        self.names[..self.used].last().map_or(0, |name| name.end)
    }

    /// Encodes one row's values into `self.row`; returns how many values it wrote, and how many it
    /// cut or dropped. Returns `None` if the current frame has rows and no room for all of these
    /// values; the caller then starts a new frame. The row's new keys stay in the table of the old
    /// frame, where readers ignore them.
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
        // A row without values also needs room.
        (self.rows == 0 || self.has_room(ROW_BYTES)).then_some((written, cut))
    }

    /// Appends one value to `row`. Returns 1 if the value is a text that was cut, else 0.
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
        // A row has the keys of the first row in its order, or one key several times, or the next
        // key of the frame before.
        let guesses = [self.guess, self.guess.wrapping_sub(1), self.used];
        let known = guesses.into_iter().find(|id| self.is_named(*id, key));
        let id = known.unwrap_or_else(|| self.look_up(key));
        self.used = self.used.max(id + 1);
        self.guess = id + 1;
        id as u64
    }

    fn is_named(&self, id: usize, key: &str) -> bool {
        self.names.get(id).is_some_and(|name| &self.table[name.clone()] == key.as_bytes())
    }

    fn look_up(&mut self, key: &str) -> usize {
        if let Some(id) = self.keys.get(key).filter(|id| **id < self.used) {
            return *id;
        }
        self.forget();
        let id = self.names.len();
        self.keys.insert(key.into(), id);
        varint::put(key.len() as u64, &mut self.table);
        self.names.push(self.table.len()..self.table.len() + key.len());
        self.table.extend_from_slice(key.as_bytes());
        id
    }

    /// Forgets the keys that only the frame before has.
    fn forget(&mut self) {
        if self.used < self.names.len() {
            self.table.truncate(self.table_bytes());
            self.names.truncate(self.used);
            self.keys.retain(|_, id| *id < self.used);
        }
    }
}

/// Returns an upper bound on the bytes that one value adds to the table of keys and to its row.
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

/// Returns whether a value is JSON and is too long. The writer drops such a value, because JSON
/// without its end is invalid.
fn is_long_json(value: ValueRef<'_>) -> bool {
    matches!(value, ValueRef::Json(text) if text.len() > MAX_TEXT_BYTES)
}

/// Returns the part of `text` that a value can hold: at most its first [`MAX_TEXT_BYTES`] bytes,
/// and only whole characters.
pub fn shortened(text: &str) -> &str {
    let mut end = text.len().min(MAX_TEXT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
