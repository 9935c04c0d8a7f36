//! Keeps one part of a run's summary: the keys in the order in which they first came, each with its
//! last value or the range of its numbers. Also encodes a part to its stored form and decodes it.
//! `app::rows::digest` uses this module. This module does no I/O: it reads frames from memory and
//! returns frames.

use indexmap::IndexMap;
use record::{Corrupt, Value, ValueRef, Writer};
use serde_json::{Map, Value as Json};

use crate::{
    app::{rows::range::Range, text::cut},
    settings::Limits,
};

/// The bytes that a range counts beside its key.
const RANGE_BYTES: usize = 32;
/// The bytes that a value counts beside its key and its text.
const VALUE_BYTES: usize = 16;

/// The keys of one part of a summary.
#[derive(Clone, Debug)]
pub(super) struct Part<T> {
    /// The last value or the range of each key.
    pub(super) of: IndexMap<String, T>,
    /// The bytes of all keys with their values or ranges, which count against
    /// `Limits::summary_bytes`.
    bytes: usize,
}

/// The last value of a key.
#[derive(Clone, Debug)]
pub(super) struct Last {
    /// The highest step that the key was logged at.
    step: u64,
    /// The last value at that step.
    pub(super) value: Value,
}

impl<T> Default for Part<T> {
    fn default() -> Self {
        Self { of: IndexMap::new(), bytes: 0 }
    }
}

impl Part<Last> {
    /// Reads stored values.
    pub(super) fn read(frames: &[u8]) -> Result<Self, Corrupt> {
        let mut of = IndexMap::new();
        for frame in record::frames(frames) {
            frame?.each(|row| {
                of.extend(row.values.iter().map(|(key, value)| {
                    ((*key).to_owned(), Last { step: row.step, value: value.to_value() })
                }));
            })?;
        }
        let bytes = of.iter().map(|(key, last)| size(key, &last.value)).sum();
        Ok(Self { of, bytes })
    }

    /// Takes over the last value of a key, unless the part has a value at a higher step. Shortens a
    /// long text or object. Returns false if the part has no room for the key, or none for the
    /// value's text.
    pub(super) fn take(&mut self, key: &str, step: u64, value: &Value, limits: &Limits) -> bool {
        let is_full = self.of.len() >= limits.summary_keys;
        let old = self.of.get_mut(key);
        if old.as_ref().is_some_and(|old| step < old.step) {
            return true;
        }
        let others = self.bytes - old.as_ref().map_or(0, |old| size(key, &old.value));
        let room = limits.summary_bytes.saturating_sub(others + key.len() + VALUE_BYTES);
        if old.is_none() && (is_full || room == 0) {
            return false;
        }
        let value = shortened(value, limits.summary_text.min(room));
        self.bytes = others + size(key, &value);
        match old {
            Some(old) => *old = Last { step, value },
            None => {
                self.of.insert(key.to_owned(), Last { step, value });
            }
        }
        room > 0
    }

    /// Writes the values in their stored form. Neighbouring keys with the same step share a row,
    /// and the order of the keys stays. Returns whether the frames hold all values.
    pub(super) fn write(&self, writer: &mut Writer, out: &mut Vec<u8>) -> bool {
        let (mut cut, mut rest) = (0, self.of.as_slice());
        while let Some((_, first)) = rest.first() {
            let end = rest.values().position(|last| last.step != first.step);
            let (row, more) = rest.split_at(end.unwrap_or(rest.len()));
            let values = row.iter().map(|(key, last)| (key.as_str(), last.value.borrow()));
            cut += writer.row(first.step, 0, values, out);
            rest = more;
        }
        writer.flush(out);
        cut == 0
    }
}

impl Part<Range> {
    /// Reads stored ranges.
    pub(super) fn read(frames: &[u8]) -> Result<Self, Corrupt> {
        let mut of = IndexMap::new();
        each_range(frames, |key, range| {
            of.insert(key.to_owned(), range);
        })?;
        let bytes = of.keys().map(|key| key.len() + RANGE_BYTES).sum();
        Ok(Self { of, bytes })
    }

