//! Reads the history of a run by keys: which keys the history has, their curves, and their rows.
//! The handlers in `api` call this module. This module reads snapshots beside the writer thread and
//! changes nothing. Rows are streamed block by block.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

use record::{
    RowRef,
    columns::{Column, Encoder, Kind},
    ids::RunId,
    stream::StreamName,
};
use serde_json::Value as Json;

use super::{
    buckets::Bucket,
    curves::{Axis, History, Window},
    pages::{self, Outlet, Streamed},
    views::BlockView,
};
use crate::{
    app::{
        App,
        error::Error,
        people::{
            caller::{Caller, Right},
            permit,
        },
        rows::{
            pieces::{self, Ahead, Messages, damaged},
            summaries,
        },
        runs::{lineage::Lineage, lookup},
    },
    store::{self, Tx, blocks::Stream},
};

const HISTORY: StreamName = StreamName::History;

/// The sum-up of the values that a run logged under one name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Key {
    /// The kinds of the values: `number`, `bool`, `text`, or the `_type` of JSON objects.
    pub(crate) types: BTreeSet<String>,
    /// The number of values under the name.
    pub(crate) count: u64,
    /// The smallest and the largest step with a value.
    pub(crate) steps: Option<(u64, u64)>,
    /// The smallest and the largest finite number; `None` if no value is a finite number.
    pub(crate) range: Option<(f64, f64)>,
    /// Three counts: of the values that are NaN, of those that are infinity, and of those that are
    /// minus infinity.
    pub(crate) odd: [u64; 3],
}

/// Returns the keys of one of a run's streams, sorted by name.
///
/// # Errors
/// Fails with [`Error::Missing`] if the run does not exist.
pub(crate) async fn keys(
    app: &Arc<App>,
    caller: &Caller,
    run: RunId,
    stream: StreamName,
) -> Result<BTreeMap<String, Key>, Error> {
    permit::run(app, caller, Right::See, &run).await?;
    app.read(move |tx, _| {
        let run = lookup::find(tx, &run)?;
        let mut keys = BTreeMap::new();
        let (mut unmerged, mut heads) = (Encoder::default(), Vec::new());
        History::open(tx, &run, stream)?.each(
            |frames| {
                pieces::each(
                    tx,
                    frames,
                    None,
                    |_| true,
                    |row| {
                        if !unmerged.add(row) {
                            heads.extend_from_slice(std::mem::take(&mut unmerged).columns());
                            unmerged.add(row);
                        }
                    },
                )
            },
            |head| head.columns.iter().for_each(|column| add(&mut keys, column)),
        )?;
        heads.iter().chain(unmerged.columns()).for_each(|column| add(&mut keys, column));
        name_objects(&mut keys, &summaries::of(tx, &run)?.to_json(&[]));
        Ok(keys)
    })
    .await
}

fn add(keys: &mut BTreeMap<String, Key>, column: &Column) {
    let key = keys.entry(column.key.clone()).or_default();
    let kind = match column.kind {
        Kind::F64 | Kind::I64 | Kind::U64 => "number",
        Kind::Bool => "bool",
        Kind::Text => "text",
        Kind::Json => "object",
    };
    key.types.insert(kind.to_owned());
    key.count += column.count as u64;
    let (least, last) = key.steps.unwrap_or(column.steps);
    key.steps = Some((least.min(column.steps.0), last.max(column.steps.1)));
    if let Some(range) = column.range {
        let (least, most) = key.range.unwrap_or(range);
        key.range = Some((least.min(range.0), most.max(range.1)));
    }
    key.odd.iter_mut().zip(column.odd).for_each(|(sum, count)| *sum += count as u64);
}

/// Replaces the kind `object` of each key by the `_type` of the key's value in the summary, if this
/// value has one.
fn name_objects(keys: &mut BTreeMap<String, Key>, summary: &Json) {
    for (name, key) in keys {
        let own = summary.get(name).and_then(|value| value.get("_type")).and_then(Json::as_str);
        if let Some(own) = own
            && key.types.remove("object")
        {
            key.types.insert(own.to_owned());
        }
    }
}

