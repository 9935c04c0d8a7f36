//! Appends rows at the end of their stream and sums them up in their run. The handlers in `api`
//! call this module for the SDK and the agent. A sender may repeat an append at any time: the
//! controller skips the rows that it has already. The controller refuses a gap, and returns the
//! offset that it needs.

use std::sync::Arc;

use probes::{Bug, planted};
use record::{Corrupt, ids::Attempt, stream::StreamName};
use sweeps::lifecycle::run::State;

use super::{digest::Digest, stopping, value};
use crate::{
    app::{
        App,
        change::{
            Change,
            draft::Draft,
            wakeups::{Topic, Wake},
        },
        error::{Error, Why},
        files,
        people::{caller::Caller, permit},
        runs::{
            about::{self, Said},
            lookup::{Standing, fenced, late, standing},
        },
        sweeps::planning,
    },
    store::{self, blocks::Stream},
};

/// The rows that a sender appends to a stream.
#[derive(Clone, Debug)]
pub(crate) struct Append {
    /// The attempt that writes.
    pub(crate) of: Attempt,
    /// The name of the stream's writer.
    pub(crate) writer: String,
    /// The name of the stream that the rows belong to.
    pub(crate) stream: StreamName,
    /// The number of earlier rows of this run, attempt, writer and stream. `None` means that the
    /// rows follow those that are stored, however many these are.
    pub(crate) offset: Option<u64>,
    /// The rows as frames. An append without rows renews the lease and returns the end of the
    /// stream.
    pub(crate) frames: Vec<u8>,
}

/// The end of a stream after an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Appended {
    /// The offset of the stream's next append.
    pub(crate) next: u64,
    /// Whether the run is ordered to end.
    pub(crate) stop_wanted: bool,
}

/// The result of keeping an append.
enum Kept {
    Merged(Appended),
    /// The rows, if there are any, are kept and marked as fenced. The sender receives this error.
    Apart(Error),
    /// Nothing was kept, because the first `rows` rows of the append `sent` are stored already.
    Known {
        rows: u64,
        sent: Append,
    },
}

/// Stores the rows of an append. The rows are on the disk when this function returns.
///
/// # Errors
/// - Fails with [`Why::Gap`] if rows between the end of the stream and this append are missing.
/// - Fails with [`Why::Fenced`] if the attempt does not own the run, or has been over for too long.
///   In both cases the rows are kept, marked as fenced, and do not count.
/// - Fails with [`Why::Blob`] if a row of the stream `files` names a content that is not stored.
/// - Fails with [`Error::Missing`] if the run does not exist, and with [`Error::Invalid`] if the
///   frames are damaged or exceed a limit.
/// - Fails with [`Error::Busy`] if the append has rows while the disk is full. The attempt's lease
///   is renewed even in this case.
pub(crate) async fn append(
    app: &Arc<App>,
    caller: &Caller,
    append: Append,
) -> Result<Appended, Error> {
    permit::attempt(app, caller, &append.of).await?;
    planning::of_run(app, &append.of.run).await?;
    let mut append = append;
    loop {
        let digest = check(app, &append)?;
        let told = match append.stream {
            StreamName::Files => Content::Files(
                files::rows::read(app, caller, &append.of.run, &append.frames).await?,
            ),
            StreamName::Meta => Content::Meta(Said::read(&append.frames).map_err(damaged)?),
            _ => Content::Values,
        };
        app.leases.renew(&append.of, app.clock.now());
        if digest.rows > 0 {
            app.full.check()?;
        }
        let caller = caller.clone();
        match app.change(move |change| keep(change, &caller, append, digest, told)).await? {
            Kept::Merged(appended) => return Ok(appended),
            Kept::Apart(error) => return Err(error),
            // The loop checks the remaining rows again. The writer thread does not do this check,
            // because the check reads every byte.
            Kept::Known { rows, sent } => append = without(sent, rows)?,
        }
    }
}

/// Returns an append without its first rows.
fn without(mut append: Append, rows: u64) -> Result<Append, Error> {
    append.frames = record::skip(&append.frames, rows).map_err(damaged)?;
    append.offset = append.offset.map(|offset| offset + rows);
    Ok(append)
}

/// The rows of an append as parsed before the writer thread gets them. `Values` stands for the rows
/// of all other streams, which are only digested or counted.
enum Content {
    Values,
    Files(Vec<files::rows::Row>),
    Meta(Said),
}

fn check(app: &App, append: &Append) -> Result<Digest, Error> {
    let (limits, stream) = (&app.settings.limits, append.stream);
    let is_meta = stream == StreamName::Meta;
    let most = if is_meta { limits.meta_bytes } else { limits.append_bytes };
    if append.frames.len() > most {
        let bytes = append.frames.len();
        return Err(Error::invalid(format!(
            "the append to `{}` has {bytes} bytes; the limit is {most}",
            stream.name()
        )));
    }
    if append.writer.is_empty() || append.writer.len() > 64 {
        return Err(Error::invalid("a writer's name must have 1 to 64 bytes"));
    }
    let digest = match stream {
        StreamName::History | StreamName::Summary => Digest::of(&append.frames),
        StreamName::Console | StreamName::Meta | StreamName::System | StreamName::Files => {
            Digest::count(&append.frames)
        }
    };
    let digest = digest.map_err(damaged)?;
    let most = match stream {
        StreamName::Meta => limits.meta_rows,
        StreamName::Files => limits.file_rows,
        _ => u64::MAX,
    };
    if digest.rows > most {
        let rows = digest.rows;
        return Err(Error::invalid(format!(
            "the append to `{}` has {rows} rows; the limit is {most}",
            stream.name()
        ))
        .hint("send the rows in several appends"));
    }
    Ok(digest)
}

