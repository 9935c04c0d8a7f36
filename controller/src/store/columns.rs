//! Stores blocks of columns: the head of each, and its parts in database rows of their own. So a
//! reader of one key does not read the columns of other keys. `app::rows::compaction` writes them
//! and `app::rows::pieces` reads them. This module never looks into a head or a part. Every
//! function fails only if the database does, unless its comment says more.

use record::{columns::Block, stream::StreamName};

use super::{
    blocks::{self, Stream},
    database::{Error, Result, Tx, int},
};

/// The level of a block that is not merged any more.
pub(crate) const FULL: u32 = 255;

/// The number of keys in the table `parts` that are set aside for each block. Every block has fewer
/// parts.
const PARTS: i64 = 1 << 21;

/// A stored piece of a stream, as compaction sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The internal key of the block.
    pub(crate) key: i64,
    /// The number of rows of the stream before the block.
    pub(crate) first: u64,
    /// The number of rows in the block.
    pub(crate) rows: u64,
    /// The size in bytes of its parts if the block was merged, and of its frames otherwise.
    pub(crate) bytes: u64,
    /// Whether the rows do not count, as in [`blocks::Block`].
    pub(crate) fenced: bool,
    /// How often its rows were merged. A block of level 0 holds frames, as they were sent. A block
    /// of level [`FULL`] is never merged again.
    pub(crate) level: u32,
}

/// A stream with the number of its blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pieced {
    /// The internal key of the run.
    pub(crate) run: i64,
    /// The name of the stream.
    pub(crate) stream: StreamName,
    /// The attempt that wrote the stream.
    pub(crate) attempt: u32,
    /// The name of the writer within the attempt.
    pub(crate) writer: String,
    /// The number of the stream's blocks.
    pub(crate) blocks: u64,
}

/// Lists every stream that is in more than one block. It walks over an index of all blocks, so the
/// controller calls it only once after its start. It leaves out a stream whose name is damaged.
pub(crate) fn pieced(tx: &Tx<'_>) -> Result<Vec<Pieced>> {
    let found = tx.all(
        "SELECT run, stream, attempt, writer, count(*) FROM blocks GROUP BY run, stream, attempt, \
        writer
         HAVING count(*) > 1",
        &[],
        |row| {
            let Some(stream) = StreamName::from_name(row.text(1)?) else { return Ok(None) };
            Ok(Some(Pieced {
                run: row.get(0)?,
                stream,
                attempt: row.get(2)?,
                writer: row.get(3)?,
                blocks: row.count(4)?,
            }))
        },
    )?;
    Ok(found.into_iter().flatten().collect())
}

/// Lists the pieces of a stream in order, without their contents.
pub(crate) fn pieces(tx: &Tx<'_>, stream: Stream<'_>) -> Result<Vec<Piece>> {
    tx.all(
        "SELECT key, first, rows, coalesce(bytes, length(frames)), fenced, coalesce(level, 0)
         FROM blocks LEFT JOIN heads ON block = key
         WHERE run = ?1 AND stream = ?2 AND attempt = ?3 AND writer = ?4 ORDER BY first",
        &[&stream.run, &stream.name.name(), &stream.attempt, &stream.writer],
        |row| {
            Ok(Piece {
                key: row.get(0)?,
                first: row.count(1)?,
                rows: row.count(2)?,
                bytes: row.count(3)?,
                fenced: row.get(4)?,
                level: row.get(5)?,
            })
        },
    )
}