/// Returns the curves of the requested keys, in the order of the request. A key that was never
/// logged as a number has no buckets. If `window` asks for 0 buckets, each curve gets
/// `Limits::curve_buckets`.
///
/// # Errors
/// Fails with [`Error::Missing`] if the run does not exist, and with [`Error::Invalid`] if the
/// caller asks for more than the limits allow.
pub(crate) async fn curves(
    app: &Arc<App>,
    caller: &Caller,
    run: RunId,
    keys: Vec<String>,
    mut window: Window,
) -> Result<Vec<(String, Vec<Bucket>)>, Error> {
    permit::run(app, caller, Right::See, &run).await?;
    let limits = &app.settings.limits;
    if keys.is_empty() || keys.len() > limits.curve_keys {
        let message = format!(
            "the request names {} keys; it may name 1 to {}",
            keys.len(),
            limits.curve_keys
        );
        return Err(Error::invalid(message));
    }
    if window.buckets == 0 {
        window.buckets = limits.curve_buckets;
    }
    let (buckets, most) = (window.buckets.saturating_mul(keys.len()), limits.most_buckets);
    if buckets > most {
        return Err(Error::invalid(format!(
            "the curves have {buckets} buckets in all; the limit is {most}"
        )));
    }
    if window.steps.is_empty() {
        return Err(Error::invalid("the range of steps ends before it begins"));
    }
    if window.axis == Axis::Key(String::new()) {
        return Err(Error::invalid("a curve over a key needs its name"));
    }
    app.read(move |tx, _| {
        let history = History::open(tx, &lookup::find(tx, &run)?, HISTORY)?;
        let curve = |key: String| Ok((key.clone(), history.curve(&key, &window)?));
        keys.into_iter().map(curve).collect()
    })
    .await
}

/// The rows of a run's history that a caller asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// The run's id.
    pub(crate) run: RunId,
    /// The requested keys. Rows without any of these keys are left out, and the other rows are
    /// reduced to these keys. If there are no requested keys, all rows are returned whole.
    pub(crate) keys: HashSet<String>,
    /// The number of matching rows to leave out at the start.
    pub(crate) from: u64,
    /// The most rows to return; 0 means all.
    pub(crate) limit: u64,
    /// The number of matching rows at the end to return. If it is not 0, it replaces `from`.
    pub(crate) last: u64,
    /// Whether to include the rows that do not count, because a later attempt began anew or resumed
    /// from a checkpoint before them.
    pub(crate) all: bool,
}

impl Wanted {
    fn key(&self, key: &str) -> bool {
        self.keys.is_empty() || self.keys.contains(key)
    }

    fn row(&self, row: &RowRef<'_>) -> bool {
        self.keys.is_empty() || row.values.iter().any(|(key, _)| self.keys.contains(*key))
    }
}

/// Returns rows as they were logged, in the order of attempt, writer and row. Rows of earlier
/// attempts are included as far as they belong to the run's [`Lineage`], or if the caller asks for
/// all rows. The returned rows may include rows that are marked as fenced.
///
/// # Errors
/// Fails with [`Error::Missing`] if the run does not exist.
pub(crate) async fn rows(
    app: &Arc<App>,
    caller: &Caller,
    mut wanted: Wanted,
) -> Result<Streamed<BlockView>, Error> {
    permit::run(app, caller, Right::See, &wanted.run).await?;
    let asked = wanted.clone();
    let (source, count) = app
        .read(move |tx, _| {
            let run = lookup::find(tx, &asked.run)?;
            let lineage = if asked.all { Lineage::default() } else { Lineage::of(tx, &run)? };
            let source = Source { run: run.key, lineage };
            let count = if asked.last > 0 { count(tx, &source, &asked)? } else { 0 };
            Ok((source, count))
        })
        .await?;
    if wanted.last > 0 {
        wanted.from = count.saturating_sub(wanted.last);
    }
    let app = app.clone();
    Ok(pages::stream(|outlet| async move { send_rows(&app, source, wanted, &outlet).await }))
}

/// The source of rows: the key of a run, and the run's lineage when the call began.
#[derive(Debug)]
struct Source {
    run: i64,
    lineage: Lineage,
}

/// Returns how many rows have a requested key. The numbers of rows to leave out or to return play
/// no role.
fn count(tx: &Tx<'_>, source: &Source, wanted: &Wanted) -> Result<u64, Error> {
    let mut rows = 0;
    for (attempt, writer, counted) in source.lineage.streams(tx, source.run, HISTORY)? {
        let stream = Stream { run: source.run, name: HISTORY, attempt, writer: &writer };
        for piece in store::columns::pieces(tx, stream)? {
            let mut counted = counted.saturating_sub(piece.first).min(piece.rows);
            if wanted.keys.is_empty() || counted == 0 {
                rows += counted;
                continue;
            }
            pieces::of(
                tx,
                piece.key,
                |key| wanted.key(key),
                |row| {
                    rows += u64::from(counted > 0 && wanted.row(&row));
                    counted = counted.saturating_sub(1);
                },
            )?;
        }
    }
    Ok(rows)
}

