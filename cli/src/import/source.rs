//! Defines what every importer provides: the runs that it finds ([`Source`]) and a reader of each
//! run's rows ([`Reader`]). `sweep import` surveys the runs ([`Found`]) and sends them. This module
//! never calls a controller.

use std::{
    collections::{BTreeMap, HashSet},
    fs::{self, File},
    io::{self, BufReader, Read as _, Take},
    path::PathBuf,
};

use proto::v1::Outcome;
use record::{MAX_FRAME_BYTES, MAX_KEY_BYTES, MAX_TEXT_BYTES, Row, Value};
use serde_json::{Map, Value as Json};

use crate::stream::Stream;

/// The size limit of a row in bytes. The limit leaves room for the frame's own bytes, so that every
/// row fits into a frame. A larger row loses the values that do not fit.
const ROW_BYTES: usize = MAX_FRAME_BYTES - (64 << 10);
/// The most bytes that a value needs beside its key and its text.
const VALUE_BYTES: usize = 32;

/// The name, the config and the labels of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct About {
    pub(crate) project: String,
    pub(crate) name: String,
    pub(crate) config: Map<String, Json>,
    pub(crate) tags: Vec<String>,
    pub(crate) notes: String,
    pub(crate) group: String,
    pub(crate) job_type: String,
    /// The definitions of metrics, in the form of the SDK.
    pub(crate) metrics: Vec<Json>,
}

/// What an importer left out, by kind, and notes about the source for the user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Losses {
    /// The number of skipped records of each kind, such as `image`.
    pub(crate) skipped: BTreeMap<&'static str, u64>,
    /// Sentences for the user, such as that a file ends within a record.
    pub(crate) notes: Vec<String>,
}

impl Losses {
    /// Counts one more skipped record of this kind.
    pub(crate) fn skip(&mut self, what: &'static str) {
        *self.skipped.entry(what).or_default() += 1;
    }
}

/// Reads the rows of one run in the order in which they were written. A second reader gives the
/// same rows. If the source has grown, a new reader gives the earlier values first, unless the new
/// part takes some of them back.
pub(crate) trait Reader {
    /// Returns the next row, or `None` at the end. Damage is not an error: the reader gives what is
    /// intact and reports the rest in its losses. Fails if a file cannot be read.
    fn next(&mut self) -> io::Result<Option<(Stream, Row)>>;

    /// Returns the files of the rows that [`Reader::next`] has read since this was called last. A
    /// reader may forget those that nobody has asked for.
    fn files(&mut self) -> Vec<Attached> {
        Vec::new()
    }

    /// Returns the versions of artifacts that [`Reader::next`] has come across since the last call,
    /// like [`Reader::files`].
    fn versions(&mut self) -> Vec<Version> {
        Vec::new()
    }

    /// Returns what was left out so far.
    fn losses(&mut self) -> &mut Losses;

    /// Returns the run's name and config, as far as they were read.
    fn about(&self) -> &About;

    /// Returns how the run ended, as far as it was read.
    fn outcome(&self) -> Outcome;
}

/// A file that belongs to the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attached {
    /// The path in the run.
    pub(crate) path: String,
    /// The kind of the file, such as `image`.
    pub(crate) kind: &'static str,
    /// The content.
    pub(crate) content: Content,
}

/// Where the content of a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Bytes(Vec<u8>),
    File(PathBuf),
}

/// A version of an artifact that the run logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) name: String,
    /// The type of the artifact, such as `model`.
    pub(crate) kind: String,
    /// A JSON object; empty if there is none.
    pub(crate) metadata: String,
    pub(crate) aliases: Vec<String>,
    pub(crate) entries: Vec<Entry>,
}

/// One path of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The path in the artifact.
    pub(crate) path: String,
    pub(crate) origin: Origin,
}

/// Where the content of an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    File(PathBuf),
    /// Outside Besom. `digest` identifies the data, if the program has looked at them.
    Reference {
        url: String,
        digest: Option<String>,
    },
}

/// A file of a source, up to the length that it had when it was found. The programs that write such
/// files only append to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// The name that distinguishes the part from the other parts of its source. The name does not
    /// depend on the folder, except for a W&B file without a start time.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
}

impl Part {
    /// Creates a part of the file with the file's present size. Fails if its metadata cannot be
    /// read.
    pub(crate) fn of(path: PathBuf, name: String) -> io::Result<Self> {
        let bytes = fs::metadata(&path)?.len();
        Ok(Self { name, path, bytes })
    }

    /// Opens the file. The reader ends at the length that the file had when the importer found it.
    /// Fails if the file cannot be opened.
    pub(crate) fn open(&self) -> io::Result<BufReader<Take<File>>> {
        Ok(BufReader::with_capacity(256 << 10, File::open(&self.path)?.take(self.bytes)))
    }

    /// Returns the hash of the first `bytes` bytes. Fails if the file cannot be read.
    pub(crate) fn hash(&self, bytes: u64) -> io::Result<String> {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(File::open(&self.path)?.take(bytes))?;
        Ok(hasher.finalize().to_hex().to_string())
    }