/// Reads the frames of a block and, if it was merged, its head. Fails if there is no such block.
pub(crate) fn content(tx: &Tx<'_>, block: i64) -> Result<(Vec<u8>, Option<Vec<u8>>)> {
    let content = tx.one(
        "SELECT frames, head FROM blocks LEFT JOIN heads ON block = key WHERE key = ?1",
        &[&block],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    content.ok_or_else(|| Error::Corrupt(format!("block {block} is missing")))
}

/// Reads one part of a merged block. Fails if there is no such part.
pub(crate) fn part(tx: &Tx<'_>, block: i64, part: usize) -> Result<Vec<u8>> {
    let bytes =
        tx.one("SELECT bytes FROM parts WHERE key = ?1", &[&key(block, part)?], |row| row.get(0))?;
    bytes.ok_or_else(|| Error::Corrupt(format!("part {part} of block {block} is missing")))
}

/// Replaces neighbouring pieces of a stream with merged blocks, each with its level. Without merged
/// blocks, it removes the pieces. Returns `false` if one of the pieces does not exist any more. The
/// caller must then undo the transaction's writes and read the pieces again.
pub(crate) fn replace(
    tx: &Tx<'_>,
    stream: Stream<'_>,
    pieces: &[Piece],
    merged: &[(u32, Block)],
) -> Result<bool> {
    for piece in pieces {
        let gone = tx.run(
            "DELETE FROM blocks WHERE key = ?1 AND run = ?2 AND first = ?3 AND rows = ?4",
            &[&piece.key, &stream.run, &int(piece.first)?, &int(piece.rows)?],
        )?;
        if gone == 0 {
            return Ok(false);
        }
        drop_columns(tx, piece.key)?;
    }
    let Some(first) = pieces.first() else { return Ok(true) };
    let mut at = first.first;
    for (level, block) in merged {
        let new = blocks::insert(tx, stream, at, block.rows as u64, first.fenced, &[])?;
        at += block.rows as u64;
        let bytes: usize = block.parts.iter().map(Vec::len).sum();
        tx.run(
            "INSERT INTO heads (block, level, bytes, head) VALUES (?1, ?2, ?3, ?4)",
            &[&new, level, &int(bytes as u64)?, &block.head],
        )?;
        for (number, bytes) in block.parts.iter().enumerate() {
            tx.run("INSERT INTO parts (key, bytes) VALUES (?1, ?2)", &[&key(new, number)?, bytes])?;
        }
    }
    Ok(true)
}

/// Removes blocks of a run, at most `limit` blocks with `bytes` bytes together, but at least one if
/// there is one. Returns the number of removed blocks and their bytes.
pub(crate) fn remove(tx: &Tx<'_>, run: i64, limit: usize, bytes: u64) -> Result<(usize, u64)> {
    let (mut removed, mut sum): (Vec<i64>, u64) = (Vec::new(), 0);
    tx.each(
        "SELECT key, coalesce(bytes, length(frames)) FROM blocks LEFT JOIN heads ON block = key
         WHERE run = ?1 LIMIT ?2",
        &[&run, &int(limit as u64)?],
        |row| {
            let size = row.count(1)?;
            let fits = removed.is_empty() || sum + size <= bytes;
            if fits {
                removed.push(row.get(0)?);
                sum += size;
            }
            Ok::<_, Error>(fits)
        },
    )?;
    for block in &removed {
        tx.run("DELETE FROM blocks WHERE key = ?1", &[block])?;
        drop_columns(tx, *block)?;
    }
    Ok((removed.len(), sum))
}

/// Removes the head and the parts of a block, if it was merged.
fn drop_columns(tx: &Tx<'_>, block: i64) -> Result<()> {
    tx.run("DELETE FROM heads WHERE block = ?1", &[&block])?;
    tx.run(
        "DELETE FROM parts WHERE key BETWEEN ?1 AND ?2",
        &[&key(block, 0)?, &(key(block + 1, 0)? - 1)],
    )?;
    Ok(())
}

fn key(block: i64, part: usize) -> Result<i64> {
    let part = i64::try_from(part).ok().filter(|part| *part < PARTS);
    let key = part.and_then(|part| block.checked_mul(PARTS)?.checked_add(part));
    key.ok_or_else(|| Error::Corrupt(format!("block {block} has no such part")))
}
