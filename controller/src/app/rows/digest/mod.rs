//! Digests an append: for each key, finds the last value, the number of rows, and the smallest and
//! the largest number. The summary of a run is the sum of the digests of its appends.
//! `app::rows::ingest` and the readers in `app::read` use this module. This module does no I/O: it
//! reads frames from memory and returns frames.

use std::collections::{HashMap, HashSet};

use record::{Corrupt, Row, RowRef, Value, ValueRef, Writer};
use serde_json::{Map, Value as Json};

use super::{metrics::Metric, range::Range};
use crate::{
    app::text::cut,
    settings::Limits,
    store::{listing::Logged, summaries::Stored},
};

/// The digest of some frames.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Digest {
    /// The number of rows in the frames.
    pub(crate) rows: u64,
    /// The largest step of the rows plus one.
    pub(crate) next_step: u64,
    /// The digests of the keys, in the order in which the keys first appear.
    pub(crate) keys: Vec<Key>,
}

/// The digest of one key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Key {
    /// The key's name.
    pub(crate) name: String,
    /// The highest step that the key was logged at.
    pub(crate) step: u64,
    /// The last value of the key at the step `step`.
    pub(crate) last: Value,
    /// The number of rows that hold the key.
    pub(crate) rows: u64,
    /// The number of rows that hold the key as a finite number.
    pub(crate) finite: u64,
    /// The smallest and the largest finite number of the key; `None` if the key has no finite
    /// number.
    pub(crate) range: Option<(f64, f64)>,
    /// The sum of the key's finite numbers.
    pub(crate) sum: f64,
}

impl Digest {
    /// Digests the rows of frames, and checks every byte of the frames.
    ///
    /// # Errors
    /// Fails with [`Corrupt`] at the first frame that is torn or bad.
    pub(crate) fn of(frames: &[u8]) -> Result<Self, Corrupt> {
        let mut digest = Self::default();
        let mut places = HashMap::new();
        for frame in record::frames(frames) {
            frame?.each(|row| digest.add(row, &mut places))?;
        }
        Ok(digest)
    }

    /// Counts the rows of frames without their keys, and checks every byte of the frames. Appends
    /// use this for the streams whose values are not summed up.
    ///
    /// # Errors
    /// Fails with [`Corrupt`] at the first frame that is torn or bad.
    pub(crate) fn count(frames: &[u8]) -> Result<Self, Corrupt> {
        let mut rows = 0;
        for frame in record::frames(frames) {
            frame?.each(|_| rows += 1)?;
        }
        Ok(Self { rows, ..Self::default() })
    }

    /// Returns the digest of one key, or `None` if no row holds the key.
    pub(crate) fn key(&self, name: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    fn add(&mut self, row: RowRef<'_>, places: &mut HashMap<String, usize>) {
        self.rows += 1;
        self.next_step = self.next_step.max(row.step.saturating_add(1));
        for (index, (name, value)) in row.values.iter().enumerate() {
            // Most rows have the same keys as the first row, in the same order.
            let guess = self.keys.get(index).filter(|key| key.name == *name).map(|_| index);
            let place = guess.or_else(|| places.get(*name).copied()).unwrap_or_else(|| {
                places.insert((*name).to_owned(), self.keys.len());
                let last = value.to_value();
                let name = (*name).to_owned();
                self.keys.push(Key {
                    name,
                    step: row.step,
                    last,
                    rows: 0,
                    finite: 0,
                    range: None,
                    sum: 0.0,
                });
                self.keys.len() - 1
            });
            let key = &mut self.keys[place];
            key.rows += 1;
            if row.step >= key.step {
                key.step = row.step;
                key.last = value.to_value();
            }
            if let Some(number) = finite(*value) {
                key.finite += 1;
                key.sum += number;
                let (least, most) = key.range.unwrap_or((number, number));
                key.range = Some((least.min(number), most.max(number)));
            }
        }
    }
}

/// Returns a value as a finite number. Returns `None` for NaN and infinities, and for booleans,
/// texts and JSON.
pub(in crate::app) fn finite(value: ValueRef<'_>) -> Option<f64> {
    match value {
        ValueRef::F64(number) => Some(number).filter(|number| number.is_finite()),
        // This rounds an integer beyond 2^53. The history keeps the exact value.
        ValueRef::I64(number) => Some(number as f64),
        ValueRef::U64(number) => Some(number as f64),
        ValueRef::Bool(_) | ValueRef::Text(_) | ValueRef::Json(_) => None,
    }
}

/// The summary of a run: the last value of each key that the run logged, and the range of each
/// key's numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Summary {
    latest: Vec<(String, u64, Value)>,
    overlay: Vec<(String, u64, Value)>,
    ranges: Vec<(String, Range)>,
    next_step: u64,
}

