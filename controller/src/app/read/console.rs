//! Reads the lines of a run's console by their numbers. A line that was sent again with another
//! text has its last text. The handlers in `api` call this module. This module changes nothing.

use std::{ops::Range, sync::Arc};

use record::{Row, Value, ids::RunId, stream::StreamName};

use crate::{
    app::{
        App,
        error::Error,
        people::{
            caller::{Caller, Right},
            permit,
        },
        rows::{lines, pieces},
        runs::{lineage::Lineage, lookup},
    },
    store::{self, Tx, blocks::Stream, runs::Run},
};

/// One line of a console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// The number of the line in the run, from 0.
    pub(crate) number: u64,
    /// When the line was printed, in milliseconds since the epoch.
    pub(crate) wall_ms: i64,
    /// Whether the program printed the line to standard error.
    pub(crate) error: bool,
    /// The text.
    pub(crate) text: String,
}

/// The lines that a caller asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Which {
    /// From the line with the first number on, at most as many lines as the second one says.
    From(u64, u64),
    /// At most so many lines at the end.
    Last(u64),
}

/// Returns lines of a run's console, and the number of all its lines.
///
/// # Errors
/// Fails with [`Error::Missing`] if the run does not exist.
pub(crate) async fn read(
    app: &Arc<App>,
    caller: &Caller,
    run: RunId,
    which: Which,
) -> Result<(Vec<Line>, u64), Error> {
    permit::run(app, caller, Right::See, &run).await?;
    app.read(move |tx, _| {
        let run = lookup::find(tx, &run)?;
        let streams = Lineage::of(tx, &run)?.streams(tx, run.key, StreamName::Console)?;
        let (again, streams): (Vec<_>, Vec<_>) =
            streams.into_iter().partition(|(_, writer, _)| lines::is_again(writer));
        let all = count(tx, &run, &streams)?;
        let range = match which {
            Which::From(first, lines) => first.min(all)..first.saturating_add(lines).min(all),
            Which::Last(lines) => all.saturating_sub(lines)..all,
        };
        let mut found = within(tx, &run, &streams, range.clone())?;
        for (attempt, writer, rows) in again {
            let Some(base) = lines::base_of_again(&writer) else { continue };
            let before = before(tx, &run, &streams, attempt, base)?;
            let stream =
                Stream { run: run.key, name: StreamName::Console, attempt, writer: &writer };
            each(tx, stream, 0..rows, |_, row| {
                let number = row.step.checked_sub(base.first).map(|own| before.saturating_add(own));
                let at = number.and_then(|number| number.checked_sub(range.start));
                if let (Some(number), Some(at)) = (number, at)
                    && let Some(line) = usize::try_from(at).ok().and_then(|at| found.get_mut(at))
                {
                    *line = Line::of(number, row);
                }
            })?;
        }
        Ok((found, all))
    })
    .await
}

/// Where a caller looks for lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Behind the line with this number, forwards.
    After(u64),
    /// Before the line with this number, backwards.
    Before(u64),
    /// From the end, backwards.
    End,
    /// From the first line that was printed at this time or later, forwards. The time is in
    /// milliseconds since the epoch.
    At(i64),
}

/// The lines that a caller looks for.
#[derive(Clone, Debug)]
pub(crate) struct Seek {
    /// Where.
    pub(crate) place: Place,
    /// The most lines.
    pub(crate) limit: u64,
    /// The text in the lines, whatever the case of its letters. Every line has the empty text.
    pub(crate) text: String,
    /// Whether only lines of standard error are wanted.
    pub(crate) errors: bool,
}

/// The lines that were found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sought {
    /// The lines, by ascending number.
    pub(crate) lines: Vec<Line>,
    /// The first line that was looked at. If there was none, where the caller looks.
    pub(crate) first: u64,
    /// The last line that was looked at. If there was none, where the caller looks.
    pub(crate) last: u64,
    /// The number of all lines of the run.
    pub(crate) total: u64,
}

/// The lines that one snapshot of the database reads. Each snapshot decodes whole blocks, which may
/// have as many lines. `Limits::console_part` bounds their bytes.
const AT_ONCE: u64 = 50_000;
/// The most lines that are looked at for one call.
const LOOKED_AT: u64 = 200_000;

/// Looks for lines of a run's console, until it has found enough or has looked at
/// [`LOOKED_AT`] lines.
///
/// # Errors
/// Fails with [`Error::Missing`] if the run does not exist.
pub(crate) async fn seek(
    app: &Arc<App>,
    caller: &Caller,
    run: RunId,
    seek: Seek,
) -> Result<Sought, Error> {
    let wanted = seek.text.to_lowercase();
    let (_, mut total) = read(app, caller, run.clone(), Which::Last(0)).await?;
    // The lines from `from` up to `to`, without `to`, have been looked at.
    let (at, is_forward) = match seek.place {
        Place::After(line) => (line, true),
        Place::Before(line) => (line.min(total), false),
        Place::End => (total, false),
        Place::At(ms) => (first_at(app, caller, &run, ms, total).await?, true),
    };
    let is_behind = is_forward && !matches!(seek.place, Place::At(_));
    let begin = at.saturating_add(u64::from(is_behind));
    let (mut from, mut to, mut lines) = (begin, begin, Vec::new());
    let step = if wanted.is_empty() && !seek.errors { seek.limit } else { AT_ONCE };
    while (lines.len() as u64) < seek.limit && to - from < LOOKED_AT {
        let next = if is_forward { to } else { from.saturating_sub(step) };
        let count = if is_forward { step } else { from - next };
        let (mut found, all) = read(app, caller, run.clone(), Which::From(next, count)).await?;
        (total, from) = (all, from.min(next));
        let Some(last) = found.last().filter(|_| count > 0) else { break };
        to = to.max(last.number + 1);
        found.retain(|line| {
            (line.error || !seek.errors) && line.text.to_lowercase().contains(&wanted)
        });
        match is_forward {
            true => lines.append(&mut found),
            false => lines = [found, lines].concat(),
        }
    }
    let more = lines.len().saturating_sub(usize::try_from(seek.limit).unwrap_or(usize::MAX));
    if more > 0 && is_forward {
        lines.truncate(lines.len() - more);
        to = lines.last().map_or(to, |line| line.number + 1);
    } else if more > 0 {
        lines.drain(..more);
        from = lines.first().map_or(from, |line| line.number);
    }
    let (first, last) = if from == to { (at, at) } else { (from, to - 1) };
    Ok(Sought { lines, first, last, total })
}

