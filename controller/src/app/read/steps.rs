//! Reads rows of a run by their steps: all rows in a range of steps, or an even sample of them.
//! `api::wandb` and other readers call this module. Blocks of columns outside the range are not
//! read. This module changes nothing.

use std::{collections::HashSet, ops::Range, sync::Arc};

use record::{Row, RowRef, Value, columns::Head, ids::RunId, stream::StreamName};

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
    settings::Limits,
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
    /// Which of the rows with such a step.
    pub(crate) choice: Choice,
}

/// Which rows a caller asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Choice {
    /// All rows.
    All,
    /// At most so many rows, chosen evenly from all.
    Sample(u64),
}

/// Returns the rows in the order of their steps. A sample has fewer rows than the caller asks for
/// if these have more than `Limits::read_rows` or `Limits::read_bytes`.
///
/// # Errors
/// Fails with [`Error::Missing`] if the run does not exist. Fails with [`Error::Invalid`] if the
/// caller asks for all rows and they have more than these limits.
pub(crate) async fn rows(app: &Arc<App>, caller: &Caller, slice: Slice) -> Result<Vec<Row>, Error> {
    permit::run(app, caller, Right::See, &slice.run).await?;
    app.read(move |tx, app| {
        let limits = &app.settings.limits;
        read(tx, &lookup::find(tx, &slice.run)?, &slice, limits)
    })
    .await
}

fn read(tx: &Tx<'_>, run: &Run, slice: &Slice, limits: &Limits) -> Result<Vec<Row>, Error> {
    let most = match slice.choice {
        Choice::All => limits.read_rows,
        Choice::Sample(most) => usize::try_from(most).unwrap_or(usize::MAX).min(limits.read_rows),
    };
    let mut sample = Sample::new(most, limits.read_bytes);
    let wanted = |key: &str| slice.keys.is_empty() || slice.keys.contains(key);
    counted(tx, run, slice.stream, |block| {
        if let Some(head) = block.head()?
            && !may_have(&head, slice)
        {
            return Ok(());
        }
        block.each(tx, wanted, |row| take(&mut sample, &row, slice))?;
        if matches!(slice.choice, Choice::All) && sample.leaves_out() {
            let Limits { read_rows, read_bytes, .. } = limits;
            return Err(Error::invalid(format!(
                "the steps have more than {read_rows} rows or {read_bytes} bytes: ask for fewer \
                 steps"
            )));
        }
        Ok(())
    })?;
    let mut rows = sample.finish();
    // The sort is stable: rows of one step stay in the order of attempt, writer and row.
    rows.sort_by_key(|row| row.step);
    Ok(rows)
}

/// A stored block of which the first rows count.
pub(super) struct Counted {
    key: i64,
    frames: Vec<u8>,
    head: Option<Vec<u8>>,
    rows: u64,
}

impl Counted {
    /// Returns the head of a block of columns; `None` for a block of frames.
    pub(super) fn head(&self) -> Result<Option<Head>, Error> {
        self.head.as_ref().map(|head| Head::read(head).map_err(damaged)).transpose()
    }

    /// Calls `show` for each row that counts, in order. `wanted` chooses the keys as in
    /// [`pieces::each`].
    pub(super) fn each(
        &self,
        tx: &Tx<'_>,
        wanted: impl Fn(&str) -> bool,
        mut show: impl FnMut(RowRef<'_>),
    ) -> Result<(), Error> {
        let merged = self.head.as_deref().map(|head| (self.key, head));
        let mut left = self.rows;
        pieces::each(tx, &self.frames, merged, wanted, |row| {
            if left > 0 {
                left -= 1;
                show(row);
            }
        })
    }
}

/// Calls `visit` for each block of a stream that has rows which count, in the order of attempt,
/// writer and row.
pub(super) fn counted(
    tx: &Tx<'_>,
    run: &Run,
    name: StreamName,
    mut visit: impl FnMut(&Counted) -> Result<(), Error>,
) -> Result<(), Error> {
    for (attempt, writer, counted) in Lineage::of(tx, run)?.streams(tx, run.key, name)? {
        let stream = Stream { run: run.key, name, attempt, writer: &writer };
        for piece in store::columns::pieces(tx, stream)? {
            let rows = counted.saturating_sub(piece.first).min(piece.rows);
            if !piece.fenced && rows > 0 {
                let (frames, head) = store::columns::content(tx, piece.key)?;
                visit(&Counted { key: piece.key, frames, head, rows })?;
            }
        }
    }
    Ok(())
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
    /// The most bytes of the kept rows.
    room: usize,
    /// Every row whose number is a multiple of this is kept.
    stride: usize,
    seen: usize,
    kept: Vec<Row>,
    /// About how many bytes the kept rows have.
    bytes: usize,
}

impl Sample {
    fn new(most: usize, room: usize) -> Self {
        Self { most: most.max(1), room, stride: 1, seen: 0, kept: Vec::new(), bytes: 0 }
    }

    fn offer(&mut self, row: impl FnOnce() -> Row) {
        if self.seen.is_multiple_of(self.stride) {
            let row = row();
            self.bytes += weight(&row);
            self.kept.push(row);
        }
        self.seen += 1;
        while self.kept.len() > 2 * self.most || self.bytes > self.room && self.kept.len() > 1 {
            self.thin();
        }
    }

    /// Drops every second row.
    fn thin(&mut self) {
        let mut at = 0;
        self.kept.retain(|_| {
            at += 1;
            at % 2 == 1
        });
        self.stride *= 2;
        self.bytes = self.kept.iter().map(weight).sum();
    }

    /// Returns whether the choice leaves rows out.
    fn leaves_out(&self) -> bool {
        self.seen > self.kept.len().min(self.most)
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

/// Returns about how many bytes a row takes in memory.
fn weight(row: &Row) -> usize {
    let text = |value: &Value| match value {
        Value::Text(text) | Value::Json(text) => text.len(),
        Value::F64(_) | Value::I64(_) | Value::U64(_) | Value::Bool(_) => 0,
    };
    let values = row.values.iter().map(|(key, value)| key.len() + text(value));
    values.sum::<usize>() + size_of::<Row>() + row.values.len() * size_of::<(String, Value)>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampled(rows: usize, most: usize) -> Vec<u64> {
        let mut sample = Sample::new(most, usize::MAX);
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

    #[test]
    fn a_sample_of_large_rows_has_fewer_of_them() {
        let mut sample = Sample::new(100, 10_000);
        for step in 0..40 {
            let value = Value::Text("x".repeat(1000));
            sample.offer(|| Row { step, values: vec![(String::new(), value)], ..Row::default() });
        }
        assert!(sample.leaves_out());
        let rows = sample.finish();
        let steps: Vec<u64> = rows.iter().map(|row| row.step).collect();
        assert_eq!(steps, [0, 8, 16, 24, 32]);
    }
}