impl Summary {
    /// Reads a stored summary.
    ///
    /// # Errors
    /// Fails with [`Corrupt`] if the stored bytes are damaged.
    pub(crate) fn read(stored: &Stored) -> Result<Self, Corrupt> {
        let (latest, overlay) = (entries(&stored.latest)?, entries(&stored.overlay)?);
        Ok(Self {
            latest,
            overlay,
            ranges: read_ranges(&stored.ranges)?,
            next_step: stored.next_step,
        })
    }

    /// Writes the summary in its stored form.
    pub(crate) fn write(&self) -> Stored {
        let (latest, overlay) = (frames(&self.latest), frames(&self.overlay));
        Stored { latest, overlay, ranges: write_ranges(&self.ranges), next_step: self.next_step }
    }

    /// Adds rows of the stream `history`. Returns false if the summary has no room for a key.
    pub(crate) fn add_history(&mut self, digest: &Digest, limits: &Limits) -> bool {
        self.next_step = self.next_step.max(digest.next_step);
        merge_ranges(&mut self.ranges, digest, limits);
        merge(&mut self.latest, digest, limits)
    }

    /// Adds rows of the stream `summary`. Returns false if the summary has no room for a key.
    pub(crate) fn add_summary(&mut self, digest: &Digest, limits: &Limits) -> bool {
        merge(&mut self.overlay, digest, limits)
    }

    /// Returns every key that was logged.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        let latest: HashSet<&str> = self.latest.iter().map(|(key, ..)| key.as_str()).collect();
        let more = self.overlay.iter().filter(move |(key, ..)| !latest.contains(key.as_str()));
        self.latest.iter().chain(more).map(|(key, ..)| key.as_str())
    }

    /// Returns the last value of a key if the value is a finite number. The summary stream takes
    /// precedence over the history.
    pub(crate) fn number(&self, key: &str) -> Option<f64> {
        match self.last(key)? {
            Value::F64(number) => Some(*number).filter(|number| number.is_finite()),
            Value::I64(number) => Some(*number as f64),
            Value::U64(number) => Some(*number as f64),
            Value::Bool(_) | Value::Text(_) | Value::Json(_) => None,
        }
    }

    /// Returns whether the last value of a key is NaN or an infinity.
    pub(crate) fn is_beyond_numbers(&self, key: &str) -> bool {
        matches!(self.last(key), Some(Value::F64(number)) if !number.is_finite())
    }

    /// Returns the last value of a key. The summary stream takes precedence over the history.
    pub(crate) fn last(&self, key: &str) -> Option<&Value> {
        let mut entries = self.overlay.iter().chain(&self.latest);
        entries.find(|(known, ..)| known == key).map(|(.., value)| value)
    }

    /// Returns the summary for users: one JSON object, with each key summed up as the definitions
    /// in `metrics` say.
    pub(crate) fn to_json(&self, metrics: &[Metric]) -> Json {
        let ranges: HashMap<&str, &Range> = if metrics.is_empty() {
            HashMap::new()
        } else {
            self.ranges.iter().map(|(key, range)| (key.as_str(), range)).collect()
        };
        let mut all = Map::new();
        for (key, _, value) in &self.latest {
            let Some(metric) = Metric::of(metrics, key) else {
                all.insert(key.clone(), record::json::to_json(value));
                continue;
            };
            if metric.keeps_last() {
                all.insert(key.clone(), record::json::to_json(value));
            }
            if let Some(range) = ranges.get(key.as_str()) {
                for (name, number) in metric.aggregates(range) {
                    all.insert(format!("{key}.{name}"), record::json::to_json(&Value::F64(number)));
                }
            }
        }
        let said =
            self.overlay.iter().map(|(key, _, value)| (key.clone(), record::json::to_json(value)));
        all.extend(said);
        Json::Object(all)
    }
}

/// Returns the value that [`Summary::to_json`] shows under a key. This function decodes only the
/// needed parts of the stored summary.
///
/// # Errors
/// Fails with [`Corrupt`] if the stored bytes are damaged.
pub(in crate::app) fn value(
    logged: Logged<'_>,
    metrics: &[Metric],
    key: &str,
) -> Result<Option<Value>, Corrupt> {
    if let Some(said) = last(logged.overlay, key)? {
        return Ok(Some(said));
    }
    if let Some((base, way)) = key.rsplit_once('.')
        && let Some(metric) = Metric::of(metrics, base)
        && let Some((_, range)) =
            read_ranges(logged.ranges)?.into_iter().find(|(known, _)| known == base)
        && let Some((_, number)) =
            metric.aggregates(&range).into_iter().find(|(known, _)| *known == way)
    {
        return Ok(Some(Value::F64(number)));
    }
    if Metric::of(metrics, key).is_some_and(|metric| !metric.keeps_last()) {
        return Ok(None);
    }
    last(logged.latest, key)
}

