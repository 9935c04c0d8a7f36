//! Stores blocks, the rows of a run, in order of attempt, writer and first row. A block holds the
//! frames of one append as they were sent, or columns that compaction made of several blocks.
//! `app::rows::ingest` writes them, `store::columns` replaces them with merged ones, and
//! `app::read` reads them. This module never looks into a frame. Every function fails only if the
//! database does.

use record::stream::StreamName;

use super::database::{Result, Row, Tx, int, words};

words!(StreamName);

/// The identity of a stream. The rows of each stream are numbered from 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stream<'a> {
    /// The internal key of the run.
    pub(crate) run: i64,
    /// The name of the stream.
    pub(crate) name: StreamName,
    /// The attempt that wrote the stream.
    pub(crate) attempt: u32,
    /// The name of the writer within the attempt.
    pub(crate) writer: &'a str,
}

/// A stored block of a stream.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// The attempt that wrote the block.
    pub(crate) attempt: u32,
    /// The name of the writer within the attempt.
    pub(crate) writer: String,
    /// The number of rows of the stream before the block.
    pub(crate) first: u64,
    /// The number of rows in the block.
    pub(crate) rows: u64,
    /// Whether the rows do not count: another attempt owned the run when they came, or they came
    /// after the grace for late rows.
    pub(crate) fenced: bool,
    /// The bytes of its frames; empty in a merged block.
    pub(crate) frames: Vec<u8>,
    /// The internal key and the head of a merged block.
    pub(crate) merged: Option<(i64, Vec<u8>)>,
}

/// Returns the number of the row with which a stream continues: the number after its last stored
/// row, or 0 if it has no rows.
pub(crate) fn next(tx: &Tx<'_>, stream: Stream<'_>) -> Result<u64> {
    let next = tx.one(
        "SELECT first + rows FROM blocks WHERE run = ?1 AND stream = ?2 AND attempt = ?3 AND \
        writer = ?4
         ORDER BY first DESC LIMIT 1",
        &[&stream.run, &stream.name.name(), &stream.attempt, &stream.writer],
        |row| row.count(0),
    )?;
    Ok(next.unwrap_or(0))
}

/// Returns the number of the row after the last block of a stream that is not fenced; 0 if there is
/// no such block.
pub(crate) fn unfenced(tx: &Tx<'_>, stream: Stream<'_>) -> Result<u64> {
    let end = tx.one(
        "SELECT first + rows FROM blocks WHERE run = ?1 AND stream = ?2 AND attempt = ?3 AND \
        writer = ?4 AND fenced = 0
         ORDER BY first DESC LIMIT 1",
        &[&stream.run, &stream.name.name(), &stream.attempt, &stream.writer],
        |row| row.count(0),
    )?;
    Ok(end.unwrap_or(0))
}

/// Writes a block at the end of its stream. Returns its internal key.
pub(crate) fn insert(
    tx: &Tx<'_>,
    stream: Stream<'_>,
    first: u64,
    rows: u64,
    fenced: bool,
    frames: &[u8],
) -> Result<i64> {
    tx.insert(
        "INSERT INTO blocks (run, stream, attempt, writer, first, rows, fenced, frames)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        &[
            &stream.run,
            &stream.name.name(),
            &stream.attempt,
            &stream.writer,
            &int(first)?,
            &int(rows)?,
            &fenced,
            &frames,
        ],
    )
}

/// Lists the attempts and writers that have blocks of a run's stream, in order. `attempt` 0 means
/// all attempts.
pub(crate) fn writers(
    tx: &Tx<'_>,
    run: i64,
    stream: StreamName,
    attempt: u32,
) -> Result<Vec<(u32, String)>> {
    // Each writer takes one index lookup; `SELECT DISTINCT` would walk over every block of the run.
    // The walk begins at writer "" and attempt 0, which do not exist.
    let (mut at, mut writer, mut found) = (attempt, String::new(), Vec::new());
    loop {
        let next = match (next_writer(tx, run, stream, at, &writer)?, attempt) {
            (None, 0) => next_attempt(tx, run, stream, at)?,
            (next, _) => next,
        };
        let Some(next) = next else { return Ok(found) };
        (at, writer) = next.clone();
        found.push(next);
    }
}

fn next_writer(
    tx: &Tx<'_>,
    run: i64,
    stream: StreamName,
    attempt: u32,
    after: &str,
) -> Result<Option<(u32, String)>> {
    tx.one(
        "SELECT attempt, writer FROM blocks WHERE run = ?1 AND stream = ?2 AND attempt = ?3 AND \
        writer > ?4
         ORDER BY writer LIMIT 1",
        &[&run, &stream.name(), &attempt, &after],
        pair,
    )
}

fn next_attempt(
    tx: &Tx<'_>,
    run: i64,
    stream: StreamName,
    after: u32,
) -> Result<Option<(u32, String)>> {
    tx.one(
        "SELECT attempt, writer FROM blocks WHERE run = ?1 AND stream = ?2 AND attempt > ?3
         ORDER BY attempt, writer LIMIT 1",
        &[&run, &stream.name(), &after],
        pair,
    )
}

fn pair(row: &Row<'_>) -> Result<(u32, String)> {
    Ok((row.get(0)?, row.get(1)?))
}

/// Reads blocks of one stream, from the block that holds row `from` on. It returns at most `limit`
/// blocks, whose stored sizes add up to at most `bytes` bytes. The first block comes even if it is
/// larger.
pub(crate) fn after(
    tx: &Tx<'_>,
    stream: Stream<'_>,
    from: u64,
    limit: u32,
    bytes: usize,
) -> Result<Vec<Block>> {
    let Stream { run, name, attempt, writer } = stream;
    let name = name.name();
    let start = tx.one(
        "SELECT first FROM blocks WHERE run = ?1 AND stream = ?2 AND attempt = ?3 AND writer = ?4 \
        AND first <= ?5
         ORDER BY first DESC LIMIT 1",
        &[&run, &name, &attempt, &writer, &int(from)?],
        |row| row.count(0),
    )?;
    let sizes: Vec<u64> = tx.all(
        "SELECT coalesce(bytes, length(frames)) FROM blocks LEFT JOIN heads ON block = key
         WHERE run = ?1 AND stream = ?2 AND attempt = ?3 AND writer = ?4 AND first >= ?5 AND \
         first + rows > ?6
         ORDER BY first LIMIT ?7",
        &[&run, &name, &attempt, &writer, &int(start.unwrap_or(0))?, &int(from)?, &limit],
        |row| row.count(0),
    )?;
    let (mut fit, mut sum) = (0_u32, 0);
    for size in sizes {
        sum += size;
        if fit > 0 && sum > bytes as u64 {
            break;
        }
        fit += 1;
    }
    tx.all(
        "SELECT attempt, writer, first, rows, fenced, frames, key, head FROM blocks LEFT JOIN \
        heads ON block = key
         WHERE run = ?1 AND stream = ?2 AND attempt = ?3 AND writer = ?4 AND first >= ?5 AND \
         first + rows > ?6
         ORDER BY first LIMIT ?7",
        &[&run, &name, &attempt, &writer, &int(start.unwrap_or(0))?, &int(from)?, &fit],
        read,
    )
}

fn read(row: &Row<'_>) -> Result<Block> {
    let key: i64 = row.get(6)?;
    let head: Option<Vec<u8>> = row.get(7)?;
    Ok(Block {
        attempt: row.get(0)?,
        writer: row.get(1)?,
        first: row.count(2)?,
        rows: row.count(3)?,
        fenced: row.get(4)?,
        frames: row.get(5)?,
        merged: head.map(|head| (key, head)),
    })
}
