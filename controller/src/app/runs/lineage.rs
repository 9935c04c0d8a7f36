//! Finds the rows that make up the history of a run. If the newest attempt resumed from a
//! checkpoint, the history has the rows that led to the checkpoint, followed by the attempt's own
//! rows. So the history of a killed and resumed run reads like that of a run that was never killed.
//! Rows that an earlier attempt wrote after the checkpoint stay stored and do not count. All code
//! in `app` that reads history uses this module. This module changes nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use record::stream::StreamName;

use crate::{
    app::error::Error,
    store::{
        self, Tx,
        blocks::Stream,
        checkpoints::{Checkpoint, End},
        runs::Run,
    },
};

/// The rows of each attempt that count as history of a run.
#[derive(Debug, Default)]
pub(in crate::app) struct Lineage {
    /// The part of each attempt's rows that counts. `None` means that every row of every attempt
    /// counts. No row of an attempt without an entry counts.
    stretches: Option<BTreeMap<u32, Stretch>>,
}

/// The part of one attempt's rows that counts.
#[derive(Debug)]
enum Stretch {
    Whole,
    /// The number of rows that count, by stream and writer. No row of other streams counts.
    Until(HashMap<(StreamName, String), u64>),
}

impl Lineage {
    /// Returns the present lineage of a run. Every attempt of a trial counts if the newest attempt
    /// has not resumed from a checkpoint. Every attempt of a run outside of sweeps counts if no
    /// attempt has resumed from a checkpoint or begun anew.
    pub(in crate::app) fn of(tx: &Tx<'_>, run: &Run) -> Result<Self, Error> {
        let past = Past::of(tx, run)?;
        let resumed = match run.sweep {
            Some(_) => past.resumes.contains_key(&run.attempt),
            None => !past.resumes.is_empty() || !past.fresh.is_empty(),
        };
        if resumed {
            Self::walk(tx, run, run.attempt, Stretch::Whole, &past)
        } else {
            Ok(Self::default())
        }
    }

    /// Returns the lineage of the rows that led to a checkpoint of the run.
    pub(in crate::app) fn to(
        tx: &Tx<'_>,
        run: &Run,
        checkpoint: &Checkpoint,
    ) -> Result<Self, Error> {
        let past = Past::of(tx, run)?;
        Self::walk(tx, run, checkpoint.attempt, until(tx, checkpoint.key)?, &past)
    }

    /// Walks from an attempt back to the first attempt of its lineage, which began without earlier
    /// rows.
    fn walk(
        tx: &Tx<'_>,
        run: &Run,
        mut attempt: u32,
        mut stretch: Stretch,
        past: &Past,
    ) -> Result<Self, Error> {
        let mut stretches = BTreeMap::new();
        loop {
            stretches.insert(attempt, stretch);
            (attempt, stretch) = match past.resumes.get(&attempt) {
                Some((checkpoint, before)) => (*before, until(tx, *checkpoint)?),
                // A trial's attempt that did not resume from a checkpoint begins without rows. An
                // attempt outside of sweeps continues all earlier rows, unless it began anew.
                None if run.sweep.is_none() && attempt > 1 && !past.fresh.contains(&attempt) => {
                    (attempt - 1, Stretch::Whole)
                }
                None => return Ok(Self { stretches: Some(stretches) }),
            };
        }
    }

    /// Returns how many of the first rows of a stream count; [`u64::MAX`] means all.
    pub(in crate::app) fn rows(&self, stream: Stream<'_>) -> u64 {
        let Some(stretches) = &self.stretches else { return u64::MAX };
        match stretches.get(&stream.attempt) {
            None => 0,
            Some(Stretch::Whole) => u64::MAX,
            Some(Stretch::Until(ends)) => {
                ends.get(&(stream.name, stream.writer.to_owned())).copied().unwrap_or(0)
            }
        }
    }

    /// Returns the streams of this name with rows that count: the attempt, the writer, and how many
    /// of the first rows count, where [`u64::MAX`] means all. The streams are sorted by attempt and
    /// writer.
    pub(in crate::app) fn streams(
        &self,
        tx: &Tx<'_>,
        run: i64,
        name: StreamName,
    ) -> Result<Vec<(u32, String, u64)>, Error> {
        let counted = |(attempt, writer): (u32, String)| {
            let rows = self.rows(Stream { run, name, attempt, writer: &writer });
            (rows > 0).then_some((attempt, writer, rows))
        };
        Ok(store::blocks::writers(tx, run, name, 0)?.into_iter().filter_map(counted).collect())
    }
}

/// The attempts of a run that resumed from a checkpoint or began anew.
struct Past {
    /// The resumed attempts, each with the key of its checkpoint and the attempt that had made the
    /// checkpoint.
    resumes: BTreeMap<u32, (i64, u32)>,
    /// The attempts of a run outside of sweeps that began anew, without earlier rows.
    fresh: BTreeSet<u32>,
}

impl Past {
    fn of(tx: &Tx<'_>, run: &Run) -> Result<Self, Error> {
        let resumes = store::checkpoints::resumes(tx, run.key)?;
        Ok(Self { resumes, fresh: store::checkpoints::fresh_starts(tx, run.key)? })
    }
}

fn until(tx: &Tx<'_>, checkpoint: i64) -> Result<Stretch, Error> {
    let ends = store::checkpoints::ends(tx, checkpoint)?;
    let ends = ends.into_iter().map(|End { stream, writer, rows }| ((stream, writer), rows));
    Ok(Stretch::Until(ends.collect()))
}