/// Returns the value of a key in the stored entries of a summary.
fn last(frames: &[u8], key: &str) -> Result<Option<Value>, Corrupt> {
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

/// The bytes that a stored range counts in addition to its key.
const RANGE_BYTES: usize = 32;
/// The bytes that a stored value counts in addition to its key and its text.
const VALUE_BYTES: usize = 16;

fn merge_ranges(ranges: &mut Vec<(String, Range)>, digest: &Digest, limits: &Limits) {
    let mut bytes: usize = ranges.iter().map(|(key, _)| key.len() + RANGE_BYTES).sum();
    let places: HashMap<String, usize> =
        ranges.iter().enumerate().map(|(place, (key, _))| (key.clone(), place)).collect();
    for key in &digest.keys {
        let Some((least, most)) = key.range else { continue };
        match places.get(&key.name) {
            Some(place) => {
                let range = &mut ranges[*place].1;
                range.count += key.finite;
                range.sum += key.sum;
                (range.least, range.most) = (range.least.min(least), range.most.max(most));
            }
            None if ranges.len() < limits.summary_keys
                && bytes + key.name.len() + RANGE_BYTES <= limits.summary_bytes =>
            {
                bytes += key.name.len() + RANGE_BYTES;
                ranges.push((
                    key.name.clone(),
                    Range { count: key.finite, least, most, sum: key.sum },
                ));
            }
            None => {}
        }
    }
}

/// Writes one row for each key. The row's step is the count. The row has three values under the
/// key: the smallest number, the largest number and the sum.
fn write_ranges(ranges: &[(String, Range)]) -> Vec<u8> {
    let row = |(key, range): &(String, Range)| Row {
        step: range.count,
        wall_ms: 0,
        values: [range.least, range.most, range.sum]
            .map(|number| (key.clone(), Value::F64(number)))
            .to_vec(),
    };
    let rows: Vec<Row> = ranges.iter().map(row).collect();
    let mut out = Vec::new();
    Writer::default().frame(&rows, &mut out);
    out
}

fn read_ranges(frames: &[u8]) -> Result<Vec<(String, Range)>, Corrupt> {
    let mut ranges = Vec::new();
    for frame in record::frames(frames) {
        frame?.each(|row| {
            let [(key, ValueRef::F64(least)), (_, ValueRef::F64(most)), (_, ValueRef::F64(sum))] =
                *row.values
            else {
                return;
            };
            let range = Range { count: row.step, least, most, sum };
            ranges.push((key.to_owned(), range));
        })?;
    }
    Ok(ranges)
}

fn merge(entries: &mut Vec<(String, u64, Value)>, digest: &Digest, limits: &Limits) -> bool {
    let places: HashMap<String, usize> =
        entries.iter().enumerate().map(|(place, (key, ..))| (key.clone(), place)).collect();
    let mut bytes: usize = entries.iter().map(|(key, _, value)| size(key, value)).sum();
    let mut fits = true;
    for key in &digest.keys {
        let place = places.get(&key.name).copied();
        let old = place.map(|place| &entries[place]);
        if old.is_some_and(|(_, step, _)| key.step < *step) {
            continue;
        }
        let others = bytes - old.map_or(0, |(name, _, value)| size(name, value));
        let room = limits.summary_bytes.saturating_sub(others + key.name.len() + VALUE_BYTES);
        let value = shortened(&key.last, limits.summary_text.min(room));
        fits &= room > 0;
        bytes = others + size(&key.name, &value);
        match place {
            Some(place) => entries[place] = (key.name.clone(), key.step, value),
            None if entries.len() < limits.summary_keys && room > 0 => {
                entries.push((key.name.clone(), key.step, value));
            }
            None => (bytes, fits) = (others, false),
        }
    }
    fits
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

/// Returns a long JSON object without its long members. The history keeps the whole object. The
/// outline of a histogram also has the number of bins and the ends of their range.
fn outline(json: &str) -> String {
    /// The most bytes of a member that stays, with its name.
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

fn entries(frames: &[u8]) -> Result<Vec<(String, u64, Value)>, Corrupt> {
    let rows = record::rows(frames)?.into_iter();
    Ok(rows
        .flat_map(|row| row.values.into_iter().map(move |(key, value)| (key, row.step, value)))
        .collect())
}

/// Writes the entries of a summary as frames. Neighbouring entries with the same step share a row,
/// and the keys keep their order.
fn frames(entries: &[(String, u64, Value)]) -> Vec<u8> {
    let shared = entries.chunk_by(|one, other| one.1 == other.1);
    let rows: Vec<Row> = shared
        .map(|chunk| Row {
            step: chunk[0].1,
            wall_ms: 0,
            values: chunk.iter().map(|(key, _, value)| (key.clone(), value.clone())).collect(),
        })
        .collect();
    let mut out = Vec::new();
    Writer::default().frame(&rows, &mut out);
    out
}

#[cfg(test)]
mod tests;
