//! Holds rows between `log` and the journal in bounded memory. `log` copies a row into the buffer
//! while it holds a lock for a short time. The journal takes all waiting rows at once: it swaps its
//! empty half for the buffer's filled half. A call of `log` waits for nothing but this lock. The
//! waiting rows never take more memory than one half. If a row does not fit, the buffer refuses and
//! counts it.
//!
//! The layout of a row is: stream and [`SAME_KEYS`] u8 | step u64 | bytes of values u32 | unless
//! [`SAME_KEYS`] is set: bytes of keys u32, keys | values. Most rows have the keys of the previous
//! row of their stream in the same order. The buffer does not store such keys again: it only
//! compares them with the keys of the previous row.

use std::{
    cell::Cell,
    ops::Range,
    sync::{Mutex, MutexGuard, PoisonError},
};

use record::{MAX_KEY_BYTES, MAX_TEXT_BYTES, ValueRef, shortened};

use crate::value::{Loggable, Value};

/// The size of one half of the buffer, in bytes. One half is enough for about 140,000 rows of five
/// numbers. Only the used part of a half takes physical memory.
pub(crate) const HALF_BYTES: usize = 8 << 20;
/// The size, in bytes, up to which a thread keeps its scratch buffer between calls.
const SCRATCH_BYTES: usize = 64 << 10;
/// The largest size of a row's fixed parts, in bytes: stream, step, length of the values, and
/// length of the keys.
const ROW_HEAD: usize = 17;
/// The bit in a row's first byte that is set if the row has the same keys as the previous row of
/// its stream.
const SAME_KEYS: u8 = 0x80;

/// The stream of a row. Each stream has its own file in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Rows of metrics.
    History,
    /// Values that the program sets for the run as a whole, with `summary`.
    Summary,
    /// Statements about the run: its config, definitions of metrics, the state of the code.
    Meta,
    /// Samples of the system metrics of the machine and of this process.
    System,
    /// The lines that the program prints, if the run keeps its console.
    Console,
}

impl Stream {
    /// All streams, in the order of their numbers in the buffer.
    pub(crate) const ALL: [Self; Self::COUNT] =
        [Self::History, Self::Summary, Self::Meta, Self::System, Self::Console];
    /// The number of streams.
    pub(crate) const COUNT: usize = 5;
    /// The streams that a program logs to. Only their rows count as accepted.
    pub(crate) const LOGGED: [Self; 2] = [Self::History, Self::Summary];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::History => "history",
            Self::Summary => "summary",
            Self::Meta => "meta",
            Self::System => "system",
            Self::Console => "console",
        }
    }
}

/// The numbers of rows that the buffer accepted and refused. `accepted` counts the rows of
/// [`Stream::LOGGED`]. `refused` counts the rows of every stream except [`Stream::System`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
    /// The number of values that were left out or shortened within accepted rows of all streams.
    pub(crate) cut: u64,
}

#[derive(Debug)]
pub(crate) struct RowBuffer {
    half: Mutex<Half>,
    /// True if the buffer ignores every row.
    disabled: bool,
}

#[derive(Debug)]
struct Half {
    rows: Vec<u8>,
    /// Per stream, the range in `rows` of the keys of the newest row.
    keys: [Range<usize>; Stream::COUNT],
    /// Per stream, the next automatic step: usually the largest step so far plus one.
    next: [u64; Stream::COUNT],
    counts: Counts,
    closed: bool,
}

impl RowBuffer {
    /// Makes an empty buffer. `next` is the first automatic step of each stream.
    pub(crate) fn new(next: [u64; Stream::COUNT]) -> Self {
        let rows = Vec::with_capacity(HALF_BYTES);
        let keys = [const { 0..0 }; Stream::COUNT];
        let half = Half { rows, keys, next, counts: Counts::default(), closed: false };
        Self { half: Mutex::new(half), disabled: false }
    }

    /// Makes a buffer that ignores all rows and does not count them.
    pub(crate) fn disabled() -> Self {
        let half = Half {
            rows: Vec::new(),
            keys: [const { 0..0 }; Stream::COUNT],
            next: [0; Stream::COUNT],
            counts: Counts::default(),
            closed: true,
        };
        Self { half: Mutex::new(half), disabled: true }
    }

    /// Returns the stream's next automatic step and reserves it for a row that the caller pushes
    /// later. No other row gets this step automatically.
    pub(crate) fn reserve(&self, stream: Stream) -> u64 {
        let next = &mut self.lock().next[stream as usize];
        let step = *next;
        *next = step.saturating_add(1);
        step
    }

    /// Returns the stream's next automatic step.
    pub(crate) fn next(&self, stream: Stream) -> u64 {
        self.lock().next[stream as usize]
    }

    /// Sets the stream's next automatic step, for a run that continues from an earlier step.
    pub(crate) fn set_next(&self, stream: Stream, step: u64) {
        self.lock().next[stream as usize] = step;
    }

