//! Reads the rows of stored blocks, whether the blocks hold frames or columns.
//! `app::rows::compaction`, `app::files::checkpoints` and the readers in `app::read` use this
//! module. This module changes no rows.

use std::{fmt::Display, mem};

use record::{
    Row, RowRef, ValueRef, Writer,
    columns::{self, Head},
};
use tokio::sync::SemaphorePermit;

use crate::{
    app::{App, error::Error, read::pages::PAGE_BYTES},
    store::{
        self, Tx,
        blocks::{Block, Stream},
    },
};

/// Calls `show` for each row of a block, in order. `wanted` chooses the keys that the rows of a
/// merged block have. The rows of a block of frames always have all of their keys.
///
/// # Errors
/// Fails with [`Error::Damaged`] if the stored rows are damaged. `show` may have been called for
/// the rows before the damage.
pub(in crate::app) fn each(
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

/// Does the same as [`each`] for the block with this key.
///
/// # Errors
/// Fails as [`each`] does.
pub(in crate::app) fn of(
    tx: &Tx<'_>,
    key: i64,
    wanted: impl Fn(&str) -> bool,
    show: impl FnMut(RowRef<'_>),
) -> Result<(), Error> {
    let (frames, head) = store::columns::content(tx, key)?;
    each(tx, &frames, head.as_deref().map(|head| (key, head)), wanted, show)
}

/// Returns the row of a stream with this number; `None` if the stream has no such row.
///
/// # Errors
/// Fails as [`each`] does.
pub(in crate::app) fn row(
    tx: &Tx<'_>,
    stream: Stream<'_>,
    number: u64,
) -> Result<Option<Row>, Error> {
    let Some(block) = store::blocks::after(tx, stream, number, 1, 0)?.pop() else {
        return Ok(None);
    };
    let merged = block.merged.as_ref().map(|(key, head)| (*key, head.as_slice()));
    let (mut at, mut found) = (block.first, None);
    let show = |row: RowRef<'_>| {
        if at == number {
            found = Some(row.to_row());
        }
        at += 1;
    };
    each(tx, &block.frames, merged, |_| true, show)?;
    Ok(found)
}

/// Returns the first rows of the block with this key as frames, at most `rows` of them.
///
/// # Errors
/// Fails as [`each`] does.
pub(in crate::app) fn first(tx: &Tx<'_>, key: i64, mut rows: u64) -> Result<Vec<u8>, Error> {
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

/// The KiB that one reader may read ahead of its client.
const ONE_AHEAD: u32 = 4 << 10;

/// A reader's permit to read ahead of its client, if the reader got one. A merged block can only be
/// decoded from its start, so a reader that reads page by page decodes the block once per page. A
/// reader with a permit reads ahead, and keeps the permit until its client has taken the rows. A
/// reader without a permit reads page by page.
#[derive(Debug)]
pub(in crate::app) struct Ahead<'a>(Option<SemaphorePermit<'a>>);

impl<'a> Ahead<'a> {
    /// Takes a permit to read ahead if one is free now. Without a free permit, the reader goes on
    /// without one.
    pub(in crate::app) fn take(app: &'a App) -> Self {
        Self(app.ahead.try_acquire_many(ONE_AHEAD).ok())
    }

    /// Returns the number of bytes that the reader may read at once.
    pub(in crate::app) fn bytes(&self) -> usize {
        if self.0.is_some() { ONE_AHEAD as usize * 1024 } else { PAGE_BYTES }
    }

    /// Keeps the permit only if the reader has read frames of more than one block.
    pub(in crate::app) fn keep(self, read: &[Block]) -> Self {
        let bytes: usize = read.iter().skip(1).map(|block| block.frames.len()).sum();
        Self(self.0.filter(|_| bytes > 0))
    }
}

/// Rows on their way to a client, in blocks of frames of about a page each.
#[derive(Debug)]
pub(in crate::app) struct Messages {
    /// The block that the rows belong to, without its frames.
    of: Block,
    writer: Writer,
    frames: Vec<u8>,
    first: u64,
    rows: u64,
    bytes: usize,
    full: Vec<Block>,
}

impl Messages {
    /// Creates an empty list of messages for rows of this block, without a copy of the block's
    /// frames.
    pub(in crate::app) fn of(block: &Block) -> Self {
        let of = Block { writer: block.writer.clone(), frames: Vec::new(), merged: None, ..*block };
        let (writer, frames, full) = (Writer::default(), Vec::new(), Vec::new());
        Self { of, writer, frames, first: 0, rows: 0, bytes: 0, full }
    }

    /// Adds a row with these values. `number` is the row's number in its stream.
    pub(in crate::app) fn add<'a>(
        &mut self,
        number: u64,
        row: &RowRef<'_>,
        values: impl Iterator<Item = (&'a str, ValueRef<'a>)> + Clone,
    ) {
        if self.rows == 0 {
            self.first = number;
        }
        // Every stored row arrived in a frame, so every row fits into a frame.
        self.writer.row(row.step, row.wall_ms, values, &mut self.frames);
        self.rows += 1;
        if self.frames.len() + self.writer.waiting() >= PAGE_BYTES {
            self.close();
        }
    }

    /// Returns the number of bytes of all rows that were added.
    pub(in crate::app) fn bytes(&self) -> usize {
        self.bytes + self.frames.len() + self.writer.waiting()
    }

    /// Completes the last block, and returns all blocks.
    pub(in crate::app) fn finish(mut self) -> Vec<Block> {
        self.close();
        self.full
    }

    fn close(&mut self) {
        self.writer.flush(&mut self.frames);
        if self.rows > 0 {
            self.bytes += self.frames.len();
            let (frames, rows) = (mem::take(&mut self.frames), mem::take(&mut self.rows));
            let Block { attempt, fenced, .. } = self.of;
            let (writer, first) = (self.of.writer.clone(), self.first);
            self.full.push(Block { attempt, writer, first, rows, fenced, frames, merged: None });
        }
    }
}

/// Returns the rows of a block from row `from` of its stream on, until they have `most` bytes or
/// more. A block of frames of at most one page is returned whole.
///
/// # Errors
/// Fails with [`Error::Damaged`] if the stored rows are damaged.
pub(in crate::app) fn messages(
    tx: &Tx<'_>,
    block: Block,
    from: u64,
    most: usize,
) -> Result<Vec<Block>, Error> {
    if block.merged.is_none() && from <= block.first && block.frames.len() <= PAGE_BYTES {
        return Ok(vec![block]);
    }
    let (mut number, mut messages) = (block.first, Messages::of(&block));
    let show = |messages: &mut Messages, number: u64, row: RowRef<'_>| {
        if number >= from && messages.bytes() < most {
            messages.add(number, &row, row.values.iter().copied());
        }
    };
    if let Some((key, head)) = &block.merged {
        let each_row = |row: RowRef<'_>| {
            show(&mut messages, number, row);
            number += 1;
        };
        each(tx, &[], Some((*key, head)), |_| true, each_row)?;
        return Ok(messages.finish());
    }
    for frame in record::frames(&block.frames) {
        let frame = frame.map_err(damaged)?;
        let mut at = number;
        number += frame.rows();
        if number <= from {
            continue;
        }
        if messages.bytes() >= most {
            break;
        }
        frame
            .each(|row| {
                show(&mut messages, at, row);
                at += 1;
            })
            .map_err(damaged)?;
    }
    Ok(messages.finish())
}

/// Returns the error of stored rows that the controller has acknowledged and can no longer read.
pub(in crate::app) fn damaged(reason: impl Display) -> Error {
    Error::damaged(format!("stored rows cannot be read: {reason}"))
}
