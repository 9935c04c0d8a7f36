//! Digests an append: for each key, finds the last value, the number of rows, and the smallest and
//! the largest number. The summary of a run is the sum of the digests of its appends.
//! `app::rows::ingest` and the readers in `app::read` use this module. This module does no I/O: it
//! reads frames from memory and returns frames.

mod part;

use std::collections::HashMap;

use record::{Corrupt, RowRef, Value, ValueRef, Writer};
use serde_json::{Map, Value as Json};

use self::part::{Last, Part};
use super::{metrics::Metric, range::Range};
use crate::{
    settings::Limits,
    store::{listing::Logged, summaries::Stored},
};

/// The digest of some frames.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Digest {
    /// The number of rows in the frames.
    pub(crate) rows: u64,
    /// The largest step of the rows plus one; 0 if there are no rows.
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
        // This rounds an integer beyond 2^53. The stored row keeps the exact value.
        ValueRef::I64(number) => Some(number as f64),
        ValueRef::U64(number) => Some(number as f64),
        ValueRef::Bool(_) | ValueRef::Text(_) | ValueRef::Json(_) => None,
    }
}

/// The summary of a run: the last value of each key that the run logged, and the range of each
/// key's numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Summary {
    latest: Part<Last>,
    overlay: Part<Last>,
    ranges: Part<Range>,
    next_step: u64,
}

/// The writers of the parts of a stored summary. They work faster if they have written the summary
/// of the same run before.
#[derive(Debug, Default)]
pub(in crate::app) struct Writers {
    latest: Writer,
    overlay: Writer,
    ranges: Writer,
}

impl Summary {
    /// Reads a stored summary.
    ///
    /// # Errors
    /// Fails with [`Corrupt`] if the stored bytes are damaged.
    pub(crate) fn read(stored: &Stored) -> Result<Self, Corrupt> {
        Ok(Self {
            latest: Part::<Last>::read(&stored.latest)?,
            overlay: Part::<Last>::read(&stored.overlay)?,
            ranges: Part::<Range>::read(&stored.ranges)?,
            next_step: stored.next_step,
        })
    }

    /// Writes the summary in its stored form.
    pub(crate) fn write(&self) -> Stored {
        let (mut stored, mut writers) = (Stored::default(), Writers::default());
        self.write_history(&mut writers, &mut stored);
        self.write_summary(&mut writers, &mut stored);
        stored
    }

    /// Writes what [`Summary::add_history`] changes. Returns whether the stored form holds all of
    /// it, which it does within the default limits.
    pub(in crate::app) fn write_history(&self, writers: &mut Writers, stored: &mut Stored) -> bool {
        stored.next_step = self.next_step;
        stored.latest.clear();
        stored.ranges.clear();
        let are_ranges_whole = self.ranges.write(&mut writers.ranges, &mut stored.ranges);
        self.latest.write(&mut writers.latest, &mut stored.latest) && are_ranges_whole
    }

    /// Writes what [`Summary::add_summary`] changes. Returns whether the stored form holds all of
    /// it.
    pub(in crate::app) fn write_summary(&self, writers: &mut Writers, stored: &mut Stored) -> bool {
        stored.overlay.clear();
        self.overlay.write(&mut writers.overlay, &mut stored.overlay)
    }

    /// Adds rows of the stream `history`. Returns false if the summary has no room for a key.
    pub(crate) fn add_history(&mut self, digest: &Digest, limits: &Limits) -> bool {
        self.next_step = self.next_step.max(digest.next_step);
        for key in &digest.keys {
            if let Some((least, most)) = key.range {
                let range = Range { count: key.finite, least, most, sum: key.sum };
                self.ranges.add(&key.name, range, limits);
            }
        }
        take_all(&mut self.latest, digest, limits)
    }

    /// Adds rows of the stream `summary`. Returns false if the summary has no room for a key.
    pub(crate) fn add_summary(&mut self, digest: &Digest, limits: &Limits) -> bool {
        take_all(&mut self.overlay, digest, limits)
    }

    /// Returns the number of keys, each counted once for every part that holds it.
    pub(in crate::app) fn entries(&self) -> usize {
        self.latest.of.len() + self.overlay.of.len() + self.ranges.of.len()
    }

