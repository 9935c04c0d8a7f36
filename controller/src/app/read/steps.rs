//! Reads rows of a run by their steps: all rows in a range of steps, or an even sample of them.
//! `api::wandb` calls this module. Blocks of columns outside the range are not read. This module
//! changes nothing.

use std::{collections::HashSet, ops::Range, sync::Arc};

use record::{Row, RowRef, columns::Head, ids::RunId, stream::StreamName};

use crate::{
    app::{
        App,
        error::Error,
        people::{
            caller::{Caller, Right},
            permit,
        },
        rows::pieces::{self, damaged},
        runs::{lineage::Lineage, lookup},
    },
    store::{self, Tx, blocks::Stream, runs::Run},
};

/// The rows that a caller asks for.
#[derive(Clone, Debug)]
pub(crate) struct Slice {
    /// The run's id.
    pub(crate) run: RunId,
    /// The stream.
    pub(crate) stream: StreamName,
    /// The keys. Rows without one of them are left out, and the other rows are reduced to them. If
    /// there are no keys, all rows are returned whole.
    pub(crate) keys: HashSet<String>,
    /// The steps.
    pub(crate) steps: Range<u64>,
    /// The most rows, chosen evenly from all.
    pub(crate) most: usize,
}

/// Returns the rows in the order of their steps.
///
/// # Errors
/// Fails with [`Error::Missing`] if the run does not exist.
pub(crate) async fn rows(app: &Arc<App>, caller: &Caller, slice: Slice) -> Result<Vec<Row>, Error> {
    permit::run(app, caller, Right::See, &slice.run).await?;
    app.read(move |tx, _| read(tx, &lookup::find(tx, &slice.run)?, &slice)).await
}

fn read(tx: &Tx<'_>, run: &Run, slice: &Slice) -> Result<Vec<Row>, Error> {
    let mut sample = Sample::new(slice.most);
    let wanted = |key: &str| slice.keys.is_empty() || slice.keys.contains(key);
    for (attempt, writer, counted) in Lineage::of(tx, run)?.streams(tx, run.key, slice.stream)? {
        let stream = Stream { run: run.key, name: slice.stream, attempt, writer: &writer };
        for piece in store::columns::pieces(tx, stream)? {
            let mut counted = counted.saturating_sub(piece.first).min(piece.rows);
            if piece.fenced || counted == 0 {
                continue;
            }
            let (frames, head) = store::columns::content(tx, piece.key)?;
            if let Some(head) = &head
                && !may_have(&Head::read(head).map_err(damaged)?, slice)
            {
                continue;
            }
            let merged = head.as_deref().map(|head| (piece.key, head));
            pieces::each(tx, &frames, merged, wanted, |row| {
                if counted > 0 {
                    counted -= 1;
                    take(&mut sample, &row, slice);
                }
            })?;
        }
    }
    let mut rows = sample.finish();
    // The sort is stable: rows of one step stay in the order of attempt, writer and row.
    rows.sort_by_key(|row| row.step);
    Ok(rows)
}

/// Returns whether a block of columns may have a wanted row.
fn may_have(head: &Head, slice: &Slice) -> bool {
    let overlaps = |steps: (u64, u64)| steps.0 < slice.steps.end && steps.1 >= slice.steps.start;
    let has = |key: &String| {
        head.columns.iter().any(|column| column.key == *key && overlaps(column.steps))
    };
    match slice.keys.is_empty() {
        true => head.columns.iter().any(|column| overlaps(column.steps)),
        false => slice.keys.iter().all(has),
    }
}

fn take(sample: &mut Sample, row: &RowRef<'_>, slice: &Slice) {
    if !slice.steps.contains(&row.step) {
        return;
    }
    let is_wanted = |key: &str| slice.keys.contains(key);
    let found = row.values.iter().filter(|(key, _)| is_wanted(key)).count();
    if found < slice.keys.len() {
        return;
    }
    sample.offer(|| {
        let mut row = row.to_row();
        if !slice.keys.is_empty() {
            row.values.retain(|(key, _)| is_wanted(key));
        }
        row
    });
}

/// An even choice from rows whose number is not known before the last of them.
struct Sample {
    most: usize,
    /// Every row whose number is a multiple of this is kept.
    stride: usize,
    seen: usize,
    kept: Vec<Row>,
}

impl Sample {
    fn new(most: usize) -> Self {
        Self { most: most.max(1), stride: 1, seen: 0, kept: Vec::new() }
    }

    fn offer(&mut self, row: impl FnOnce() -> Row) {
        if self.seen.is_multiple_of(self.stride) {
            self.kept.push(row());
        }
        self.seen += 1;
        if self.kept.len() >= 2 * self.most && self.seen > 2 * self.most {
            let mut at = 0;
            self.kept.retain(|_| {
                at += 1;
                at % 2 == 1
            });
            self.stride *= 2;
        }
    }

    /// Returns the chosen rows. The first row is always one of them.
    fn finish(self) -> Vec<Row> {
        let (have, most) = (self.kept.len(), self.most);
        if have <= most {
            return self.kept;
        }
        let mut kept: Vec<Option<Row>> = self.kept.into_iter().map(Some).collect();
        (0..most).filter_map(|at| kept[at * have / most].take()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampled(rows: usize, most: usize) -> Vec<u64> {
        let mut sample = Sample::new(most);
        for step in 0..rows as u64 {
            sample.offer(|| Row { step, ..Row::default() });
        }
        sample.finish().into_iter().map(|row| row.step).collect()
    }

    #[test]
    fn a_sample_is_even_and_has_the_size_that_was_asked_for() {
        assert_eq!(sampled(5, 10), [0, 1, 2, 3, 4]);
        assert_eq!(sampled(10, 10), (0..10).collect::<Vec<_>>());
        for rows in [11, 20, 21, 99, 1000, 12345] {
            let steps = sampled(rows, 10);
            assert_eq!((steps.len(), steps[0]), (10, 0), "{rows}: {steps:?}");
            let gaps: Vec<u64> = steps.windows(2).map(|two| two[1] - two[0]).collect();
            let (least, most) = (gaps.iter().min().unwrap(), gaps.iter().max().unwrap());
            assert!(*least > 0 && *most <= 2 * least, "{rows}: {steps:?}");
        }
        assert!(sampled(0, 10).is_empty());
    }
}
