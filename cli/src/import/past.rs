//! Records how far earlier imports of a run have read its files. The record consists of rows in the
//! run's stream `meta`, under the key `import`. An import writes these rows before the rows that
//! they describe. The module `send` uses this module, which never calls a controller.

use std::io;

use record::{Row, Value};
use serde_json::{Value as Json, json};

use super::source::{Part, Reader, Source, next_fitting};
use crate::stream::Stream;

/// The key of these rows in the stream `meta`.
const KEY: &str = "import";

/// A file with the length that an import has read, in bytes, and the hash of these bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    name: String,
    bytes: u64,
    hash: String,
}

/// The files of a run that earlier imports have read, in the order in which they were first read.
#[derive(Debug, Default)]
pub(super) struct Past {
    files: Vec<Known>,
    /// The first attempt whose history counts. History of earlier attempts does not count.
    pub(super) since: u32,
}

/// The relation of a source to the files that earlier imports of a run have read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// The source is another run.
    Other,
    /// The source has only some of the imported files and no other files. Each file is the same as
    /// when it was imported.
    Contained,
    /// The source has only imported files, and at least one is shorter than when it was imported.
    /// No stored hash fits a shorter file, so the import compares the values.
    Shorter,
    /// The source has all imported files and may have more. The source's history values begin with
    /// the imported values.
    Grown,
    /// The source has all imported files, with more bytes or further files, but its history values
    /// do not begin with the imported values. Steps were taken back, or an earlier file has grown.
    Rewritten,
}

impl Past {
    /// Returns whether no import has written to the run.
    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Adds the next row of the stream `meta`. `attempt` is the attempt that wrote the row.
    pub(super) fn take(&mut self, attempt: u32, row: &Row) {
        for (key, value) in &row.values {
            let Value::Json(text) = value else { continue };
            let Ok(said) = serde_json::from_str::<Json>(text) else { continue };
            if key != KEY {
                continue;
            }
            if said["anew"] == true {
                *self = Self { files: Vec::new(), since: attempt };
            }
            if let (Some(name), Some(bytes), Some(hash)) =
                (said["file"].as_str(), said["bytes"].as_u64(), said["blake3"].as_str())
            {
                let known = Known { name: name.to_owned(), bytes, hash: hash.to_owned() };
                match self.files.iter_mut().find(|file| file.name == name) {
                    Some(file) => *file = known,
                    None => self.files.push(known),
                }
            }
        }
    }

    /// Returns the rows of the stream `meta` that must be written before the values of these parts
    /// are sent. If `anew` is true, these parts replace everything that was imported. Fails if a
    /// file cannot be read.
    pub(super) fn rows(&self, parts: &[Part], anew: bool) -> io::Result<Vec<Row>> {
        let mut said = Vec::new();
        if anew {
            said.push(json!({ "anew": true }));
        }
        for part in parts {
            let known =
                Known { name: part.name.clone(), bytes: part.bytes, hash: part.hash(part.bytes)? };
            if anew || !self.files.contains(&known) {
                said.push(
                    json!({ "file": known.name, "bytes": known.bytes, "blake3": known.hash }),
                );
            }
        }
        let row = |said: Json| Row {
            step: 0,
            wall_ms: 0,
            values: vec![(KEY.to_owned(), Value::Json(said.to_string()))],
        };
        Ok(said.into_iter().map(row).collect())
    }

    /// Compares a source with what was imported. Fails if a file cannot be read.
    pub(super) fn relation(&self, source: &dyn Source) -> io::Result<Relation> {
        let parts = source.parts();
        let Some(then) = self.parts(parts)? else {
            return self.relation_of_some(parts);
        };
        let grown = then == parts || begins(&mut *source.open(&then)?, &mut *source.open(parts)?)?;
        Ok(if grown { Relation::Grown } else { Relation::Rewritten })
    }

    /// Returns the imported files with the lengths that they had at the last import. Returns `None`
    /// if an imported file is missing, is shorter, or does not begin with the imported bytes.
    fn parts(&self, parts: &[Part]) -> io::Result<Option<Vec<Part>>> {
        let mut then = Vec::new();
        for known in &self.files {
            let part =
                parts.iter().find(|part| part.name == known.name && part.bytes >= known.bytes);
            match part {
                Some(part) if part.hash(known.bytes)? == known.hash => {
                    then.push(Part { bytes: known.bytes, ..part.clone() });
                }
                _ => return Ok(None),
            }
        }
        Ok(Some(then))
    }

    /// Returns the relation of parts that do not have all the imported bytes.
    fn relation_of_some(&self, parts: &[Part]) -> io::Result<Relation> {
        let mut relation = Relation::Contained;
        for part in parts {
            match self.files.iter().find(|known| known.name == part.name) {
                Some(known) if known.bytes > part.bytes => relation = Relation::Shorter,
                Some(known)
                    if known.bytes == part.bytes && known.hash == part.hash(part.bytes)? => {}
                _ => return Ok(Relation::Other),
            }
        }
        Ok(relation)
    }
}

/// Returns whether the history values of `other` begin with all history values of `one`.
fn begins(one: &mut dyn Reader, other: &mut dyn Reader) -> io::Result<bool> {
    let (mut one, mut other) = (Values::of(one), Values::of(other));
    while let Some(value) = one.next()? {
        if !other.next()?.is_some_and(|found| is_same(&found, &value)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A history value with its row's step and time: step, milliseconds since the epoch, key, value.
pub(super) type Placed = (u64, i64, String, Value);

/// Iterates over the history values of a source one by one. The iterator does not return rows,
/// because the last row may get further values when the source grows.
pub(super) struct Values<'a> {
    reader: &'a mut dyn Reader,
    row: std::vec::IntoIter<Placed>,
}

impl<'a> Values<'a> {
    pub(super) fn of(reader: &'a mut dyn Reader) -> Self {
        Self { reader, row: Vec::new().into_iter() }
    }

    /// Returns the next value. Fails if a file cannot be read.
    pub(super) fn next(&mut self) -> io::Result<Option<Placed>> {
        loop {
            if let Some(value) = self.row.next() {
                return Ok(Some(value));
            }
            match next_fitting(self.reader)? {
                Some((Stream::History, row)) => self.row = placed(row),
                Some(_) => {}
                None => return Ok(None),
            }
        }
    }
}

/// Returns the values of a row, each with the row's step and time.
pub(super) fn placed(row: Row) -> std::vec::IntoIter<Placed> {
    let Row { step, wall_ms, values } = row;
    let values: Vec<Placed> =
        values.into_iter().map(|(key, value)| (step, wall_ms, key, value)).collect();
    values.into_iter()
}

/// Returns whether two values have the same step, time, key and value. Floats are compared by their
/// bits, so a NaN equals itself.
pub(super) fn is_same(one: &Placed, other: &Placed) -> bool {
    let same = match (&one.3, &other.3) {
        (Value::F64(one), Value::F64(other)) => one.to_bits() == other.to_bits(),
        (one, other) => one == other,
    };
    same && (one.0, one.1, &one.2) == (other.0, other.1, &other.2)
}