    /// Returns every key that was logged.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        let more = self.overlay.of.keys().filter(|key| !self.latest.of.contains_key(key.as_str()));
        self.latest.of.keys().chain(more).map(String::as_str)
    }

    /// Returns the last value of a key if the value is a finite number. The summary stream takes
    /// precedence over the history.
    pub(crate) fn number(&self, key: &str) -> Option<f64> {
        self.last(key).and_then(|value| finite(value.borrow()))
    }

    /// Returns whether the last value of a key is NaN or an infinity.
    pub(crate) fn is_beyond_numbers(&self, key: &str) -> bool {
        matches!(self.last(key), Some(Value::F64(number)) if !number.is_finite())
    }

    /// Returns the last value of a key. The summary stream takes precedence over the history.
    pub(crate) fn last(&self, key: &str) -> Option<&Value> {
        self.overlay.of.get(key).or_else(|| self.latest.of.get(key)).map(|last| &last.value)
    }

    /// Returns the summary for users: one JSON object, with each key summed up as the definitions
    /// in `metrics` say.
    pub(crate) fn to_json(&self, metrics: &[Metric]) -> Json {
        let mut all = Map::new();
        for (key, Last { value, .. }) in &self.latest.of {
            let Some(metric) = Metric::of(metrics, key) else {
                all.insert(key.clone(), record::json::to_json(value));
                continue;
            };
            if metric.keeps_last() {
                all.insert(key.clone(), record::json::to_json(value));
            }
            if let Some(range) = self.ranges.of.get(key) {
                for (name, number) in metric.aggregates(range) {
                    all.insert(format!("{key}.{name}"), record::json::to_json(&Value::F64(number)));
                }
            }
        }
        let said = self.overlay.of.iter();
        all.extend(said.map(|(key, last)| (key.clone(), record::json::to_json(&last.value))));
        Json::Object(all)
    }
}

/// Returns the value that [`Summary::to_json`] shows under a key. `KEY.min`, `KEY.max` and
/// `KEY.mean` mean the range of a key of the history, whether the run's program asked for it or
/// not. This function decodes only the needed parts of the stored summary.
///
/// # Errors
/// Fails with [`Corrupt`] if the stored bytes are damaged.
pub(in crate::app) fn value(
    logged: Logged<'_>,
    metrics: &[Metric],
    key: &str,
) -> Result<Option<Value>, Corrupt> {
    if let Some(said) = part::last(logged.overlay, key)? {
        return Ok(Some(said));
    }
    if let Some((base, way)) = key.rsplit_once('.')
        && let Some(metric) = Metric::of(metrics, base)
        && let Some(range) = part::range(logged.ranges, base)?
        && let Some((_, number)) =
            metric.aggregates(&range).into_iter().find(|(known, _)| *known == way)
    {
        return Ok(Some(Value::F64(number)));
    }
    if Metric::of(metrics, key).is_some_and(|metric| !metric.keeps_last()) {
        return Ok(None);
    }
    let last = part::last(logged.latest, key)?;
    match key.rsplit_once('.') {
        Some((base, way)) if last.is_none() => {
            let range = part::range(logged.ranges, base)?;
            Ok(range.and_then(|range| range.summed_up(way)).map(Value::F64))
        }
        _ => Ok(last),
    }
}

/// Returns every key of a stored summary with its last value, and whether the history holds it.
///
/// # Errors
/// Fails with [`Corrupt`] if the stored bytes are damaged.
pub(in crate::app) fn last_values(
    logged: Logged<'_>,
) -> Result<Vec<(String, Value, bool)>, Corrupt> {
    let latest = Part::<Last>::read(logged.latest)?;
    let mut said = Part::<Last>::read(logged.overlay)?;
    let mut all = Vec::new();
    for (key, last) in latest.of {
        let value = said.of.shift_remove(&key).map_or(last.value, |said| said.value);
        all.push((key, value, true));
    }
    all.extend(said.of.into_iter().map(|(key, said)| (key, said.value, false)));
    Ok(all)
}

/// Takes over the last value of each key. Returns false if the part has no room for a key.
fn take_all(part: &mut Part<Last>, digest: &Digest, limits: &Limits) -> bool {
    let took = digest.keys.iter().map(|key| part.take(&key.name, key.step, &key.last, limits));
    took.fold(true, |all, took| all & took)
}

#[cfg(test)]
mod tests;