    /// Adds a range to the stored range of its key. Leaves out a new key if there is no room for
    /// it.
    pub(super) fn add(&mut self, key: &str, more: Range, limits: &Limits) {
        if let Some(range) = self.of.get_mut(key) {
            *range = Range {
                count: range.count + more.count,
                least: range.least.min(more.least),
                most: range.most.max(more.most),
                sum: range.sum + more.sum,
            };
            return;
        }
        let bytes = self.bytes + key.len() + RANGE_BYTES;
        if self.of.len() < limits.summary_keys && bytes <= limits.summary_bytes {
            self.bytes = bytes;
            self.of.insert(key.to_owned(), more);
        }
    }

    /// Writes a row for each key. The row's step is the count. Its three values, all under the key,
    /// are the smallest number, the largest number and the sum. Returns whether the frames hold all
    /// ranges.
    pub(super) fn write(&self, writer: &mut Writer, out: &mut Vec<u8>) -> bool {
        let mut cut = 0;
        for (key, range) in &self.of {
            let numbers = [range.least, range.most, range.sum];
            let values = numbers.iter().map(|number| (key.as_str(), ValueRef::F64(*number)));
            cut += writer.row(range.count, 0, values, out);
        }
        writer.flush(out);
        cut == 0
    }
}

/// Returns the value of a key from the frames of a part; `None` if the part does not have the key.
pub(super) fn last(frames: &[u8], key: &str) -> Result<Option<Value>, Corrupt> {
    let mut found = None;
    for frame in record::frames(frames) {
        frame?.each(|row| {
            if let Some((_, value)) = row.values.iter().find(|(known, _)| *known == key) {
                found = Some(value.to_value());
            }
        })?;
    }
    Ok(found)
}

/// Returns the range of a key from the frames of a part; `None` if the part does not have the key.
pub(super) fn range(frames: &[u8], key: &str) -> Result<Option<Range>, Corrupt> {
    let mut found = None;
    each_range(frames, |known, range| {
        if known == key {
            found = Some(range);
        }
    })?;
    Ok(found)
}

fn each_range(frames: &[u8], mut show: impl FnMut(&str, Range)) -> Result<(), Corrupt> {
    for frame in record::frames(frames) {
        frame?.each(|row| {
            if let [
                (key, ValueRef::F64(least)),
                (_, ValueRef::F64(most)),
                (_, ValueRef::F64(sum)),
            ] = *row.values
            {
                show(key, Range { count: row.step, least, most, sum });
            }
        })?;
    }
    Ok(())
}

fn size(key: &str, value: &Value) -> usize {
    let text = if let Value::Text(text) | Value::Json(text) = value { text.len() } else { 0 };
    key.len() + VALUE_BYTES + text
}

fn shortened(value: &Value, bytes: usize) -> Value {
    match value {
        Value::Text(text) if text.len() > bytes => Value::Text(format!("{}…", cut(text, bytes))),
        Value::Json(text) if text.len() > bytes => Value::Json(outline(text)),
        other => other.clone(),
    }
}

/// Returns a long object without its long members. The stored row still has the whole object. For a
/// histogram, adds the number of bins and the two ends of their range.
fn outline(json: &str) -> String {
    /// The most bytes of the name and the value of a member that stays.
    const MEMBER: usize = 256;
    /// The most members that stay.
    const MEMBERS: usize = 12;
    let mut object: Map<String, Json> = serde_json::from_str(json).unwrap_or_default();
    let edges = match object.get("bins") {
        Some(Json::Array(edges)) if object.get("_type") == Some(&Json::from("histogram")) => {
            edges.as_slice()
        }
        _ => &[],
    };
    if let [from, .., to] = edges {
        let (count, from, to) = (edges.len() - 1, from.clone(), to.clone());
        object.insert("count".to_owned(), Json::from(count));
        object.extend([("from".to_owned(), from), ("to".to_owned(), to)]);
    }
    let kind = object.shift_remove_entry("_type");
    let all = kind.into_iter().chain(object);
    let short = all.filter(|(name, member)| name.len() + member.to_string().len() <= MEMBER);
    Json::Object(short.take(MEMBERS).collect()).to_string()
}
