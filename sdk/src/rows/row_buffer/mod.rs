//! The bounded buffer between `log` and the journal: `log` copies a row in under a short lock, the
//! journal takes all that waits by swapping two preallocated halves. No system call, no waiting for
//! anything but that lock, never more memory than two halves. What does not fit is refused and
//! counted.
//!
//! A row is: stream and [`SAME_KEYS`] u8 | step u64 | bytes of values u32 | unless the same keys:
//! bytes of keys u32, keys | values. Most rows have the keys of the row before in its order; those
//! take no room, and are compared instead of copied.

use std::{
    cell::Cell,
    ops::Range,
    sync::{Mutex, MutexGuard, PoisonError},
};

use record::{MAX_KEY_BYTES, MAX_TEXT_BYTES, ValueRef, shortened};

use crate::value::{Loggable, Value};

/// One half of the buffer, in bytes: about 140,000 rows of five numbers. Only what is used of it
/// takes memory.
pub(crate) const HALF_BYTES: usize = 8 << 20;
/// A thread keeps its scratch buffer between calls unless one row has made it larger than this.
const SCRATCH_BYTES: usize = 64 << 10;
/// Stream, step, length of the values, length of the keys.
const ROW_HEAD: usize = 17;
/// In the first byte of a row: its keys are those of the row before in its stream.
const SAME_KEYS: u8 = 0x80;

/// What a row is for: a file of the journal, a stream on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Rows of metrics.
    History,
    /// Values that stand for the run.
    Summary,
    /// What the program says of its run: config, definitions of metrics, the state of its code.
    Meta,
    /// What the machine and this process use.
    System,
    /// What the program prints, if it is taken.
    Console,
}

impl Stream {
    /// All of them, in the order of their bytes in the buffer.
    pub(crate) const ALL: [Self; Self::COUNT] =
        [Self::History, Self::Summary, Self::Meta, Self::System, Self::Console];
    /// How many there are.
    pub(crate) const COUNT: usize = 5;
    /// Those that people log to: what is counted for them.
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

/// What has become of the rows that were offered; `accepted + refused` is all that a person logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
    /// Values left out or shortened within accepted rows.
    pub(crate) cut: u64,
}

#[derive(Debug)]
pub(crate) struct RowBuffer {
    half: Mutex<Half>,
    /// Nothing is even looked at.
    disabled: bool,
}

#[derive(Debug)]
struct Half {
    rows: Vec<u8>,
    /// Per stream: where the keys of its newest row stand in `rows`.
    keys: [Range<usize>; Stream::COUNT],
    /// Per stream: the writer's largest step plus one.
    next: [u64; Stream::COUNT],
    counts: Counts,
    closed: bool,
}

impl RowBuffer {
    /// `next`: the first automatic step of each stream.
    pub(crate) fn new(next: [u64; Stream::COUNT]) -> Self {
        let rows = Vec::with_capacity(HALF_BYTES);
        let keys = [const { 0..0 }; Stream::COUNT];
        let half = Half { rows, keys, next, counts: Counts::default(), closed: false };
        Self { half: Mutex::new(half), disabled: false }
    }

    /// One that takes nothing and counts nothing.
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

    /// The stream's next automatic step, for a row that is still to come: nobody else gets it.
    pub(crate) fn reserve(&self, stream: Stream) -> u64 {
        let next = &mut self.lock().next[stream as usize];
        let step = *next;
        *next = step.saturating_add(1);
        step
    }

    /// The stream's next automatic step.
    pub(crate) fn next(&self, stream: Stream) -> u64 {
        self.lock().next[stream as usize]
    }

    /// Sets the stream's next automatic step, where it goes on from an earlier one.
    pub(crate) fn set_next(&self, stream: Stream, step: u64) {
        self.lock().next[stream as usize] = step;
    }

    /// Takes one row, or refuses it. `step`: `None` for the largest step of the stream plus one.
    pub(crate) fn push<'a, K: AsRef<str>, V: Loggable<'a>>(
        &self,
        stream: Stream,
        step: Option<u64>,
        values: impl IntoIterator<Item = (K, V)>,
    ) {
        self.push_at(stream, &Cell::new(step), values);
    }

    /// Takes a row that says something of the run itself: one JSON object under a key that the
    /// controller knows.
    pub(crate) fn say(&self, key: &str, json: &str) {
        self.push(Stream::Meta, None, [(key, Value::Json(json.into()))]);
    }

    /// As [`RowBuffer::push`], with a step that is read once the values are known.
    pub(crate) fn push_at<'a, K: AsRef<str>, V: Loggable<'a>>(
        &self,
        stream: Stream,
        step: &Cell<Option<u64>>,
        values: impl IntoIterator<Item = (K, V)>,
    ) {
        self.encode_and(values, |half, row| half.push(stream, step.get(), row));
    }

    /// Takes one row, or refuses it, at the step that the next row gets as well.
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

    /// Gives the values as bytes to `take`, under the lock.
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
        // Taken and put back, not borrowed: the caller's iterator may log a row of its own. A
        // thread that is ending has no scratch any more and gets a new one.
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

    /// Everything that waits, in exchange for `spare`, whose content is dropped.
    pub(crate) fn swap(&self, spare: &mut Vec<u8>) {
        spare.clear();
        let mut half = self.lock();
        std::mem::swap(&mut half.rows, spare);
        half.keys = [const { 0..0 }; Stream::COUNT];
    }

    /// Refuses all rows from now on.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
    }

    pub(crate) fn counts(&self) -> Counts {
        self.lock().counts
    }

    fn lock(&self) -> MutexGuard<'_, Half> {
        // Nothing under this lock can panic, and a logger must not.
        self.half.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Half {
    fn push(&mut self, stream: Stream, step: Option<u64>, row: &Encoded) {
        let known = self.keys[stream as usize].clone();
        let same = !known.is_empty() && self.rows[known] == row.keys[..];
        let bytes = ROW_HEAD + row.values.len() + if same { 0 } else { row.keys.len() };
        // Never beyond what was allocated: growing would copy megabytes under the lock.
        if self.closed || bytes > HALF_BYTES - self.rows.len() {
            // A sample that does not fit is missed by nobody: the next one comes.
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

/// A row that is being made, outside the lock.
#[derive(Debug, Default)]
struct Encoded {
    /// Each: length u16, key.
    keys: Vec<u8>,
    /// Each: tag, payload.
    values: Vec<u8>,
    /// Values that were left out or shortened.
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

    /// Of a map each of its values.
    fn add(&mut self, key: &str, value: &Value<'_>) {
        if let Value::Map(values) = value {
            return values
                .iter()
                .for_each(|(name, value)| self.add(&format!("{key}.{name}"), value));
        }
        let is_long_json = matches!(value, Value::Json(text) if text.len() > MAX_TEXT_BYTES);
        // Files have become JSON before they come here.
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
            // Above.
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

/// One row as it stands in the buffer.
#[derive(Clone, Debug)]
pub(crate) struct RawRow<'a> {
    pub(crate) stream: Stream,
    pub(crate) step: u64,
    pub(crate) values: RawValues<'a>,
}

/// The rows of a half that [`RowBuffer::swap`] has given.
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

/// The values of a row, decoded one by one.
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
