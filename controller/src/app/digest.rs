//! What an append says, in short: for each key its last value, how often it was logged, its smallest and its largest; and
//! the summary of a run that such digests add up to. Used by `app::ingest` and `app::views`. Pure: frames in, frames out.

use std::collections::HashMap;

use record::{Corrupt, Row, RowRef, Value, ValueRef, Writer};
use serde_json::{Map, Value as Json};

use super::text::cut;
use crate::{settings::Limits, store::summaries::Stored};

/// What some frames say.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Digest {
    /// Rows.
    pub(crate) rows: u64,
    /// Keys in the order in which they first appear.
    pub(crate) keys: Vec<Key>,
}

/// What some frames say of one key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Key {
    /// Its name.
    pub(crate) name: String,
    /// The highest step that it was logged at.
    pub(crate) step: u64,
    /// Its last value at that step.
    pub(crate) last: Value,
    /// How many rows hold it.
    pub(crate) rows: u64,
    /// How many rows hold it as a finite number.
    pub(crate) finite: u64,
    /// Its smallest and largest finite number.
    pub(crate) range: Option<(f64, f64)>,
}

impl Digest {
    /// Reads frames, and so checks every byte of them.
    ///
    /// # Errors
    /// [`Corrupt`] at the first frame that is torn or bad.
    pub(crate) fn of(frames: &[u8]) -> Result<Self, Corrupt> {
        let mut digest = Self::default();
        let mut places = HashMap::new();
        for frame in record::frames(frames) {
            frame?.each(|row| digest.add(row, &mut places))?;
        }
        Ok(digest)
    }

    /// The number of rows alone; checks every byte as well. For streams whose values nobody sums up.
    ///
    /// # Errors
    /// [`Corrupt`] at the first frame that is torn or bad.
    pub(crate) fn count(frames: &[u8]) -> Result<Self, Corrupt> {
        let mut rows = 0;
        for frame in record::frames(frames) {
            frame?.each(|_| rows += 1)?;
        }
        Ok(Self { rows, keys: Vec::new() })
    }

    /// What is said of one key.
    pub(crate) fn key(&self, name: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    fn add(&mut self, row: RowRef<'_>, places: &mut HashMap<String, usize>) {
        self.rows += 1;
        for (name, value) in row.values {
            let place = places.get(*name).copied().unwrap_or_else(|| {
                places.insert((*name).to_owned(), self.keys.len());
                let last = value.to_value();
                let name = (*name).to_owned();
                self.keys.push(Key { name, step: row.step, last, rows: 0, finite: 0, range: None });
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
                let (least, most) = key.range.unwrap_or((number, number));
                key.range = Some((least.min(number), most.max(number)));
            }
        }
    }
}

/// A number that can be compared; booleans and texts are none.
pub(super) fn finite(value: ValueRef<'_>) -> Option<f64> {
    match value {
        ValueRef::F64(number) => Some(number).filter(|number| number.is_finite()),
        // A metric beyond 2^53 is rounded here; its exact value is in the history.
        ValueRef::I64(number) => Some(number as f64),
        ValueRef::Bool(_) | ValueRef::Text(_) | ValueRef::Json(_) => None,
    }
}

/// The last value of each key that a run logged.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Summary {
    latest: Vec<(String, u64, Value)>,
    overlay: Vec<(String, u64, Value)>,
}

impl Summary {
    /// As it was stored.
    ///
    /// # Errors
    /// [`Corrupt`] when the stored bytes are damaged.
    pub(crate) fn read(stored: &Stored) -> Result<Self, Corrupt> {
        Ok(Self { latest: entries(&stored.latest)?, overlay: entries(&stored.overlay)? })
    }

    /// As it is stored.
    pub(crate) fn write(&self) -> Stored {
        Stored { latest: frames(&self.latest), overlay: frames(&self.overlay) }
    }

    /// Adds rows of history. False when a key found no room.
    pub(crate) fn add_history(&mut self, digest: &Digest, limits: &Limits) -> bool {
        merge(&mut self.latest, digest, limits)
    }

    /// Adds rows of the summary stream. False when a key found no room.
    pub(crate) fn add_summary(&mut self, digest: &Digest, limits: &Limits) -> bool {
        merge(&mut self.overlay, digest, limits)
    }

    /// Every key that was logged.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        let more =
            self.overlay.iter().filter(|(key, ..)| !self.latest.iter().any(|(known, ..)| known == key));
        self.latest.iter().chain(more).map(|(key, ..)| key.as_str())
    }

    /// The last value of a key, where it is a finite number; the summary stream comes before history.
    pub(crate) fn number(&self, key: &str) -> Option<f64> {
        let entries = self.overlay.iter().chain(&self.latest);
        let (.., value) = entries.into_iter().find(|(known, ..)| known == key)?;
        match value {
            Value::F64(number) => Some(*number).filter(|number| number.is_finite()),
            Value::I64(number) => Some(*number as f64),
            Value::Bool(_) | Value::Text(_) | Value::Json(_) => None,
        }
    }

