//! The rows of stored blocks, whether these hold frames or columns. Used by `app::compaction`, `app::views` and
//! `app::history`. Changes nothing.

use std::fmt::Display;

use record::{
    RowRef, Writer,
    columns::{self, Head},
};

use super::error::Error;
use crate::store::{self, Tx, blocks::Block};

/// Shows the rows of a block in order. `wanted` chooses the keys of a merged block; of frames all are shown.
///
/// # Errors
/// When the database fails, or what is stored is damaged; the rows before that may have been shown.
pub(super) fn each(
    tx: &Tx<'_>,
    frames: &[u8],
    merged: Option<(i64, &[u8])>,
    wanted: impl Fn(&str) -> bool,
    mut show: impl FnMut(RowRef<'_>),
) -> Result<(), Error> {
    let Some((block, head)) = merged else {
        for frame in record::frames(frames) {
            frame.map_err(damaged)?.each(&mut show).map_err(damaged)?;
        }
        return Ok(());
    };
    let head = Head::read(head).map_err(damaged)?;
    let always = columns::COLUMNS;
    let parts = (0..always + head.columns.len())
        .map(|part| match part.checked_sub(always) {
            Some(column) if !wanted(&head.columns[column].key) => Ok(None),
            _ => store::columns::part(tx, block, part).map(Some),
        })
        .collect::<Result<Vec<_>, _>>()?;
    let parts: Vec<Option<&[u8]>> = parts.iter().map(Option::as_deref).collect();
    columns::each(&head, &parts, show).map_err(damaged)
}

/// As [`each`], of the block with this key.
///
/// # Errors
/// As [`each`].
pub(super) fn of(
    tx: &Tx<'_>,
    key: i64,
    wanted: impl Fn(&str) -> bool,
    show: impl FnMut(RowRef<'_>),
) -> Result<(), Error> {
    let (frames, head) = store::columns::content(tx, key)?;
    each(tx, &frames, head.as_deref().map(|head| (key, head)), wanted, show)
}

/// The first rows of the block with this key, at most so many, as frames.
///
/// # Errors
/// As [`each`].
pub(super) fn first(tx: &Tx<'_>, key: i64, mut rows: u64) -> Result<Vec<u8>, Error> {
    let (mut writer, mut out) = (Writer::default(), Vec::new());
    of(
        tx,
        key,
        |_| true,
        |row| {
            if rows > 0 {
                rows -= 1;
                writer.row(row.step, row.wall_ms, row.values.iter().copied(), &mut out);
            }
        },
    )?;
    writer.flush(&mut out);
    Ok(out)
}

/// A block as frames, from row `from` of its stream on.
///
/// # Errors
/// When the database fails, or what is stored is damaged.
pub(super) fn as_frames(tx: &Tx<'_>, mut block: Block, from: u64) -> Result<Block, Error> {
    if let Some((key, head)) = block.merged.take() {
        let (mut writer, mut out) = (Writer::default(), Vec::new());
        each(
            tx,
            &[],
            Some((key, &head)),
            |_| true,
            |row| {
                // Every row was in a frame before, so it fits into one.
                writer.row(row.step, row.wall_ms, row.values.iter().copied(), &mut out);
            },
        )?;
        writer.flush(&mut out);
        block.frames = out;
    }
    let known = from.saturating_sub(block.first);
    if known > 0 {
        block.frames = record::skip(&block.frames, known).map_err(damaged)?;
        block.first += known;
        block.rows = block.rows.saturating_sub(known);
    }
    Ok(block)
}

/// What is stored was acknowledged once, so it is for us to find out what became of it.
pub(super) fn damaged(reason: impl Display) -> Error {
    Error::Bug(format!("stored rows cannot be read: {reason}"))
}
