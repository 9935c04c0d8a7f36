//! What an importer finds, whatever wrote it: runs, and for each a reader of its rows. The readers
//! implement [`Reader`]; the command surveys them ([`Found`]) and sends them. Nothing here speaks
//! to a controller.

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

/// A row larger than this is cut: it must fit into a frame with what the frame adds.
const ROW_BYTES: usize = MAX_FRAME_BYTES - (64 << 10);
/// The most that a value takes beside its key and its text.
const VALUE_BYTES: usize = 32;

/// What a run is called and was given. Times are in milliseconds since the epoch.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct About {
    pub(crate) project: String,
    pub(crate) name: String,
    pub(crate) config: Map<String, Json>,
    pub(crate) tags: Vec<String>,
    pub(crate) notes: String,
    pub(crate) group: String,
    pub(crate) job_type: String,
}

/// What was left out, by what it is, and what a person should know of the source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Losses {
    /// Number per kind: `image`.
    pub(crate) skipped: BTreeMap<&'static str, u64>,
    /// Sentences, such as that a file ends within a record.
    pub(crate) notes: Vec<String>,
}

impl Losses {
    /// One more of this kind is left out.
    pub(crate) fn skip(&mut self, what: &'static str) {
        *self.skipped.entry(what).or_default() += 1;
    }
}

/// Gives the rows of one run in the order in which they were written. Read again, a source gives
/// the same rows, and of a source that has grown the values that it gave before come first.
pub(crate) trait Reader {
    /// The next row; `None` at the end. Damage is no error: what is whole is given, and the rest is
    /// in the losses.
    ///
    /// # Errors
    /// When a file cannot be read.
    fn next(&mut self) -> io::Result<Option<(Stream, Row)>>;

    /// What was left out so far.
    fn losses(&mut self) -> &mut Losses;

    /// What the run is called and was given, as far as was read.
    fn about(&self) -> &About;

    /// How it ended, as far as was read.
    fn outcome(&self) -> Outcome;
}

/// A file of a source, as far as it was written when it was found. Whoever writes such files only
/// adds to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// What tells it from the other parts of its source, wherever they lie.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
}

impl Part {
    /// # Errors
    /// When the file cannot be looked at.
    pub(crate) fn of(path: PathBuf, name: String) -> io::Result<Self> {
        let bytes = fs::metadata(&path)?.len();
        Ok(Self { name, path, bytes })
    }

    /// Its bytes; what has been added since is none of them.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub(crate) fn open(&self) -> io::Result<BufReader<Take<File>>> {
        Ok(BufReader::with_capacity(256 << 10, File::open(&self.path)?.take(self.bytes)))
    }

    /// The hash of its first bytes.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn hash(&self, bytes: u64) -> io::Result<String> {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(File::open(&self.path)?.take(bytes))?;
        Ok(hasher.finalize().to_hex().to_string())
    }

    /// Whether a part of another source begins with all of this one.
    fn begins(&self, others: &[Part]) -> io::Result<bool> {
        match others.iter().find(|other| other.name == self.name && other.bytes >= self.bytes) {
            Some(other) => Ok(self.hash(self.bytes)? == other.hash(self.bytes)?),
            None => Ok(false),
        }
    }
}

/// A run that can be read, again and again.
pub(crate) trait Source {
    /// Its files, in the order in which they are read.
    fn parts(&self) -> &[Part];

    /// Begins to read: its parts, or what there was of them at an earlier time.
    ///
    /// # Errors
    /// When a file cannot be read.
    fn open(&self, parts: &[Part]) -> io::Result<Box<dyn Reader>>;

    /// The folder or file, for people.
    fn path(&self) -> PathBuf;

    /// The same for the same run, wherever its folder lies. Other runs may have it too: content
    /// decides.
    ///
    /// # Errors
    /// When a file cannot be read.
    fn identity(&self) -> io::Result<Vec<u8>>;

    /// The id that the run has there.
    fn id(&self) -> Option<&str>;

    /// Who wrote it, in a word: the name of the writer of its rows.
    fn writer(&self) -> &'static str;
}

/// A run and what it holds.
pub(crate) struct Found {
    pub(crate) source: Box<dyn Source>,
    pub(crate) about: About,
    pub(crate) outcome: Outcome,
    pub(crate) losses: Losses,
    /// Of its history.
    pub(crate) rows: u64,
    /// Of its history.
    pub(crate) keys: usize,
    /// When its first and its last row were written, if it has rows.
    pub(crate) times: Option<(i64, i64)>,
}

impl Found {
    /// Reads a source from its beginning to its end and keeps no row.
    ///
    /// # Errors
    /// When a file cannot be read.
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

    /// By this key a run is found again: the same for the same run in the same project, whoever
    /// imports it from wherever. Runs that share it have different contents.
    ///
    /// # Errors
    /// When a file cannot be read.
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

    /// Whether the other one has everything that this one has, byte by byte.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub(crate) fn is_copy_of(&self, other: &Self) -> io::Result<bool> {
        for part in self.source.parts() {
            if !part.begins(other.source.parts())? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The next row that has a value, without what no row of ours can hold, which counts as lost. What
/// is left always fits into a frame, so that a count of values is enough to find the place where an
/// earlier import ended.
///
/// # Errors
/// When a file cannot be read.
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

/// Cuts a text; half a JSON would be none.
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
