//! Merges many small appends into a few blocks of columns, in the background. `app::upkeep::step`
//! calls this module; `app::rows::unmerged` lists the streams that may have work. An append waits
//! at most for one short transaction of a merge. A merge raises the level of its rows, and a row is
//! merged at most once into each level. A crash at any point leaves either the old blocks or the
//! new ones. A merged block never mixes rows of different attempts or writers, or fenced rows with
//! other rows. This module also removes whole blocks from the middle of a long console.

use std::{ops::Range, sync::Arc, time::Duration};

use record::{
    columns::{Block, Encoder},
    stream::StreamName,
};
use tokio::time::Instant;

use super::{
    pieces,
    unmerged::{APPENDED_BYTES, APPENDS, Place, Waiting},
};
use crate::{
    app::{App, error::Error},
    store::{
        self, Tx,
        blocks::Stream,
        columns::{FULL, Piece},
    },
};

/// The number of merged blocks of one level that make a merge into the next level due.
const FAN: usize = 8;
/// The most bytes that one merge reads. A first piece that is larger is merged alone. The limit
/// bounds a merge's memory and the length of its transaction.
const MERGED_BYTES: u64 = 8 << 20;
/// The most parts that one merge writes. If a merge has more parts, few rows share a key and
/// columns save nothing. So the pieces of such a merge stay as they are.
const PARTS: usize = 4096;
/// The least size in bytes at which a single append is rewritten as columns after its run is over.
const ALONE_BYTES: u64 = 64 << 10;
/// The time after which a step begins no further merge.
const STEP: Duration = Duration::from_millis(200);

/// Merges the streams that are due, for a bounded time. If the database is busy, the next step
/// tries the same stream again.
pub(in crate::app) async fn step(app: &Arc<App>) -> Result<(), Error> {
    if app.compaction.lock().is_none() {
        find(app).await?;
    }
    let begun = app.clock.now();
    for place in app.compaction.due(begun) {
        if app.clock.now() >= begun + STEP || app.is_draining() {
            break;
        }
        app.compaction.begin(&place, begun);
        match settle(app, &place, begun + STEP).await {
            Ok(left) => app.compaction.end(&place, left),
            Err(Error::Busy(busy)) => {
                app.compaction.end(&place, Some((APPENDS, 0)));
                return Err(Error::Busy(busy));
            }
            Err(error) => {
                // Damage in one stream does not stop the merges of other streams. The damaged
                // stream stays in pieces.
                tracing::warn!(
                    "compaction of the stream `{}` of run {} failed: {error}",
                    place.stream.name(),
                    place.run
                );
                app.compaction.end(&place, None);
            }
        }
    }
    Ok(())
}

/// Merges the rows of one stream until nothing is left to merge, or until the time `until`. Returns
/// the argument `left` for [`Compaction::end`](super::unmerged::Compaction::end).
async fn settle(
    app: &Arc<App>,
    place: &Place,
    until: Instant,
) -> Result<Option<(usize, u64)>, Error> {
    while app.clock.now() < until && !app.is_draining() {
        if let Outcome::Rests { left } = merge(app, place).await? {
            return Ok(left);
        }
    }
    Ok(Some((APPENDS, 0)))
}

/// Adds the stored streams that are in pieces to the list, after the controller has started.
async fn find(app: &Arc<App>) -> Result<(), Error> {
    // The list exists before the database is read. So it also records the appends that arrive
    // during the read.
    app.compaction.lock().get_or_insert_default();
    let found = app.read(|tx, _| Ok(store::columns::pieced(tx)?)).await?;
    let now = app.clock.now();
    let mut places = app.compaction.lock();
    let places = places.get_or_insert_default();
    for store::columns::Pieced { run, stream, attempt, writer, blocks } in found {
        let place = Place { run, stream, attempt, writer };
        let waiting = places.entry(place).or_insert(Waiting { appends: 0, bytes: 0, since: now });
        waiting.appends += usize::try_from(blocks).unwrap_or(usize::MAX / 2);
    }
    Ok(())
}

enum Outcome {
    Merged,
    /// There is nothing to merge until more rows are appended or the run is over. `left` is the
    /// argument for [`Compaction::end`](super::unmerged::Compaction::end).
    Rests {
        left: Option<(usize, u64)>,
    },
}