/// The position of a reader: an attempt's writer, and the number of the next row in the writer's
/// stream.
#[derive(Clone, Debug, Default)]
struct At {
    attempt: u32,
    writer: String,
    next: u64,
}

async fn send_rows(
    app: &Arc<App>,
    source: Source,
    wanted: Wanted,
    outlet: &Outlet<BlockView>,
) -> Result<(), Error> {
    let mut at = At::default();
    let mut skip = wanted.from;
    let mut left = if wanted.limit == 0 { u64::MAX } else { wanted.limit };
    let asked = Arc::new((source, wanted));
    while left > 0 && outlet.is_wanted().await {
        let room = Ahead::take(app);
        let (now, asked, most) =
            (at, asked.clone(), Most { skip, rows: left, bytes: room.bytes() });
        let step = app.read(move |tx, _| next_rows(tx, &asked.0, &asked.1, now, most)).await?;
        let Some((then, passed, blocks)) = step else { return Ok(()) };
        at = then;
        skip -= passed;
        let _room = room.keep(&blocks);
        // If there is no block to send, the client still waits, and the loop reads on.
        for block in blocks {
            left -= block.rows;
            if !outlet.send(block).await {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The most rows that one call of [`next_rows`] may skip, and the most rows and bytes that the call
/// may return.
#[derive(Clone, Copy, Debug)]
struct Most {
    skip: u64,
    rows: u64,
    bytes: usize,
}

/// Returns the requested rows of the next block, until they have `most.bytes` bytes. Also returns
/// the reader's position after these rows, and the number of skipped rows. Returns `None` if there
/// is no further block.
fn next_rows(
    tx: &Tx<'_>,
    source: &Source,
    wanted: &Wanted,
    at: At,
    most: Most,
) -> Result<Option<(At, u64, Vec<BlockView>)>, Error> {
    let Some((at, end, mut block)) = next_block(tx, source, at)? else { return Ok(None) };
    let whole = block.first + block.rows;
    let mut then = At { next: whole.min(end), ..at.clone() };
    let unread = then.next - block.first.max(at.next);
    if wanted.keys.is_empty() && unread <= most.skip {
        // All rows match, and all unread rows of this block are to be skipped. So this block need
        // not be decoded.
        return Ok(Some((then, unread, Vec::new())));
    }
    let (mut messages, mut number, mut passed, mut taken) =
        (Messages::of(&block), block.first, 0, 0);
    let merged = block.merged.take();
    let merged = merged.as_ref().map(|(key, head)| (*key, head.as_slice()));
    pieces::each(
        tx,
        &block.frames,
        merged,
        |key| wanted.key(key),
        |row| {
            let here = number;
            number += 1;
            if !(at.next..then.next).contains(&here) || !wanted.row(&row) || taken == most.rows {
                return;
            }
            if passed < most.skip {
                passed += 1;
                return;
            }
            if messages.bytes() >= most.bytes {
                // The next call starts with this row.
                then.next = here;
                return;
            }
            taken += 1;
            let values = row.values.iter().copied().filter(|(key, _)| wanted.key(key));
            messages.add(here, &row, values);
        },
    )?;
    if number != whole {
        return Err(damaged("the number of rows is wrong"));
    }
    Ok(Some((then, passed, messages.finish())))
}

/// Returns the block with the next row that counts, the reader's position, and the end of the rows
/// that count in the block's stream. Returns `None` if no further row counts.
fn next_block(tx: &Tx<'_>, source: &Source, at: At) -> Result<Option<(At, u64, BlockView)>, Error> {
    let Source { run, lineage } = source;
    for (attempt, writer, end) in lineage.streams(tx, *run, HISTORY)? {
        if (attempt, &writer) < (at.attempt, &at.writer) {
            continue;
        }
        let next = if (attempt, &writer) == (at.attempt, &at.writer) { at.next } else { 0 };
        let stream = Stream { run: *run, name: HISTORY, attempt, writer: &writer };
        if next < end
            && let Some(block) = store::blocks::after(tx, stream, next, 1, 0)?.pop()
        {
            return Ok(Some((At { attempt, writer, next }, end, block)));
        }
    }
    Ok(None)
}
