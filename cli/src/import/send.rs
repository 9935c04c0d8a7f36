//! Sends a run that an importer found to the controller. The import makes the same calls as the
//! SDK: begin, append, end. A repeated import continues where the previous one ended. The import
//! finds the run by its key and by what earlier imports have read ([`Past`]). It does not send
//! stored values again. If the run has ended, it sends new values as the run's next attempt. See
//! docs/decisions/imports.md.

use std::{
    collections::{HashMap, HashSet},
    io, mem,
};

use proto::v1::{AppendRows, BeginRun, Block, EndRun, ReadRows, Run, RunBegun};
use record::{Row, Value, Writer};
use serde_json::Value as Json;
use terminal::{Exit, Failure};
use tonic::Code;

use super::{
    files,
    past::{self, Past, Relation, Values},
    paths,
    source::{Attached, Found, next_fitting},
};
use crate::{connect, connect::Controller, stream::Stream, view};

/// The size at which an append is sent, in bytes: far below the controller's limit.
const APPEND_BYTES: usize = 1 << 20;
/// The stream where an import records what it has read.
const META: &str = "meta";
/// The stream of the run's files.
const FILES: &str = "files";

/// The result of sending a run.
pub(crate) struct Sent {
    /// The run's id.
    pub(crate) run: String,
    /// The number of history rows that the controller did not have yet.
    pub(crate) rows: u64,
    /// Whether an earlier import had written to the run.
    pub(crate) known: bool,
}

/// Sends a run. Calls `told` from time to time with the number of history rows that were read so
/// far.
pub(super) async fn send(
    controller: &Controller,
    found: &Found,
    told: &dyn Fn(u64),
) -> Result<Sent, Failure> {
    let known = find(controller, found).await?;
    let run = known.run.id.clone();
    if known.relation == Relation::Contained {
        return Ok(Sent { run, rows: 0, known: true });
    }
    let was_known = !known.past.is_empty();
    let mut streams = Streams::new(controller, found, known);
    if !was_known {
        streams.open().await?;
    }
    let (mut rows, mut seen) = (0, 0_u64);
    let mut reader =
        found.source.open(found.source.parts()).map_err(|error| unreadable(found, &error))?;
    while let Some((stream, mut row)) =
        next_fitting(&mut *reader).map_err(|error| unreadable(found, &error))?
    {
        let files = reader.files();
        let already = streams.tail(stream).await?.skip(stream, &mut row);
        let is_history = stream == Stream::History;
        seen += u64::from(is_history);
        for file in files {
            streams.attach(file).await?;
        }
        if !already {
            rows += u64::from(is_history);
            streams.push(stream, &row).await?;
        }
        if seen.is_multiple_of(1024) {
            told(seen);
        }
    }
    for file in reader.files() {
        streams.attach(file).await?;
    }
    for stream in [Stream::History, Stream::System, Stream::Summary, Stream::Console] {
        streams.flush(stream).await?;
    }
    end(controller, found, &streams.run, streams.attempt).await?;
    Ok(Sent { run, rows, known: was_known })
}

fn unreadable(found: &Found, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Input, paths::unreadable(&found.source.path(), error))
}

/// The controller's run for a source, and its relation to the source.
struct Known {
    run: Run,
    key: String,
    past: Past,
    relation: Relation,
}

/// Finds the controller's run for the source, or begins it. If the run of a key has other contents,
/// the function tries the same key with a number after it.
async fn find(controller: &Controller, found: &Found) -> Result<Known, Failure> {
    let base = found.key().map_err(|error| unreadable(found, &error))?;
    for number in 0.. {
        let key = if number == 0 { base.clone() } else { format!("{base}-{number}") };
        let begun = begin(controller, found, &key, number == 0).await?;
        let run = controller.run(&begun.run).await?;
        let past = past(controller, found, &run.id).await?;
        let mut relation = if !past.is_empty() {
            past.relation(&*found.source).map_err(|error| unreadable(found, &error))?
        } else if is_ours(&run, found) {
            Relation::Grown
        } else {
            Relation::Other
        };
        if relation == Relation::Shorter {
            let begins = is_beginning(controller, found, &run.id, &past).await?;
            relation = if begins { Relation::Contained } else { Relation::Other };
        }
        if relation != Relation::Other {
            if number > 0 && past.is_empty() {
                tell_apart(found, &run.id);
            }
            return Ok(Known { run, key, past, relation });
        }
    }
    unreachable!("an unused key begins a run")
}