async fn merge(app: &Arc<App>, place: &Place) -> Result<Outcome, Error> {
    let wanted = place.clone();
    let read = app.read(move |tx, app| {
        let is_over = store::runs::state(tx, wanted.run)?.is_none_or(|state| !state.is_live());
        let all = store::columns::pieces(tx, wanted.stream())?;
        let part = app.settings.limits.console_part;
        if let Some(range) = middle(&all, part).filter(|_| wanted.stream == StreamName::Console) {
            return Ok(Ok((all[range].to_vec(), Vec::new())));
        }
        let Some((range, level)) = plan(&all, is_over) else {
            return Ok(Err((!is_over).then(|| tail(&all))));
        };
        let some = all[range].to_vec();
        let merged = encode(tx, &some, level)?;
        Ok(Ok((some, merged)))
    });
    let (some, merged) = match read.await? {
        Ok(found) => found,
        Err(left) => return Ok(Outcome::Rests { left }),
    };
    if merged.iter().map(|(_, block)| block.parts.len()).sum::<usize>() > PARTS {
        return Ok(Outcome::Rests { left: None });
    }
    let place = place.clone();
    app.change(move |change| {
        match store::columns::replace(change.tx, place.stream(), &some, &merged)? {
            true => Ok(Outcome::Merged),
            false => Err(Error::Bug("pieces changed while they were merged".to_owned())),
        }
    })
    .await
}

impl Place {
    fn stream(&self) -> Stream<'_> {
        Stream { run: self.run, name: self.stream, attempt: self.attempt, writer: &self.writer }
    }
}

/// Returns the pieces to merge and the level of the result, or `None` if no merge is due. A merge
/// takes neighbouring pieces. A merge raises its pieces to the next level, and takes at least `FAN`
/// blocks of a level above 0. So the number of times that a row is rewritten grows with the
/// logarithm of the number of rows. After the run is over, the remaining pieces are merged once
/// more.
fn plan(pieces: &[Piece], is_over: bool) -> Option<(Range<usize>, u32)> {
    let highest = pieces.iter().map(|piece| piece.level).filter(|level| *level < FULL).max()?;
    for level in 0..=highest {
        let mergeable = |piece: &Piece| piece.level <= level;
        for range in stretches(pieces, mergeable) {
            let here = || pieces[range.clone()].iter().filter(|piece| piece.level == level);
            let bytes: u64 = here().map(|piece| piece.bytes).sum();
            let is_due = match level {
                0 => here().count() >= APPENDS || bytes >= APPENDED_BYTES,
                _ => here().count() >= FAN,
            };
            if is_due {
                return Some((bounded(pieces, range), level + 1));
            }
        }
    }
    let rest = |range: &Range<usize>| {
        let first = &pieces[range.start];
        range.len() > 1 || (first.level == 0 && first.bytes >= ALONE_BYTES)
    };
    let last = stretches(pieces, |piece| piece.level < FULL).find(rest).filter(|_| is_over)?;
    Some((bounded(pieces, last), FULL))
}

/// Returns the pieces to remove from a console: those between its first `part` bytes and its last
/// `part` bytes. Returns `None` unless the console has more than three times `part` bytes.
fn middle(pieces: &[Piece], part: u64) -> Option<Range<usize>> {
    let all: u64 = pieces.iter().map(|piece| piece.bytes).sum();
    let within = || {
        let mut bytes = 0;
        move |piece: &&Piece| {
            let before = bytes;
            bytes += piece.bytes;
            before < part
        }
    };
    let start = pieces.iter().take_while(within()).count();
    let end = pieces.len() - pieces.iter().rev().take_while(within()).count();
    (all > 3 * part && start < end).then_some(start..end)
}

/// Returns the number and the bytes of the unmerged appends at the end of a stream, which a merge
/// could join with the next append.
fn tail(pieces: &[Piece]) -> (usize, u64) {
    let fenced = pieces.last().is_some_and(|piece| piece.fenced);
    let own = pieces.iter().rev().take_while(|piece| piece.level == 0 && piece.fenced == fenced);
    own.fold((0, 0), |(count, bytes), piece| (count + 1, bytes + piece.bytes))
}