    /// Takes one row, or refuses and counts it. If `step` is `None`, the row gets the stream's next
    /// automatic step.
    pub(crate) fn push<'a, K: AsRef<str>, V: Loggable<'a>>(
        &self,
        stream: Stream,
        step: Option<u64>,
        values: impl IntoIterator<Item = (K, V)>,
    ) {
        self.push_at(stream, &Cell::new(step), values);
    }

    /// Takes a row with one statement about the run: a JSON object under a key that the controller
    /// knows.
    pub(crate) fn say(&self, key: &str, json: &str) {
        self.push(Stream::Meta, None, [(key, Value::Json(json.into()))]);
    }

    /// Works like [`RowBuffer::push`], but reads the step only after it has read the values,
    /// because reading them may set the step.
    pub(crate) fn push_at<'a, K: AsRef<str>, V: Loggable<'a>>(
        &self,
        stream: Stream,
        step: &Cell<Option<u64>>,
        values: impl IntoIterator<Item = (K, V)>,
    ) {
        self.encode_and(values, |half, row| half.push(stream, step.get(), row));
    }

    /// Takes one row at the next automatic step, or refuses and counts it. This step stays the next
    /// automatic one.
    pub(crate) fn push_ahead<'a, K: AsRef<str>, V: Loggable<'a>>(
        &self,
        stream: Stream,
        values: impl IntoIterator<Item = (K, V)>,
    ) {
        self.encode_and(values, |half, row| {
            let next = half.next[stream as usize];
            half.push(stream, Some(next), row);
            half.next[stream as usize] = next;
        });
    }

    /// Encodes the values as bytes without the lock, then calls `take` with them under the lock.
    fn encode_and<'a, K: AsRef<str>, V: Loggable<'a>>(
        &self,
        values: impl IntoIterator<Item = (K, V)>,
        take: impl FnOnce(&mut Half, &Encoded),
    ) {
        thread_local! {
            static SCRATCH: Cell<Encoded> = const { Cell::new(Encoded::new()) };
        }
        if self.disabled {
            return;
        }
        // The scratch buffer is taken and put back instead of borrowed, because the caller's
        // iterator may log a row too. In a thread that is ending, the scratch buffer is gone, and
        // the call uses a new one.
        let mut scratch = SCRATCH.try_with(Cell::take).unwrap_or_default();
        scratch.clear();
        for (key, value) in values {
            scratch.add(key.as_ref(), &value.into_value());
        }
        take(&mut self.lock(), &scratch);
        if scratch.keys.capacity() + scratch.values.capacity() <= SCRATCH_BYTES {
            let _ = SCRATCH.try_with(|cell| cell.set(scratch));
        }
    }

    /// Moves the waiting rows into `spare`, whose old content is dropped, and continues with the
    /// memory of `spare`.
    pub(crate) fn swap(&self, spare: &mut Vec<u8>) {
        spare.clear();
        let mut half = self.lock();
        std::mem::swap(&mut half.rows, spare);
        half.keys = [const { 0..0 }; Stream::COUNT];
    }

    /// Makes the buffer refuse all rows from now on.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
    }

    pub(crate) fn counts(&self) -> Counts {
        self.lock().counts
    }

    fn lock(&self) -> MutexGuard<'_, Half> {
        // No code that holds this lock can panic. If the lock is poisoned all the same, logging
        // must not panic, so the lock is taken.
        self.half.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Half {
    fn push(&mut self, stream: Stream, step: Option<u64>, row: &Encoded) {
        let known = self.keys[stream as usize].clone();
        let same = !known.is_empty() && self.rows[known] == row.keys[..];
        let bytes = ROW_HEAD + row.values.len() + if same { 0 } else { row.keys.len() };
        // The half never grows, because a reallocation would copy megabytes under the lock.
        if self.closed || bytes > HALF_BYTES - self.rows.len() {
            // A refused sample of the system metrics is not counted, because the next sample
            // replaces it.
            self.counts.refused += u64::from(stream != Stream::System);
            return;
        }
        let next = &mut self.next[stream as usize];
        let step = step.unwrap_or(*next);
        *next = (*next).max(step.saturating_add(1));
        self.rows.push(stream as u8 | if same { SAME_KEYS } else { 0 });
        self.rows.extend_from_slice(&step.to_le_bytes());
        self.rows.extend_from_slice(&(row.values.len() as u32).to_le_bytes());
        if !same {
            self.rows.extend_from_slice(&(row.keys.len() as u32).to_le_bytes());
            self.keys[stream as usize] = self.rows.len()..self.rows.len() + row.keys.len();
            self.rows.extend_from_slice(&row.keys);
        }
        self.rows.extend_from_slice(&row.values);
        self.counts.accepted += u64::from(Stream::LOGGED.contains(&stream));
        self.counts.cut += row.cut;
    }
}

const F64: u8 = 0;
const I64: u8 = 1;
const FALSE: u8 = 2;
const TRUE: u8 = 3;
const TEXT: u8 = 4;
const JSON: u8 = 5;
const U64: u8 = 6;

