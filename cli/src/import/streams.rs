//! Sends the rows and files of one run that is imported. `send` calls this module. It skips what
//! earlier imports have sent, and begins the run's next attempt if the run has ended.

use std::{
    collections::{HashMap, HashSet},
    mem,
};

use proto::v1::{AppendRows, BeginRun, Run};
use record::{Row, Value, Writer};
use serde_json::Value as Json;
use terminal::{Exit, Failure};

use super::{
    artifacts,
    calls::{call, each, introduction, unreadable},
    files,
    past::{Past, Relation},
    source::{Attached, Found, Version},
};
use crate::{connect, connect::Controller, stream::Stream};

/// The size at which an append is sent, in bytes: far below the controller's limit.
const APPEND_BYTES: usize = 1 << 20;
/// The stream where an import records what it has read.
pub(super) const META: &str = "meta";
/// The stream of the run's files.
const FILES: &str = "files";

/// The controller's run for a source, and its relation to the source.
pub(super) struct Known {
    pub(super) run: Run,
    pub(super) key: String,
    pub(super) past: Past,
    pub(super) relation: Relation,
}

/// The state of one stream of the run.
#[derive(Default)]
pub(super) struct Tail {
    /// The number of rows of the stream that the controller has from this attempt and writer;
    /// `None` before the first append.
    offset: Option<u64>,
    /// The number of the source's values that earlier imports have stored and that were not skipped
    /// yet.
    stored: u64,
    /// The last row that earlier imports have stored; `None` if there is none.
    last: Option<Row>,
    encoder: Writer,
    frames: Vec<u8>,
    /// The number of rows in `frames` and in the encoder.
    waiting: u64,
}

impl Tail {
    /// Removes the stored values from the row and returns whether no value is left. A summary row
    /// is not changed: the result says whether its values equal the stored ones.
    pub(super) fn skip(&mut self, stream: Stream, row: &mut Row) -> bool {
        if stream == Stream::Summary {
            // A source has one summary, and it changes when the source grows.
            return self.last.as_ref().is_some_and(|last| same_values(last, row));
        }
        let values = usize::try_from(self.stored).unwrap_or(usize::MAX).min(row.values.len());
        self.stored -= values as u64;
        row.values.drain(..values);
        row.values.is_empty()
    }
}

/// Compares the values of two rows by their encoded bytes, so NaN equals NaN.
fn same_values(one: &Row, other: &Row) -> bool {
    let [one, other] = [one, other].map(|row| {
        let mut frames = Vec::new();
        let row = Row { values: row.values.clone(), ..Row::default() };
        Writer::default().frame(&[row], &mut frames);
        frames
    });
    one == other
}

/// The streams of a run, as far as an import has sent them.
pub(super) struct Streams<'a> {
    controller: &'a Controller,
    found: &'a Found,
    pub(super) run: String,
    pub(super) attempt: u32,
    key: String,
    past: Past,
    /// Whether the attempt is running and may write.
    is_live: bool,
    /// Whether the import replaces the rows of earlier imports.
    anew: bool,
    /// Whether this import has recorded what it is going to send.
    is_open: bool,
    of: HashMap<Stream, Tail>,
    /// The paths and hashes of the run's files; `None` until they are needed.
    known: Option<HashSet<(String, String)>>,
    /// The names and digests of the artifacts that the run has made; `None` until they are needed.
    made: Option<HashSet<(String, String)>>,
}

impl<'a> Streams<'a> {
    /// Prepares to send a run, and sends nothing yet.
    pub(super) fn new(controller: &'a Controller, found: &'a Found, known: Known) -> Self {
        let Known { run, key, past, relation } = known;
        Self {
            controller,
            found,
            is_live: run.state == "running",
            run: run.id,
            attempt: run.attempt,
            key,
            past,
            anew: relation == Relation::Rewritten,
            is_open: false,
            of: HashMap::new(),
            known: None,
            made: None,
        }
    }

    /// Prepares the run for rows. Begins the next attempt, unless the present one is running and
    /// its rows stay. Records the files that the rows come from.
    pub(super) async fn open(&mut self) -> Result<(), Failure> {
        if !self.is_live || self.anew {
            let resume = if self.anew { "anew" } else { "must" };
            let message = BeginRun {
                id: self.run.clone(),
                resume: resume.to_owned(),
                idempotency_key: format!("{}-after-{}", self.key, self.attempt),
                ..introduction(self.found)
            };
            let begun = call(self.controller, message).await;
            self.attempt = begun.map_err(|status| self.controller.failure(&status))?.attempt;
        }
        let rows = self.past.rows(self.found.source.parts(), self.anew);
        let mut rows = rows.map_err(|error| unreadable(self.found, &error))?;
        let definition = |said: &Json| Row {
            values: vec![("metric".to_owned(), Value::Json(said.to_string()))],
            ..Row::default()
        };
        rows.extend(self.found.about.metrics.iter().map(definition));
        let mut frames = Vec::new();
        Writer::default().frame(&rows, &mut frames);
        let offset = self.append(META, 0, Vec::new()).await?;
        self.append(META, offset, frames).await?;
        self.is_open = true;
        Ok(())
    }