/// Returns, for each attempt with lines that count, the number of its first line and of its lines.
pub(super) fn of_attempts(tx: &Tx<'_>, run: &Run) -> Result<Vec<(u32, u64, u64)>, Error> {
    let streams = Lineage::of(tx, run)?.streams(tx, run.key, StreamName::Console)?;
    let (mut found, mut first) = (Vec::<(u32, u64, u64)>::new(), 0);
    for (attempt, writer, most) in streams {
        if lines::is_again(&writer) {
            continue;
        }
        let (name, writer) = (StreamName::Console, writer.as_str());
        let lines = stored(tx, Stream { run: run.key, name, attempt, writer }, most)?;
        match found.last_mut().filter(|(last, _, _)| *last == attempt) {
            Some((_, _, before)) => *before += lines,
            None => found.push((attempt, first, lines)),
        }
        first += lines;
    }
    Ok(found)
}

/// Returns the number of the first line that was printed at a time or later, if the times of the
/// lines ascend. They nearly do.
async fn first_at(
    app: &Arc<App>,
    caller: &Caller,
    run: &RunId,
    ms: i64,
    total: u64,
) -> Result<u64, Error> {
    let (mut from, mut to) = (0, total);
    while from < to {
        let middle = from + (to - from) / 2;
        let (lines, _) = read(app, caller, run.clone(), Which::From(middle, 1)).await?;
        match lines.first().is_some_and(|line| line.wall_ms < ms) {
            true => from = middle + 1,
            false => to = middle,
        }
    }
    Ok(from)
}

impl Line {
    fn of(number: u64, row: Row) -> Self {
        let (error, text) = match row.values.into_iter().next() {
            Some((key, Value::Text(text))) => (key == "stderr", text),
            _ => (false, String::new()),
        };
        Self { number, wall_ms: row.wall_ms, error, text }
    }
}

/// The attempt, the writer and the number of rows of each stream.
type Streams = [(u32, String, u64)];

fn stored(tx: &Tx<'_>, stream: Stream<'_>, most: u64) -> Result<u64, Error> {
    Ok(store::blocks::unfenced(tx, stream)?.min(most))
}

fn count(tx: &Tx<'_>, run: &Run, streams: &Streams) -> Result<u64, Error> {
    let mut all = 0;
    for (attempt, writer, most) in streams {
        let (name, attempt) = (StreamName::Console, *attempt);
        all += stored(tx, Stream { run: run.key, name, attempt, writer }, *most)?;
    }
    Ok(all)
}

/// Returns how many lines of the run come before those of this writer.
fn before(
    tx: &Tx<'_>,
    run: &Run,
    streams: &Streams,
    attempt: u32,
    base: lines::Base<'_>,
) -> Result<u64, Error> {
    let is_earlier =
        |(of, writer, _): &&(u32, String, u64)| (*of, writer.as_str()) < (attempt, base.writer);
    let earlier: Vec<_> = streams.iter().filter(is_earlier).cloned().collect();
    count(tx, run, &earlier)
}

/// Returns the lines with these numbers, counted over all streams.
fn within(
    tx: &Tx<'_>,
    run: &Run,
    streams: &Streams,
    range: Range<u64>,
) -> Result<Vec<Line>, Error> {
    let (mut found, mut before) = (Vec::new(), 0);
    for (attempt, writer, most) in streams {
        let (name, attempt) = (StreamName::Console, *attempt);
        let stream = Stream { run: run.key, name, attempt, writer };
        let rows = stored(tx, stream, *most)?;
        let own = range.start.saturating_sub(before)..range.end.saturating_sub(before).min(rows);
        if !own.is_empty() {
            each(tx, stream, own, |number, row| found.push(Line::of(before + number, row)))?;
        }
        before += rows;
    }
    Ok(found)
}

/// Calls `show` with each row of a stream in this range, and the row's number.
fn each(
    tx: &Tx<'_>,
    stream: Stream<'_>,
    range: Range<u64>,
    mut show: impl FnMut(u64, Row),
) -> Result<(), Error> {
    for piece in store::columns::pieces(tx, stream)? {
        let end = piece.first + piece.rows;
        if piece.fenced || end <= range.start || piece.first >= range.end {
            continue;
        }
        let mut number = piece.first;
        pieces::of(
            tx,
            piece.key,
            |_| true,
            |row| {
                if range.contains(&number) {
                    show(number, row.to_row());
                }
                number += 1;
            },
        )?;
    }
    Ok(())
}
