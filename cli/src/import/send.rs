//! Sends a run that an importer found to the controller. The import makes the same calls as the
//! SDK: begin, append, end. A repeated import continues where the previous one ended. The import
//! finds the run by its key and by what earlier imports have read ([`Past`]). It does not send
//! stored values again. If the run has ended, it sends new values as the run's next attempt. See
//! docs/decisions/imports.md.

use std::io;

use proto::v1::{BeginRun, EndRun, Run, RunBegun};
use serde_json::Value as Json;
use terminal::Failure;
use tonic::Code;

use super::{
    calls::{call, each, introduction, unreadable},
    past::{self, Past, Relation, Values},
    paths,
    source::{Found, next_fitting},
    streams::{Known, META, Streams},
};
use crate::{connect, connect::Controller, stream::Stream, view};

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
        let (files, versions) = (reader.files(), reader.versions());
        let already = streams.tail(stream).await?.skip(stream, &mut row);
        let is_history = stream == Stream::History;
        seen += u64::from(is_history);
        streams.attach(files, versions).await?;
        if !already {
            rows += u64::from(is_history);
            streams.push(stream, &row).await?;
        }
        if seen.is_multiple_of(1024) {
            told(seen);
        }
    }
    streams.attach(reader.files(), reader.versions()).await?;
    for stream in [Stream::History, Stream::System, Stream::Summary, Stream::Console] {
        streams.flush(stream).await?;
    }
    end(controller, found, &streams.run, streams.attempt).await?;
    Ok(Sent { run, rows, known: was_known })
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
