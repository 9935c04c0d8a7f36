//! Takes rows as W&B's client sends them: as numbered lines of a run. A line may come again, after
//! an answer that was lost, and the last lines of the console may change. `api::wandb` calls this
//! module; the rows go on to `app::rows::ingest`.
//!
//! The writer of such rows is named `wandb.N`. `N` is the number of the writer's first line, so
//! that row 0 of `wandb.120` is line 120. A process that goes on with a run continues its numbers.

use std::sync::Arc;

use record::{
    Row, Value, Writer,
    ids::{Attempt, RunId},
    stream::StreamName,
};

use super::{
    ingest::{self, Append},
    pieces,
};
use crate::{
    app::{
        App,
        agents::registry,
        error::{Error, Why},
        people::caller::Caller,
        runs::{
            end::{self, End, EndState},
            lineage::Lineage,
            lookup::{self, Named},
        },
    },
    store::{self, Tx, blocks::Stream, runs::Run},
};

/// The beginning of the names of writers whose rows are numbered lines.
const WRITER: &str = "wandb";
/// The suffix of the name of a writer that stores changed lines of the console.
const AGAIN: &str = ".again";
/// The bytes of frames that are appended at once.
const APPEND_BYTES: usize = 1 << 20;
/// The most later forms of lines that are compared with a line that comes again.
const LATER_FORMS: u64 = 256;

/// Lines of one stream.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// The stream.
    pub(crate) stream: StreamName,
    /// The number of the first line.
    pub(crate) first: u64,
    /// The rows, one for each line.
    pub(crate) rows: Vec<Row>,
}

/// What a process sends at once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines {
    /// The run.
    pub(crate) run: Named,
    /// The process, if several write to the run at once; else empty.
    pub(crate) process: String,
    /// The lines of history, system metrics and console.
    pub(crate) parts: Vec<Part>,
    /// The whole summary.
    pub(crate) summary: Option<Row>,
    /// Whether the node takes the process's place away soon.
    pub(crate) preempting: bool,
    /// The exit code of the program, if it has ended.
    pub(crate) ended: Option<i32>,
}

/// What the process hears back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    /// Whether the program is to end.
    pub(crate) stop_wanted: bool,
}

/// Stores the lines. They are on the disk when this function returns. Without lines, this renews
/// the lease of the run's attempt.
///
/// # Errors
/// Fails with [`Error::Missing`] if the run does not exist, and as [`ingest::append`] does. Fails
/// with [`Why::Fenced`] if a known line has another content: another process logs the run now.
pub(crate) async fn take(app: &Arc<App>, caller: &Caller, lines: Lines) -> Result<Heard, Error> {
    let Lines { run, process, parts, summary, preempting, ended } = lines;
    let project = caller.project(&run.project)?;
    let find = move |tx: &Tx<'_>, _: &App| lookup::find_named(tx, &project, &run);
    let run = app.read(find).await?;
    caller.run(&run.id)?;
    let of = lookup::attempt_of(caller, &run);
    let mut sender = Sender { app, caller, of, heard: Heard::default() };
    // An agent sends the console and the system metrics of its trial itself.
    let is_of_agent = run.agent.as_deref().is_some_and(|agent| !registry::is_foreign(agent));
    let counts = |part: &Part| part.stream == StreamName::History || !is_of_agent;
    for part in parts.into_iter().filter(counts) {
        sender.send_part(&run, &process, part).await?;
    }
    if let Some(summary) = summary {
        sender.append(WRITER.to_owned(), StreamName::Summary, None, &[summary]).await?;
    }
    if preempting && !run.preempting {
        let values = vec![("preempting".to_owned(), Value::Json("{}".to_owned()))];
        let row = Row { step: 0, wall_ms: app.clock().wall_ms(), values };
        sender.append(WRITER.to_owned(), StreamName::Meta, None, &[row]).await?;
    }
    // This renews the lease, and asks whether the run is to end.
    sender.append(WRITER.to_owned(), StreamName::History, None, &[]).await?;
    // The agent of a trial reports the trial's end itself, when no process of it lives.
    if let Some(code) = ended.filter(|_| !is_of_agent) {
        let state = if code == 0 { EndState::Finished } else { EndState::Failed };
        let (class, signal, message) = (None, None, None);
        let (exit_code, ended_ms, ran) = (Some(code), None, None);
        let end = End { state, class, exit_code, signal, message, ended_ms, ran };
        end::end(app, caller, sender.of.clone(), end).await?;
    }
    Ok(sender.heard)
}