/// A row that is being encoded, outside the lock.
#[derive(Debug, Default)]
struct Encoded {
    /// The keys. Each key is its length as a u16, then its text.
    keys: Vec<u8>,
    /// The values. Each value is a tag, then its payload.
    values: Vec<u8>,
    /// The number of values that were left out or shortened.
    cut: u64,
}

impl Encoded {
    const fn new() -> Self {
        Self { keys: Vec::new(), values: Vec::new(), cut: 0 }
    }

    fn clear(&mut self) {
        self.keys.clear();
        self.values.clear();
        self.cut = 0;
    }

    /// Adds a value under a key. A map adds each of its values under `key.name`.
    fn add(&mut self, key: &str, value: &Value<'_>) {
        if let Value::Map(values) = value {
            return values
                .iter()
                .for_each(|(name, value)| self.add(&format!("{key}.{name}"), value));
        }
        let is_long_json = matches!(value, Value::Json(text) if text.len() > MAX_TEXT_BYTES);
        // `Attached` turns media into JSON before they reach the buffer. A medium that still comes,
        // from `log_ahead`, is left out.
        if key.len() > MAX_KEY_BYTES || is_long_json || matches!(value, Value::Media(_)) {
            self.cut += 1;
            return;
        }
        self.keys.extend_from_slice(&(key.len() as u16).to_le_bytes());
        self.keys.extend_from_slice(key.as_bytes());
        match value {
            Value::F64(number) => self.number(F64, number.to_bits().to_le_bytes()),
            Value::I64(number) => self.number(I64, number.to_le_bytes()),
            Value::U64(number) => self.number(U64, number.to_le_bytes()),
            Value::Bool(flag) => self.values.push(if *flag { TRUE } else { FALSE }),
            Value::Text(text) => {
                let kept = shortened(text);
                self.text(TEXT, kept);
                self.cut += u64::from(kept.len() < text.len());
            }
            Value::Json(text) => self.text(JSON, text),
            // The code above has handled maps and media.
            Value::Map(_) | Value::Media(_) => {}
        }
    }

    fn number(&mut self, tag: u8, bytes: [u8; 8]) {
        self.values.push(tag);
        self.values.extend_from_slice(&bytes);
    }

    fn text(&mut self, tag: u8, text: &str) {
        self.values.push(tag);
        self.values.extend_from_slice(&(text.len() as u32).to_le_bytes());
        self.values.extend_from_slice(text.as_bytes());
    }
}

/// One row of the buffer, whose values are still encoded.
#[derive(Clone, Debug)]
pub(crate) struct RawRow<'a> {
    pub(crate) stream: Stream,
    pub(crate) step: u64,
    pub(crate) values: RawValues<'a>,
}

/// Returns the rows of a half that came from [`RowBuffer::swap`].
pub(crate) fn rows(mut bytes: &[u8]) -> impl Iterator<Item = RawRow<'_>> {
    let mut known: [&[u8]; Stream::COUNT] = [&[]; Stream::COUNT];
    std::iter::from_fn(move || {
        let [head] = take(&mut bytes)?;
        let stream = *Stream::ALL.get(usize::from(head & !SAME_KEYS))?;
        let step = u64::from_le_bytes(take(&mut bytes)?);
        let length = u32::from_le_bytes(take(&mut bytes)?) as usize;
        if head & SAME_KEYS == 0 {
            let keys = u32::from_le_bytes(take(&mut bytes)?) as usize;
            known[stream as usize] = split(&mut bytes, keys)?;
        }
        let values = RawValues { keys: known[stream as usize], values: split(&mut bytes, length)? };
        Some(RawRow { stream, step, values })
    })
}

/// The encoded values of a row; an iterator that decodes them one by one.
#[derive(Clone, Debug)]
pub(crate) struct RawValues<'a> {
    keys: &'a [u8],
    values: &'a [u8],
}

impl<'a> Iterator for RawValues<'a> {
    type Item = (&'a str, ValueRef<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let length = usize::from(u16::from_le_bytes(take(&mut self.keys)?));
        let key = std::str::from_utf8(split(&mut self.keys, length)?).ok()?;
        let bytes = &mut self.values;
        let value = match take::<1>(bytes)?[0] {
            F64 => ValueRef::F64(f64::from_bits(u64::from_le_bytes(take(bytes)?))),
            I64 => ValueRef::I64(i64::from_le_bytes(take(bytes)?)),
            U64 => ValueRef::U64(u64::from_le_bytes(take(bytes)?)),
            FALSE => ValueRef::Bool(false),
            TRUE => ValueRef::Bool(true),
            tag => {
                let length = u32::from_le_bytes(take(bytes)?) as usize;
                let text = std::str::from_utf8(split(bytes, length)?).ok()?;
                if tag == JSON { ValueRef::Json(text) } else { ValueRef::Text(text) }
            }
        };
        Some((key, value))
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}

fn split<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

#[cfg(test)]
mod tests;