    /// Returns the stream's tail. The first call for a stream reads the stored rows from the
    /// controller.
    pub(super) async fn tail(&mut self, stream: Stream) -> Result<&mut Tail, Failure> {
        if !self.of.contains_key(&stream) {
            let tail = self.read_back(stream).await?;
            self.of.insert(stream, tail);
        }
        Ok(self.of.entry(stream).or_default())
    }

    /// Counts the values of the stream that earlier imports have stored.
    async fn read_back(&self, stream: Stream) -> Result<Tail, Failure> {
        let mut tail = Tail::default();
        // A restart never takes back console lines or system metrics, so those of all attempts
        // count.
        let goes_on = matches!(stream, Stream::Console | Stream::System);
        let since = if goes_on { 0 } else { self.past.since };
        if self.anew && !goes_on {
            return Ok(tail);
        }
        each(self.controller, self.found, &self.run, stream.name(), |block, row| {
            if block.attempt >= since {
                tail.stored += row.values.len() as u64;
                tail.last = Some(row);
            }
            true
        })
        .await?;
        Ok(tail)
    }

    /// Sends files and artifacts of the run, except those that it has.
    pub(super) async fn attach(
        &mut self,
        files: Vec<Attached>,
        versions: Vec<Version>,
    ) -> Result<(), Failure> {
        for file in files {
            self.keep(file).await?;
        }
        for version in versions {
            self.log(version).await?;
        }
        Ok(())
    }

    /// Sends a file of the run, unless the run has it.
    async fn keep(&mut self, file: Attached) -> Result<(), Failure> {
        if self.known.is_none() {
            let (controller, run) = (self.controller, &self.run);
            self.known = Some(files::known(controller, run).await?);
        }
        let sent = files::send(self.controller, &file).await?;
        let known = self.known.get_or_insert_default();
        if !known.insert((sent.path.clone(), sent.sha256.clone())) {
            return Ok(());
        }
        self.announce(sent.to_row(0, self.wall_ms())).await
    }

    /// Sends a version of an artifact, unless the run has made it.
    async fn log(&mut self, version: Version) -> Result<(), Failure> {
        if self.made.is_none() {
            self.made = Some(artifacts::known(self.controller, &self.run).await?);
        }
        let sent = artifacts::send(self.controller, version).await?;
        if !self.made.get_or_insert_default().insert((sent.name.clone(), sent.digest.clone())) {
            return Ok(());
        }
        let values = sent.values().into_iter().map(|(key, value)| (key.to_owned(), value));
        let values = values.collect();
        self.announce(Row { step: 0, wall_ms: self.wall_ms(), values }).await
    }

    /// Returns the time of the run's last row, or 0 if it has no rows.
    fn wall_ms(&self) -> i64 {
        self.found.times.map_or(0, |(_, last)| last)
    }

    /// Sends a row that names a content.
    async fn announce(&mut self, row: Row) -> Result<(), Failure> {
        if !self.is_open {
            self.open().await?;
        }
        let mut frames = Vec::new();
        Writer::default().frame(&[row], &mut frames);
        let offset = self.append(FILES, 0, Vec::new()).await?;
        self.append(FILES, offset, frames).await?;
        Ok(())
    }

    /// Adds a row to a stream. Sends the waiting rows if there are many.
    pub(super) async fn push(&mut self, stream: Stream, row: &Row) -> Result<(), Failure> {
        if !self.is_open {
            self.open().await?;
        }
        let tail = self.tail(stream).await?;
        let values = row.values.iter().map(|(key, value)| (key.as_str(), value.borrow()));
        tail.encoder.row(row.step, row.wall_ms, values, &mut tail.frames);
        tail.waiting += 1;
        if tail.frames.len() >= APPEND_BYTES { self.flush(stream).await } else { Ok(()) }
    }

    /// Sends the waiting rows of a stream.
    pub(super) async fn flush(&mut self, stream: Stream) -> Result<(), Failure> {
        let Some(tail) = self.of.get_mut(&stream).filter(|tail| tail.waiting > 0) else {
            return Ok(());
        };
        tail.encoder.flush(&mut tail.frames);
        let (offset, waiting, frames) =
            (tail.offset, mem::take(&mut tail.waiting), mem::take(&mut tail.frames));
        let offset = match offset {
            Some(offset) => offset,
            None => self.append(stream.name(), 0, Vec::new()).await?,
        };
        let next = offset + waiting;
        let stored = self.append(stream.name(), offset, frames).await?;
        self.tail(stream).await?.offset = Some(next);
        if stored == next {
            return Ok(());
        }
        let message = format!("run `{}` has {stored} rows where {next} were expected", self.run);
        Err(Failure::new(Exit::Refused, message)
            .hint("make sure that no other import of the same run is running"))
    }

    /// Appends frames and returns how many rows of this attempt and writer the stream then has.
    async fn append(&self, stream: &str, offset: u64, frames: Vec<u8>) -> Result<u64, Failure> {
        let message = AppendRows {
            run: self.run.clone(),
            attempt: self.attempt,
            writer: self.found.source.writer().to_owned(),
            stream: stream.to_owned(),
            offset,
            frames,
        };
        let mut runs = self.controller.dial().runs();
        let appended = connect::with_tries(async || {
            runs.append(connect::within_patience(message.clone())).await
        })
        .await;
        appended.map(|appended| appended.next).map_err(|status| self.controller.failure(&status))
    }
}
