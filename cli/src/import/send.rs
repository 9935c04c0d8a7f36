//! Sends a found run to the controller by the calls of the SDK: begin, append, end. An import that is repeated goes on where the
//! one before ended: the run is the same by its key, and values that are stored are not sent again.

use std::{collections::HashMap, mem};

use proto::v1::{AppendRows, BeginRun, EndRun, ReadRows, RunBegun};
use record::{Row, Writer};
use serde_json::Value as Json;
use terminal::{Exit, Failure};

use super::source::{Found, next_fitting};
use crate::{connect, connect::Controller, stream::Stream};

/// An append is sent when it has so many bytes: well within what a controller takes at once.
const APPEND_BYTES: usize = 2 << 20;

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
    let begun = begin(controller, found).await?;
    let mut streams =
        Streams { controller, begun: &begun, writer: found.source.writer(), of: HashMap::new() };
    let (mut rows, mut known, mut seen) = (0, false, 0_u64);
    let mut reader = found.source.open().map_err(|error| unreadable(found, &error))?;
    while let Some((stream, mut row)) =
        next_fitting(&mut *reader).map_err(|error| unreadable(found, &error))?
    {
        let tail = streams.tail(stream).await?;
        known |= tail.stored > 0;
        let already = tail.skip(stream, &mut row);
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
    end(controller, found, &begun).await?;
    Ok(Sent { run: begun.run, rows, known })
}

fn unreadable(found: &Found, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Input, super::unreadable(&found.source.path(), error))
}

async fn begin(controller: &Controller, found: &Found) -> Result<RunBegun, Failure> {
    let about = found.about.clone();
    let key = found.key().map_err(|error| unreadable(found, &error))?;
    let message = BeginRun {
        project: about.project,
        name: about.name,
        config_json: Json::Object(about.config).to_string(),
        tags: about.tags,
        notes: about.notes,
        group: about.group,
        job_type: about.job_type,
        idempotency_key: key,
        started_ms: found.times.map(|(first, _)| first),
        ..BeginRun::default()
    };
    let mut runs = controller.dial().runs();
    connect::with_tries(async || runs.begin(connect::within_patience(message.clone())).await)
        .await
        .map_err(|status| controller.failure(&status))
}

async fn end(controller: &Controller, found: &Found, begun: &RunBegun) -> Result<(), Failure> {
    let message = EndRun {
        run: begun.run.clone(),
        attempt: begun.attempt,
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
    /// Rows that the controller has.
    offset: u64,
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
    begun: &'a RunBegun,
    writer: &'static str,
    of: HashMap<Stream, Tail>,
}

impl Streams<'_> {
    /// The stream's tail; asks for it the first time.
    async fn tail(&mut self, stream: Stream) -> Result<&mut Tail, Failure> {
        if !self.of.contains_key(&stream) {
            let mut tail = Tail { offset: self.append(stream, 0, Vec::new()).await?, ..Tail::default() };
            if tail.offset > 0 {
                self.read_back(stream, &mut tail).await?;
            }
            self.of.insert(stream, tail);
        }
        Ok(self.of.entry(stream).or_default())
    }

    /// Counts what an earlier import has stored.
    async fn read_back(&self, stream: Stream, tail: &mut Tail) -> Result<(), Failure> {
        let message = ReadRows {
            run: self.begun.run.clone(),
            stream: stream.name().to_owned(),
            attempt: self.begun.attempt,
            follow: false,
        };
        let lost = |status| self.controller.failure(&status);
        let mut blocks = self.controller.dial().runs().read(message).await.map_err(lost)?.into_inner();
        while let Some(block) = blocks.message().await.map_err(lost)? {
            if block.writer != self.writer {
                continue;
            }
            let rows = record::rows(&block.frames).map_err(|corrupt| {
                let message = format!("the rows of run `{}` cannot be read: {corrupt}", self.begun.run);
                Failure::new(Exit::Bug, message)
            })?;
            tail.stored += rows.iter().map(|row| row.values.len() as u64).sum::<u64>();
            tail.last = rows.into_iter().next_back().or(tail.last.take());
        }
        Ok(())
    }

    async fn push(&mut self, stream: Stream, row: &Row) -> Result<(), Failure> {
        let tail = self.tail(stream).await?;
        let values = row.values.iter().map(|(key, value)| (key.as_str(), value.borrow()));
        tail.encoder.row(row.step, row.wall_ms, values, &mut tail.frames);
        tail.waiting += 1;
        if tail.frames.len() >= APPEND_BYTES { self.flush(stream).await } else { Ok(()) }
    }

    async fn flush(&mut self, stream: Stream) -> Result<(), Failure> {
        let Some(tail) = self.of.get_mut(&stream).filter(|tail| tail.waiting > 0) else { return Ok(()) };
        tail.encoder.flush(&mut tail.frames);
        let (offset, frames) = (tail.offset, mem::take(&mut tail.frames));
        let next = offset + mem::take(&mut tail.waiting);
        tail.offset = next;
        let stored = self.append(stream, offset, frames).await?;
        if stored == next {
            return Ok(());
        }
        let message = format!("run `{}` has {stored} rows where {next} were sent", self.begun.run);
        Err(Failure::new(Exit::Refused, message).hint("is it being imported twice at the same time?"))
    }

    /// Answers how many rows the stream has then.
    async fn append(&self, stream: Stream, offset: u64, frames: Vec<u8>) -> Result<u64, Failure> {
        let message = AppendRows {
            run: self.begun.run.clone(),
            attempt: self.begun.attempt,
            writer: self.writer.to_owned(),
            stream: stream.name().to_owned(),
            offset,
            frames,
        };
        let mut runs = self.controller.dial().runs();
        let appended =
            connect::with_tries(async || runs.append(connect::within_patience(message.clone())).await).await;
        appended.map(|appended| appended.next).map_err(|status| self.controller.failure(&status))
    }
}