fn damaged(corrupt: Corrupt) -> Error {
    Error::invalid(format!("the rows are damaged: {corrupt}"))
}

fn keep(
    change: &mut Change<'_>,
    caller: &Caller,
    append: Append,
    digest: Digest,
    told: Content,
) -> Result<Kept, Error> {
    let mut run = change.run(&append.of.run)?;
    let standing = standing(change.app, &run, append.of.number)?;
    let stream = Stream {
        run: run.key,
        name: append.stream,
        attempt: append.of.number,
        writer: &append.writer,
    };
    let next = store::blocks::next(change.tx, stream)?;
    let offset = append.offset.unwrap_or(next);
    let known = next.checked_sub(offset).ok_or_else(|| gap(append.stream, offset, next))?;
    if known > 0 && digest.rows > 0 && !planted(Bug::OverlapKept) {
        return Ok(Kept::Known { rows: known, sent: append });
    }
    let frames = append.frames.as_slice();
    if digest.rows > 0 {
        if next == 0 {
            check_writers(change, stream)?;
        }
        let apart = standing != Standing::Current;
        if let Content::Files(rows) = &told {
            files::rows::keep(change, caller, &run, stream, standing, rows)?;
        }
        store::blocks::insert(change.tx, stream, next, digest.rows, apart, frames)?;
        change.app.compaction.note(stream, frames.len(), change.app.clock.now());
        Topic::of_rows(&run, append.stream).for_each(|topic| change.wake(Wake::All(topic)));
    }
    match standing {
        Standing::Fenced => return Ok(Kept::Apart(fenced(&append.of, run.attempt))),
        Standing::Late if digest.rows > 0 => {
            change.edit(&mut run, |_, run| {
                note_late(run, append.stream);
                Ok(())
            })?;
            return Ok(Kept::Apart(late(&append.of)));
        }
        Standing::Late | Standing::Current => {}
    }
    change.edit(&mut run, |change, run| {
        let has_rows = digest.rows > 0;
        if matches!(run.state, State::Leased | State::Queued)
            || (run.state == State::Crashed && has_rows)
        {
            change.hear(run)?;
        }
        match told {
            Content::Meta(said) if has_rows => about::take(change, run, said),
            // The output of a program and the measurements of its machine are not summed up.
            _ if has_rows && matches!(stream.name, StreamName::History | StreamName::Summary) => {
                sum_up(change, run, stream.name, &digest, frames)
            }
            _ => Ok(()),
        }
    })?;
    Ok(Kept::Merged(Appended { next: next + digest.rows, stop_wanted: run.stop_wanted.is_some() }))
}

/// Passes while a stream of an attempt has room for one more writer. The limit exists because some
/// use cases walk through all writers of a stream.
fn check_writers(change: &Change<'_>, stream: Stream<'_>) -> Result<(), Error> {
    let most = change.app.settings.limits.writers;
    let known = store::blocks::writers(change.tx, stream.run, stream.name, stream.attempt)?;
    if known.len() < most {
        return Ok(());
    }
    let message = format!("the attempt has more than {most} writers of `{}`", stream.name.name());
    Err(Error::invalid(message).hint("let processes share a writer, as the SDK does"))
}

/// Sets a note about late rows on the run, if the rows are of a stream that would have changed the
/// run.
fn note_late(run: &mut Draft<'_>, stream: StreamName) {
    let counts = matches!(stream, StreamName::History | StreamName::Summary | StreamName::Meta);
    if run.note.is_none() && counts {
        run.note = Some("rows came after its end: they are kept and do not count".to_owned());
    }
}

/// Updates the run's summary, counts and value with the rows of an append. After a trial's end its
/// value stays as it is, because the search has read the value from the event of that end.
fn sum_up(
    change: &mut Change<'_>,
    run: &mut Draft<'_>,
    stream: StreamName,
    digest: &Digest,
    frames: &[u8],
) -> Result<(), Error> {
    let (limits, summaries) = (&change.app.settings.limits, &change.app.summaries);
    let fits = if stream == StreamName::History {
        *run.counts().history += digest.rows;
        summaries.add_history(change.tx, run, digest)?
    } else {
        summaries.add_summary(change.tx, run, digest)?
    };
    let before = run.value;
    let is_open = run.state.is_live() || planted(Bug::LateRowsCount);
    if let Some(sweep) = run.sweep.as_ref().filter(|_| is_open) {
        let plan = change.app.plans.get(change.tx, sweep)?;
        if let Some(key) = plan.metric().and_then(|metric| digest.key(&metric.name)) {
            if stream == StreamName::History {
                stopping::count(change, run, &plan, frames, key.finite)?;
            }
            value::count(&mut run.counts(), &plan, key);
        }
    }
    if !fits && run.note.is_none() {
        let (keys, bytes) = (limits.summary_keys, limits.summary_bytes);
        run.note =
            Some(format!("the summary keeps {keys} keys and {bytes} bytes; the history has all"));
    }
    if before == run.value { Ok(()) } else { change.improved(run) }
}

fn gap(stream: StreamName, offset: u64, next: u64) -> Error {
    let message = format!("rows {next} to {} of `{}` are missing", offset - 1, stream.name());
    Error::refused(Why::Gap { next }, message)
}