/// Warns that the source becomes a separate run, because it does not include the files of its run
/// that were imported before.
fn tell_apart(found: &Found, run: &str) {
    let Some(id) = found.source.id() else { return };
    let (path, id) = (paths::shown(&found.source.path()), view::one_word(id));
    terminal::warn(format_args!(
        "`{path}` does not continue the imported files of `{id}`, so it becomes the run `{run}`"
    ));
    terminal::hint(format_args!("to get one run, import all folders of `{id}` together"));
}

/// Returns whether a run without imported rows belongs to this source: whether it has the source's
/// name and config. An import that was killed before it sent anything may have begun the run for
/// another source.
fn is_ours(run: &Run, found: &Found) -> bool {
    let config = serde_json::from_str::<Json>(&run.config_json).ok();
    run.name == found.about.name && config == Some(Json::Object(found.about.config.clone()))
}

/// Reads what earlier imports have recorded in the run.
async fn past(controller: &Controller, found: &Found, run: &str) -> Result<Past, Failure> {
    let mut past = Past::default();
    each(controller, found, run, META, |block, row| {
        past.take(block.attempt, &row);
        true
    })
    .await?;
    Ok(past)
}

/// Returns whether the imported history of the run begins with all history values of the source.
/// `past` says from which attempt on the history counts.
async fn is_beginning(
    controller: &Controller,
    found: &Found,
    run: &str,
    past: &Past,
) -> Result<bool, Failure> {
    let lost = |error: io::Error| unreadable(found, &error);
    let mut reader = found.source.open(found.source.parts()).map_err(lost)?;
    let mut values = Values::of(&mut *reader);
    let mut next = values.next();
    each(controller, found, run, Stream::History.name(), |block, row| {
        for stored in past::placed(row).filter(|_| block.attempt >= past.since) {
            match &next {
                Ok(Some(value)) if past::is_same(value, &stored) => next = values.next(),
                _ => return false,
            }
        }
        true
    })
    .await?;
    Ok(next.map_err(lost)?.is_none())
}