/// Adds values to the summary of a run, as a person or program edits it. They are on the disk when
/// this function returns.
///
/// # Errors
/// Fails with [`Error::Missing`] if the run does not exist, and as [`ingest::append`] does: the
/// summary of a trial that is over for long stays as it is.
pub(crate) async fn summarize(
    app: &Arc<App>,
    caller: &Caller,
    id: RunId,
    summary: Row,
) -> Result<(), Error> {
    let run = app.read(move |tx, _| lookup::find(tx, &id)).await?;
    let of = lookup::attempt_of(caller, &run);
    let mut sender = Sender { app, caller, of, heard: Heard::default() };
    sender.append(WRITER.to_owned(), StreamName::Summary, None, &[summary]).await
}

/// Appends rows of one attempt.
struct Sender<'a> {
    app: &'a Arc<App>,
    caller: &'a Caller,
    of: Attempt,
    heard: Heard,
}

impl Sender<'_> {
    async fn send_part(&mut self, run: &Run, process: &str, part: Part) -> Result<(), Error> {
        let Part { stream, first, mut rows } = part;
        let (key, number, prefix) = (run.key, self.of.number, prefix(process));
        let place = move |tx: &Tx<'_>, _: &App| place(tx, key, stream, number, &prefix, first);
        let Place { writer, base, next } = self.app.read(place).await?;
        if first >= base + next {
            return self.append(writer, stream, Some(first - base), &rows).await;
        }
        if stream != StreamName::Console {
            if let Some(line) = rows.first().cloned() {
                let (writer, of) = (writer.clone(), self.of.clone());
                let check = move |tx: &Tx<'_>, _: &App| {
                    let stream =
                        Stream { run: key, name: stream, attempt: number, writer: &writer };
                    check_known(tx, stream, first - base, &line, &of)
                };
                self.app.read(check).await?;
            }
            return self.append(writer, stream, Some(first - base), &rows).await;
        }
        let new = rows.split_off(rows.len().min((base + next - first) as usize));
        let (looked, known) = (writer.clone(), rows.clone());
        let changed =
            move |tx: &Tx<'_>, _: &App| changed(tx, key, number, &looked, first - base, known);
        let changed = self.app.read(changed).await?;
        if !changed.is_empty() {
            self.append(writer.clone() + AGAIN, stream, None, &changed).await?;
        }
        self.append(writer, stream, Some(next), &new).await
    }

    /// Appends these rows from this offset on; `None` means the end of the stream.
    async fn append(
        &mut self,
        writer: String,
        stream: StreamName,
        mut offset: Option<u64>,
        rows: &[Row],
    ) -> Result<(), Error> {
        let (mut encoder, mut frames, mut left) = (Writer::default(), Vec::new(), rows);
        loop {
            let mut count = 0;
            for row in left {
                if frames.len() + encoder.waiting() >= APPEND_BYTES {
                    break;
                }
                let values = row.values.iter().map(|(key, value)| (key.as_str(), value.borrow()));
                encoder.row(row.step, row.wall_ms, values, &mut frames);
                count += 1;
            }
            encoder.flush(&mut frames);
            left = &left[count..];
            let append = Append {
                of: self.of.clone(),
                writer: writer.clone(),
                stream,
                offset,
                frames: std::mem::take(&mut frames),
            };
            let appended = ingest::append(self.app, self.caller, append).await?;
            self.heard.stop_wanted |= appended.stop_wanted;
            if left.is_empty() {
                return Ok(());
            }
            offset = offset.map(|offset| offset + count as u64);
        }
    }
}

/// Returns the beginning of the names of a process's writers.
fn prefix(process: &str) -> String {
    if process.is_empty() { format!("{WRITER}.") } else { format!("{WRITER}-{process}.") }
}

/// The place of a line.
struct Place {
    /// The writer that has the line or continues with it.
    writer: String,
    /// The number of the writer's first line.
    base: u64,
    /// The number of lines that the writer has.
    next: u64,
}

/// Finds the place of a line. If no writer has the line or continues with it, the place is a new
/// writer's.
fn place(
    tx: &Tx<'_>,
    run: i64,
    stream: StreamName,
    attempt: u32,
    prefix: &str,
    first: u64,
) -> Result<Place, Error> {
    let mut found: Option<Place> = None;
    for (_, writer) in store::blocks::writers(tx, run, stream, attempt)? {
        let base = writer.strip_prefix(prefix).and_then(|base| base.parse().ok());
        let Some(base) = base.filter(|base| *base <= first) else { continue };
        let next = store::blocks::next(tx, Stream { run, name: stream, attempt, writer: &writer })?;
        let is_later = found.as_ref().is_none_or(|found| base > found.base);
        if first <= base + next && is_later {
            found = Some(Place { writer, base, next });
        }
    }
    let new = || Place { writer: format!("{prefix}{first}"), base: first, next: 0 };
    Ok(found.unwrap_or_else(new))
}