/// Returns every stretch of neighbouring pieces that may be merged with each other. Each stretch is
/// as long as possible.
fn stretches(
    pieces: &[Piece],
    mergeable: impl Fn(&Piece) -> bool,
) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + pieces[at..].iter().position(&mergeable)?;
        let same = |one: &Piece, next: &Piece| {
            mergeable(next) && next.fenced == one.fenced && next.first == one.first + one.rows
        };
        at = start
            + 1
            + pieces[start..].windows(2).take_while(|pair| same(&pair[0], &pair[1])).count();
        Some(start..at)
    })
}

fn bounded(pieces: &[Piece], range: Range<usize>) -> Range<usize> {
    let mut bytes = 0;
    let count = pieces[range.clone()].iter().take_while(|piece| {
        let is_first = bytes == 0;
        bytes += piece.bytes;
        is_first || bytes <= MERGED_BYTES
    });
    range.start..range.start + count.count()
}

/// Returns the rows of the pieces as blocks of columns. Every block but the last is full and is
/// never merged again.
fn encode(tx: &Tx<'_>, pieces: &[Piece], level: u32) -> Result<Vec<(u32, Block)>, Error> {
    let (mut encoder, mut blocks) = (Encoder::default(), Vec::new());
    for piece in pieces {
        pieces::of(
            tx,
            piece.key,
            |_| true,
            |row| {
                if !encoder.add(row) {
                    blocks.push((FULL, encoder.finish()));
                    encoder.add(row);
                }
            },
        )?;
    }
    blocks.push((level, encoder.finish()));
    let rows: u64 = blocks.iter().map(|(_, block)| block.rows as u64).sum();
    if rows != pieces.iter().map(|piece| piece.rows).sum::<u64>() {
        return Err(pieces::damaged("the number of rows is wrong"));
    }
    Ok(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(first: u64, level: u32, bytes: u64, fenced: bool) -> Piece {
        Piece { key: first as i64 + 1, first, rows: 1, bytes, fenced, level }
    }

    #[test]
    fn merges_wait_until_they_are_worth_it() {
        let pieces: Vec<_> = (0..63).map(|first| piece(first, 0, 10, false)).collect();
        assert_eq!(plan(&pieces, false), None);
        assert_eq!(plan(&pieces, true), Some((0..63, FULL)));
        assert_eq!(plan(&[piece(0, 0, APPENDED_BYTES, false)], false), Some((0..1, 1)));
        assert_eq!(plan(&[piece(0, 1, APPENDED_BYTES, false)], true), None);
        assert_eq!(plan(&[], true), None);
    }

    #[test]
    fn fenced_rows_are_merged_only_with_each_other() {
        let pieces: Vec<_> =
            (0..9).map(|first| piece(first, 0, 10, (3..5).contains(&first))).collect();
        assert_eq!(plan(&pieces, true), Some((0..3, FULL)));
    }

    #[test]
    fn the_middle_of_a_console_is_removed_in_whole_blocks() {
        let mut pieces: Vec<_> = (0..30).map(|first| piece(first, 0, 10, false)).collect();
        assert_eq!(middle(&pieces, 100), None);
        pieces.push(piece(30, 0, 1, false));
        assert_eq!(middle(&pieces, 100), Some(10..20));
        pieces.drain(10..20);
        assert_eq!(middle(&pieces, 100), None);
        assert_eq!(plan(&pieces, true), Some((0..10, FULL)), "nothing is merged over the gap");
        assert_eq!(middle(&[piece(0, 0, 900, false), piece(1, 0, 900, false)], 100), None);
    }

    #[test]
    fn the_tail_starts_after_the_last_fenced_piece() {
        let pieces: Vec<_> = (0..40).map(|first| piece(first, 0, 10, first < 10)).collect();
        assert_eq!(tail(&pieces), (30, 300));
    }

    #[test]
    fn every_row_is_rewritten_only_a_few_times() {
        let (mut pieces, mut rewritten) = (Vec::new(), 0);
        for first in 0..100_000 {
            pieces.push(piece(first, 0, 10, false));
            while let Some((range, level)) = plan(&pieces, false) {
                let some = &pieces[range.clone()];
                rewritten += some.iter().map(|piece| piece.rows).sum::<u64>();
                let rows = some.iter().map(|piece| piece.rows).sum();
                let merged = Piece { rows, level, bytes: rows * 4, ..some[0] };
                pieces.splice(range, [merged]);
            }
        }
        assert!(rewritten <= 5 * 100_000, "{rewritten}");
        assert!(pieces.len() < 64 + 5 * 8, "{}", pieces.len());
    }
}
