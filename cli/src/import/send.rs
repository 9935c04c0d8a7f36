//! Sends a found run to the controller by the calls of the SDK: begin, append, end. An import that
//! is repeated goes on where the one before ended: the run is found by its key and by what earlier
//! imports have read ([`Past`]), values that are stored are not sent again, and new ones are the
//! next attempt of the run. See docs/decisions/imports.md.

use std::{collections::HashMap, io, mem};

use proto::v1::{AppendRows, BeginRun, Block, EndRun, ReadRows, Run, RunBegun};
use record::{Row, Writer};
use serde_json::Value as Json;
use terminal::{Exit, Failure};
use tonic::Code;

use super::{
    past::{self, Past, Relation, Values},
    source::{Found, next_fitting},
};
use crate::{connect, connect::Controller, stream::Stream, view};

/// An append is sent when it has so many bytes: well within what a controller takes at once.
const APPEND_BYTES: usize = 1 << 20;
/// The stream in which an import says what it has read.
const META: &str = "meta";

/// What became of a run.
pub(crate) struct Sent {
    /// Its id.
    pub(crate) run: String,
    /// Rows of its history that the controller did not have yet.
    pub(crate) rows: u64,
    /// An earlier import had begun it.
    pub(crate) known: bool,
}

/// Sends a run. `told` hears how many rows of the source have been dealt with, every now and then.
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
        let already = streams.tail(stream).await?.skip(stream, &mut row);
        let is_history = stream == Stream::History;
        seen += u64::from(is_history);
        if !already {
            rows += u64::from(is_history);
            streams.push(stream, &row).await?;
        }
        if seen.is_multiple_of(1024) {
            told(seen);
        }
    }
    for stream in [Stream::History, Stream::System, Stream::Summary, Stream::Console] {
        streams.flush(stream).await?;
    }
    end(controller, found, &streams.run, streams.attempt).await?;
    Ok(Sent { run, rows, known: was_known })
}

fn unreadable(found: &Found, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Input, super::unreadable(&found.source.path(), error))
}

/// A run that the source may go on with.
struct Known {
    run: Run,
    key: String,
    past: Past,
    relation: Relation,
}

/// Finds the run that the source is, or begins it. Sources of one key have different contents:
/// each has a number of its own.
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
    unreachable!("a key that nobody has used yet begins a run")
}

/// A part of a run whose other parts were imported before, and are not given now.
fn tell_apart(found: &Found, run: &str) {
    let Some(id) = found.source.id() else { return };
    let (path, id) = (super::shown(&found.source.path()), view::one_word(id));
    terminal::warn(format_args!(
        "`{path}` does not go on with what was imported of `{id}`: it is the run `{run}` here"
    ));
    terminal::hint(format_args!("to have one run, give all folders of `{id}` together"));
}

/// An import that was killed before it sent anything may have begun the run for another source.
fn is_ours(run: &Run, found: &Found) -> bool {
    let config = serde_json::from_str::<Json>(&run.config_json).ok();
    run.name == found.about.name && config == Some(Json::Object(found.about.config.clone()))
}

/// What earlier imports have said in the run.
async fn past(controller: &Controller, found: &Found, run: &str) -> Result<Past, Failure> {
    let mut past = Past::default();
    each(controller, found, run, META, |block, row| {
        past.take(block.attempt, &row);
        true
    })
    .await?;
    Ok(past)
}

/// Whether the history of the run begins with that of the source.
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

/// Shows the rows of a stream that importers have written and that count, until one is the last
/// that is wanted.
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

/// With the id that the run has there, unless somebody else has it here.
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
            "`{name}` cannot keep its id `{id}`, which is taken: it is the run `{}` here",
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

/// What the run is called and was given.
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

/// Where one stream of the run stands.
#[derive(Default)]
struct Tail {
    /// Rows that the present attempt has stored, once that was asked for.
    offset: Option<u64>,
    /// Values of the source that an earlier import has stored.
    stored: u64,
    /// The last row that an earlier import has stored.
    last: Option<Row>,
    encoder: Writer,
    frames: Vec<u8>,
    /// Rows in `frames` and in the encoder.
    waiting: u64,
}

impl Tail {
    /// Takes from the row what is stored; answers whether that is all.
    fn skip(&mut self, stream: Stream, row: &mut Row) -> bool {
        if stream == Stream::Summary {
            // A source has one summary, and not the same one after it has grown.
            return self.last.as_ref().is_some_and(|last| same_values(last, row));
        }
        let values = usize::try_from(self.stored).unwrap_or(usize::MAX).min(row.values.len());
        self.stored -= values as u64;
        row.values.drain(..values);
        row.values.is_empty()
    }
}

/// By their bytes: NaN is the same as NaN here.
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
    /// The attempt is going on, and may write.
    is_live: bool,
    /// What was imported does not count any more.
    anew: bool,
    /// It is said what is going to be sent.
    is_open: bool,
    of: HashMap<Stream, Tail>,
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
        }
    }

    /// Makes room for rows: in the next attempt unless the present one is going on, under the word
    /// of what they come from.
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
        let rows = rows.map_err(|error| unreadable(self.found, &error))?;
        let mut frames = Vec::new();
        Writer::default().frame(&rows, &mut frames);
        let offset = self.append(META, 0, Vec::new()).await?;
        self.append(META, offset, frames).await?;
        self.is_open = true;
        Ok(())
    }

    /// The stream's tail; asks for it the first time.
    async fn tail(&mut self, stream: Stream) -> Result<&mut Tail, Failure> {
        if !self.of.contains_key(&stream) {
            let tail = self.read_back(stream).await?;
            self.of.insert(stream, tail);
        }
        Ok(self.of.entry(stream).or_default())
    }

    /// Counts what an earlier import has stored.
    async fn read_back(&self, stream: Stream) -> Result<Tail, Failure> {
        let mut tail = Tail::default();
        // What was printed and measured is never taken back.
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
        let message = format!("run `{}` has {stored} rows where {next} were sent", self.run);
        Err(Failure::new(Exit::Refused, message)
            .hint("is it being imported twice at the same time?"))
    }

    /// Answers how many rows the stream has then.
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