/// Passes if a line is a repeat of the line that is stored under its number. If the line differs,
/// it comes from a process that was replaced and still sends lines, under numbers that the new
/// process uses.
fn check_known(
    tx: &Tx<'_>,
    stream: Stream<'_>,
    number: u64,
    line: &Row,
    of: &Attempt,
) -> Result<(), Error> {
    let Some(known) = pieces::row(tx, stream, number)? else { return Ok(()) };
    // A value that is too long is stored cut.
    let mut frames = Vec::new();
    Writer::default().frame(std::slice::from_ref(line), &mut frames);
    let sent = record::rows(&frames).map_err(|corrupt| Error::Bug(corrupt.to_string()))?;
    if sent.first().map(forms) == Some(forms(&known)) {
        return Ok(());
    }
    let message = format!("another process logs the run `{}` now", of.run);
    Err(Error::refused(Why::Fenced, message))
}

/// Returns the step and the values of a row in a form that can be compared: sorted, and with NaN
/// equal to itself.
fn forms(row: &Row) -> (u64, Vec<String>) {
    let mut values: Vec<String> =
        row.values.iter().map(|(key, value)| format!("{key} {value:?}")).collect();
    values.sort_unstable();
    (row.step, values)
}

/// Returns those of the rows that differ from the last form of their lines. The first row is row
/// `from` of the writer.
fn changed(
    tx: &Tx<'_>,
    run: i64,
    attempt: u32,
    writer: &str,
    from: u64,
    rows: Vec<Row>,
) -> Result<Vec<Row>, Error> {
    let mut known: Vec<Option<Row>> = vec![None; rows.len()];
    let again = writer.to_owned() + AGAIN;
    for writer in [writer, &again] {
        let stream = Stream { run, name: StreamName::Console, attempt, writer };
        let from = match writer == again {
            true => store::blocks::next(tx, stream)?.saturating_sub(LATER_FORMS),
            false => from,
        };
        let limit = u32::try_from(rows.len()).unwrap_or(u32::MAX).max(LATER_FORMS as u32);
        for block in store::blocks::after(tx, stream, from, limit, usize::MAX)? {
            let merged = block.merged.as_ref().map(|(key, head)| (*key, head.as_slice()));
            pieces::each(
                tx,
                &block.frames,
                merged,
                |_| true,
                |row| {
                    let at = rows.iter().position(|line| line.step == row.step);
                    if let Some(at) = at {
                        known[at] = Some(row.to_row());
                    }
                },
            )?;
        }
    }
    let differs = |(row, known): (Row, Option<Row>)| {
        (known.is_none_or(|known| known.values != row.values)).then_some(row)
    };
    Ok(rows.into_iter().zip(known).filter_map(differs).collect())
}

/// The writer of the first forms of lines.
#[derive(Clone, Copy, Debug)]
pub(in crate::app) struct Base<'a> {
    /// Its name.
    pub(in crate::app) writer: &'a str,
    /// The number of its first line.
    pub(in crate::app) first: u64,
}

/// Returns the writer of the first forms of the lines whose later forms this writer has.
pub(in crate::app) fn base_of_again(writer: &str) -> Option<Base<'_>> {
    let writer = writer.strip_suffix(AGAIN)?;
    let first = writer.rsplit('.').next()?.parse().ok()?;
    Some(Base { writer, first })
}

/// Returns whether this writer has the later forms of lines of the console.
pub(in crate::app) fn is_again(writer: &str) -> bool {
    writer.ends_with(AGAIN)
}

/// Counts the lines of a stream of a run, with which a process that goes on with it continues.
pub(in crate::app) fn count(tx: &Tx<'_>, run: &Run, name: StreamName) -> Result<u64, Error> {
    let mut lines = 0;
    for (attempt, writer, most) in Lineage::of(tx, run)?.streams(tx, run.key, name)? {
        if !is_again(&writer) {
            let stream = Stream { run: run.key, name, attempt, writer: &writer };
            lines += store::blocks::unfenced(tx, stream)?.min(most);
        }
    }
    Ok(lines)
}
