//! Blocks: the rows of a run, in order of attempt, writer and first row: frames as they were sent,
//! one block per append, and what `columns` made of them. Called by `app::rows::ingest` (write) and
//! `app::read::views` (read). Never looks into a frame.

use super::database::{Result, Row, Tx, int};

/// Whose stream it is: rows are numbered from 0 in each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stream<'a> {
    /// Internal key of the run.
    pub(crate) run: i64,
    /// "history", "summary", "console", "meta", "files" or "system".
    pub(crate) name: &'a str,
    /// The attempt that wrote it.
    pub(crate) attempt: u32,
    /// Who wrote it.
    pub(crate) writer: &'a str,
}

/// A stored piece of a stream.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// The attempt that wrote it.
    pub(crate) attempt: u32,
    /// Who wrote it.
    pub(crate) writer: String,
    /// Rows of the stream before it.
    pub(crate) first: u64,
    /// Rows in it.
    pub(crate) rows: u64,
    /// Sent when another attempt owned the run.
    pub(crate) fenced: bool,
    /// The bytes; none in a merged block.
    pub(crate) frames: Vec<u8>,
    /// Of a merged block: its internal key and its head.
    pub(crate) merged: Option<(i64, Vec<u8>)>,
}

/// Rows that are stored of a stream: where it goes on.
///
/// # Errors
/// When the database fails.
pub(crate) fn next(tx: &Tx<'_>, stream: Stream<'_>) -> Result<u64> {
    let next = tx.one(
        "SELECT first + rows FROM blocks WHERE run = ?1 AND stream = ?2 AND attempt = ?3 AND \
        writer = ?4
         ORDER BY first DESC LIMIT 1",
        &[&stream.run, &stream.name, &stream.attempt, &stream.writer],
        |row| row.count(0),
    )?;
    Ok(next.unwrap_or(0))
}

/// Rows of a stream, from the first on, that were not fenced.
///
/// # Errors
/// When the database fails.
pub(crate) fn unfenced(tx: &Tx<'_>, stream: Stream<'_>) -> Result<u64> {
    let end = tx.one(
        "SELECT first + rows FROM blocks WHERE run = ?1 AND stream = ?2 AND attempt = ?3 AND \
        writer = ?4 AND fenced = 0
         ORDER BY first DESC LIMIT 1",
        &[&stream.run, &stream.name, &stream.attempt, &stream.writer],
        |row| row.count(0),
    )?;
    Ok(end.unwrap_or(0))
}

/// Writes a block at the end of its stream; gives its internal key.
///
/// # Errors
/// When the database fails.
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
            &stream.name,
            &stream.attempt,
            &stream.writer,
            &int(first)?,
            &int(rows)?,
            &fenced,
            &frames,
        ],
    )
}

/// The writers of a run's stream, with their attempts, in order. `attempt` 0 means all.
///
/// # Errors
/// When the database fails.
pub(crate) fn writers(
    tx: &Tx<'_>,
    run: i64,
    stream: &str,
    attempt: u32,
) -> Result<Vec<(u32, String)>> {
    // One look into the index for each: `SELECT DISTINCT` would walk over every block of the run.
    // No writer is "", and no attempt is 0.
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
    stream: &str,
    attempt: u32,
    after: &str,
) -> Result<Option<(u32, String)>> {
    tx.one(
        "SELECT attempt, writer FROM blocks WHERE run = ?1 AND stream = ?2 AND attempt = ?3 AND \
        writer > ?4
         ORDER BY writer LIMIT 1",
        &[&run, &stream, &attempt, &after],
        pair,
    )
}

fn next_attempt(tx: &Tx<'_>, run: i64, stream: &str, after: u32) -> Result<Option<(u32, String)>> {
    tx.one(
        "SELECT attempt, writer FROM blocks WHERE run = ?1 AND stream = ?2 AND attempt > ?3
         ORDER BY attempt, writer LIMIT 1",
        &[&run, &stream, &after],
        pair,
    )
}

fn pair(row: &Row<'_>) -> Result<(u32, String)> {
    Ok((row.get(0)?, row.get(1)?))
}

/// The blocks of one stream from the one that holds row `from` on, at most `limit`, and no more of
/// them than have `bytes` as they are stored, but one.
///
/// # Errors
/// When the database fails.
pub(crate) fn after(
    tx: &Tx<'_>,
    stream: Stream<'_>,
    from: u64,
    limit: u32,
    bytes: usize,
) -> Result<Vec<Block>> {
    let Stream { run, name, attempt, writer } = stream;
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