    /// For people: one JSON object.
    pub(crate) fn to_json(&self) -> Json {
        let all = self.latest.iter().chain(&self.overlay);
        Json::Object(
            all.map(|(key, _, value)| (key.clone(), record::json::to_json(value))).collect::<Map<_, _>>(),
        )
    }
}

fn merge(entries: &mut Vec<(String, u64, Value)>, digest: &Digest, limits: &Limits) -> bool {
    let places: HashMap<String, usize> =
        entries.iter().enumerate().map(|(place, (key, ..))| (key.clone(), place)).collect();
    let mut fits = true;
    for key in &digest.keys {
        let value = shortened(&key.last, limits.summary_text);
        match places.get(&key.name) {
            Some(place) if key.step >= entries[*place].1 => {
                entries[*place] = (key.name.clone(), key.step, value)
            }
            Some(_) => {}
            None if entries.len() < limits.summary_keys => entries.push((key.name.clone(), key.step, value)),
            None => fits = false,
        }
    }
    fits
}

fn shortened(value: &Value, bytes: usize) -> Value {
    match value {
        Value::Text(text) if text.len() > bytes => Value::Text(format!("{}…", cut(text, bytes))),
        // Half a JSON is none; the history has all of it.
        Value::Json(text) if text.len() > bytes => Value::Json(r#"{"_type":"cut"}"#.to_owned()),
        other => other.clone(),
    }
}

fn entries(frames: &[u8]) -> Result<Vec<(String, u64, Value)>, Corrupt> {
    let rows = record::rows(frames)?.into_iter();
    Ok(rows.flat_map(|row| row.values.into_iter().map(move |(key, value)| (key, row.step, value))).collect())
}

/// Neighbours that share a step share a row; the order of the keys stays.
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
mod tests {
    use super::*;

    fn digest(rows: &[(u64, &str, Value)]) -> Digest {
        let rows: Vec<Row> = rows
            .iter()
            .map(|(step, key, value)| Row {
                step: *step,
                wall_ms: 0,
                values: vec![((*key).to_owned(), value.clone())],
            })
            .collect();
        let mut frames = Vec::new();
        Writer::default().frame(&rows, &mut frames);
        Digest::of(&frames).unwrap()
    }

    #[test]
    fn the_highest_step_wins_and_later_rows_win_ties() {
        let digest = digest(&[
            (3, "loss", Value::F64(0.3)),
            (1, "loss", Value::F64(0.1)),
            (3, "loss", Value::F64(0.4)),
            (2, "loss", Value::F64(f64::NAN)),
        ]);
        let key = digest.key("loss").unwrap();
        assert_eq!((key.step, &key.last, key.range), (3, &Value::F64(0.4), Some((0.1, 0.4))));
        assert_eq!((key.rows, key.finite), (4, 3));
    }

    #[test]
    fn booleans_and_what_is_not_finite_have_no_range() {
        let digest = digest(&[(0, "ok", Value::Bool(true)), (0, "bad", Value::F64(f64::INFINITY))]);
        assert!(digest.keys.iter().all(|key| key.range.is_none()));
    }

    #[test]
    fn a_summary_survives_the_store_bit_by_bit() {
        let mut summary = Summary::default();
        let limits = Limits::default();
        let nan = f64::from_bits(0x7ff8_0000_0000_0001);
        let rows =
            [(7, "nan", Value::F64(nan)), (7, "zero", Value::F64(-0.0)), (9, "n", Value::I64(i64::MIN))];
        assert!(summary.add_history(&digest(&rows), &limits));
        assert!(summary.add_summary(&digest(&[(0, "n", Value::Text("over".to_owned()))]), &limits));
        let back = Summary::read(&summary.write()).unwrap();
        let bits = |summary: &Summary| match summary.latest[0].2 {
            Value::F64(number) => number.to_bits(),
            _ => 0,
        };
        assert_eq!(bits(&back), nan.to_bits());
        assert_eq!(back.to_json().to_string(), r#"{"nan":"NaN","zero":-0.0,"n":"over"}"#);
        assert_eq!(back.keys().collect::<Vec<_>>(), ["nan", "zero", "n"]);
    }

    #[test]
    fn a_summary_has_bounds() {
        let limits = Limits { summary_keys: 1, summary_text: 4, ..Limits::default() };
        let mut summary = Summary::default();
        let rows = [(0, "a", Value::Text("ééééé".to_owned())), (0, "b", Value::I64(1))];
        assert!(!summary.add_history(&digest(&rows), &limits));
        assert_eq!(summary.to_json().to_string(), r#"{"a":"éé…"}"#);
    }
}