/// Calls `show` with each row of a stream that earlier imports of this kind of source have written.
/// Skips fenced rows. Stops when `show` returns false.
async fn each(
    controller: &Controller,
    found: &Found,
    run: &str,
    stream: &str,
    mut show: impl FnMut(&Block, Row) -> bool,
) -> Result<(), Failure> {
    let lost = |status| controller.failure(&status);
    let message =
        ReadRows { run: run.to_owned(), stream: stream.to_owned(), attempt: 0, follow: false };
    let mut blocks = controller.dial().runs().read(message).await.map_err(lost)?.into_inner();
    while let Some(block) = blocks.message().await.map_err(lost)? {
        if block.fenced || block.writer != found.source.writer() {
            continue;
        }
        let rows = record::rows(&block.frames).map_err(|corrupt| {
            Failure::new(Exit::Bug, format!("the rows of run `{run}` cannot be read: {corrupt}"))
        })?;
        for row in rows {
            if !show(&block, row) {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Begins the run of this key, or finds it if an earlier import has begun it. If `with_id` is true
/// and the run has an id in the source, the run keeps this id, unless the controller refuses the
/// id.
async fn begin(
    controller: &Controller,
    found: &Found,
    key: &str,
    with_id: bool,
) -> Result<RunBegun, Failure> {
    let message = BeginRun { idempotency_key: key.to_owned(), ..introduction(found) };
    if let Some(id) = found.source.id().filter(|_| with_id) {
        let wanted = BeginRun { id: id.to_owned(), ..message.clone() };
        match call(controller, wanted).await {
            Err(status)
                if matches!(status.code(), Code::FailedPrecondition | Code::InvalidArgument) => {}
            begun => return begun.map_err(|status| controller.failure(&status)),
        }
        let begun =
            call(controller, message).await.map_err(|status| controller.failure(&status))?;
        let (id, name) = (view::one_word(id), terminal::one_line(&found.about.name, 40));
        terminal::warn(format_args!(
            "`{name}` cannot keep its id `{id}`, which is taken or not allowed; it becomes the \
             run `{}`",
            begun.run
        ));
        return Ok(begun);
    }
    call(controller, message).await.map_err(|status| controller.failure(&status))
}

async fn call(controller: &Controller, message: BeginRun) -> Result<RunBegun, tonic::Status> {
    let mut runs = controller.dial().runs();
    connect::with_tries(async || runs.begin(connect::within_patience(message.clone())).await).await
}

/// Builds the message with the run's project, name, config, labels and start time.
fn introduction(found: &Found) -> BeginRun {
    let about = found.about.clone();
    BeginRun {
        project: about.project,
        name: about.name,
        config_json: Json::Object(about.config).to_string(),
        tags: about.tags,
        notes: about.notes,
        group: about.group,
        job_type: about.job_type,
        started_ms: found.times.map(|(first, _)| first),
        ..BeginRun::default()
    }
}

async fn end(
    controller: &Controller,
    found: &Found,
    run: &str,
    attempt: u32,
) -> Result<(), Failure> {
    let message = EndRun {
        run: run.to_owned(),
        attempt,
        outcome: Some(found.outcome.clone()),
        ended_ms: found.times.map(|(_, last)| last),
        ..EndRun::default()
    };
    let mut runs = controller.dial().runs();
    connect::with_tries(async || runs.end(connect::within_patience(message.clone())).await)
        .await
        .map_err(|status| controller.failure(&status))?;
    Ok(())
}

/// The state of one stream of the run.
#[derive(Default)]
struct Tail {
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
    fn skip(&mut self, stream: Stream, row: &mut Row) -> bool {
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

struct Streams<'a> {
    controller: &'a Controller,
    found: &'a Found,
    run: String,
    attempt: u32,
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
}

impl<'a> Streams<'a> {
    fn new(controller: &'a Controller, found: &'a Found, known: Known) -> Self {
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
        }
    }

    /// Prepares the run for rows. Begins the next attempt, unless the present one is running and
    /// its rows stay. Records the files that the rows come from.
    async fn open(&mut self) -> Result<(), Failure> {
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
    async fn tail(&mut self, stream: Stream) -> Result<&mut Tail, Failure> {
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

    /// Sends a file of the run, unless the run has it.
    async fn attach(&mut self, file: Attached) -> Result<(), Failure> {
        if self.known.is_none() {
            let (controller, run) = (self.controller, &self.run);
            self.known = Some(files::known(controller, run).await?);
        }
        let sent = files::send(self.controller, &file).await?;
        let known = self.known.get_or_insert_default();
        if !known.insert((sent.path.clone(), sent.sha256.clone())) {
            return Ok(());
        }
        if !self.is_open {
            self.open().await?;
        }
        let wall_ms = self.found.times.map_or(0, |(_, last)| last);
        let mut frames = Vec::new();
        Writer::default().frame(&[sent.to_row(0, wall_ms)], &mut frames);
        let offset = self.append(FILES, 0, Vec::new()).await?;
        self.append(FILES, offset, frames).await?;
        Ok(())
    }

    async fn push(&mut self, stream: Stream, row: &Row) -> Result<(), Failure> {
        if !self.is_open {
            self.open().await?;
        }
        let tail = self.tail(stream).await?;
        let values = row.values.iter().map(|(key, value)| (key.as_str(), value.borrow()));
        tail.encoder.row(row.step, row.wall_ms, values, &mut tail.frames);
        tail.waiting += 1;
        if tail.frames.len() >= APPEND_BYTES { self.flush(stream).await } else { Ok(()) }
    }

    async fn flush(&mut self, stream: Stream) -> Result<(), Failure> {
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