    /// Returns whether one of `others` has the same name as this part and begins with all its
    /// bytes.
    fn begins(&self, others: &[Part]) -> io::Result<bool> {
        match others.iter().find(|other| other.name == self.name && other.bytes >= self.bytes) {
            Some(other) => Ok(self.hash(self.bytes)? == other.hash(self.bytes)?),
            None => Ok(false),
        }
    }
}

/// A run in the files of another program. It can be read any number of times.
pub(crate) trait Source {
    /// Returns the run's files, in the order in which they are read.
    fn parts(&self) -> &[Part];

    /// Opens a reader of `parts`, which are the source's own parts, or these parts as they were at
    /// an earlier time. Fails if a file cannot be read.
    fn open(&self, parts: &[Part]) -> io::Result<Box<dyn Reader>>;

    /// Returns the folder or file to show to the user.
    fn path(&self) -> PathBuf;

    /// Returns bytes that identify the run and do not depend on its folder. Different runs may have
    /// the same bytes; the importer then compares their contents. Fails if a file cannot be read.
    fn identity(&self) -> io::Result<Vec<u8>>;

    /// Returns the id that the run has in the source; `None` if it has none.
    fn id(&self) -> Option<&str>;

    /// Returns the name of the source's program, which becomes the writer of its rows.
    fn writer(&self) -> &'static str;
}

/// A run that an importer has found, and the result of its survey.
pub(crate) struct Found {
    pub(crate) source: Box<dyn Source>,
    pub(crate) about: About,
    pub(crate) outcome: Outcome,
    pub(crate) losses: Losses,
    /// The number of rows of its history.
    pub(crate) rows: u64,
    /// The number of keys of its history.
    pub(crate) keys: usize,
    /// The smallest and the largest time of its rows, of any stream, in milliseconds since the
    /// epoch; `None` if it has no rows.
    pub(crate) times: Option<(i64, i64)>,
}

impl Found {
    /// Reads a source from start to end without keeping its rows. Fails if a file cannot be read.
    pub(crate) fn survey(source: Box<dyn Source>) -> io::Result<Self> {
        let mut reader = source.open(source.parts())?;
        let (mut rows, mut keys, mut times) = (0, HashSet::new(), None);
        while let Some((stream, row)) = next_fitting(&mut *reader)? {
            let (first, last) = times.unwrap_or((row.wall_ms, row.wall_ms));
            times = Some((row.wall_ms.min(first), row.wall_ms.max(last)));
            if stream != Stream::History {
                continue;
            }
            rows += 1;
            for (key, _) in row.values {
                keys.insert(key);
            }
        }
        let (about, outcome) = (reader.about().clone(), reader.outcome());
        let losses = reader.losses().clone();
        Ok(Self { source, about, outcome, losses, rows, keys: keys.len(), times })
    }

    /// Returns the key by which a later import finds the run again. The key is the same for the
    /// same run in the same project, whoever imports it from whatever folder. Different runs may
    /// share a key. Fails if a file cannot be read.
    pub(crate) fn key(&self) -> io::Result<String> {
        let mut hash = blake3::Hasher::new();
        for part in [
            self.source.writer().as_bytes(),
            self.about.project.as_bytes(),
            &self.source.identity()?,
        ] {
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Ok(format!("import-{}", hash.finalize().to_hex()))
    }

    /// Returns whether `other` has a file of the same name for each file of this run, and that file
    /// begins with the same bytes. Fails if a file cannot be read.
    pub(crate) fn is_copy_of(&self, other: &Self) -> io::Result<bool> {
        for part in self.source.parts() {
            if !part.begins(other.source.parts())? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Returns the next row that has a value. Removes the values that Besom's rows cannot hold and
/// counts them as losses. The remaining row always fits into a frame, so no later step drops a
/// value. Therefore a count of values shows where an earlier import ended. Fails if a file cannot
/// be read.
pub(crate) fn next_fitting(reader: &mut dyn Reader) -> io::Result<Option<(Stream, Row)>> {
    while let Some((stream, mut row)) = reader.next()? {
        let losses = reader.losses();
        let mut room = ROW_BYTES;
        row.values.retain_mut(|(key, value)| {
            let fits = key.len() <= MAX_KEY_BYTES && fit(value, losses);
            let bytes = VALUE_BYTES + key.len() + text_bytes(value);
            let kept = fits && bytes <= room;
            if kept {
                room -= bytes;
            } else {
                losses.skip("oversized value");
            }
            kept
        });
        if !row.values.is_empty() {
            return Ok(Some((stream, row)));
        }
    }
    Ok(None)
}

fn text_bytes(value: &Value) -> usize {
    match value {
        Value::Text(text) | Value::Json(text) => text.len(),
        Value::F64(_) | Value::I64(_) | Value::U64(_) | Value::Bool(_) => 0,
    }
}

/// Shortens a text that is too long for a value, and counts its end as a loss. Returns false for a
/// JSON value that is too long, because shortened JSON would be invalid.
fn fit(value: &mut Value, losses: &mut Losses) -> bool {
    match value {
        Value::Text(text) if text.len() > MAX_TEXT_BYTES => {
            losses.skip("end of a long text");
            text.truncate(record::shortened(text).len());
            true
        }
        Value::Json(text) => text.len() <= MAX_TEXT_BYTES,
        _ => true,
    }
}
