//! Which rows make up the history of a run: where an attempt went on from a checkpoint, the rows
//! that led there and then its own, so that a killed run that was resumed reads like one that was
//! not killed. Used by whatever in `app` reads history. Changes nothing; what an attempt wrote
//! after the checkpoint that the next one went on from is stored and does not count.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{
    app::error::Error,
    store::{
        self, Tx,
        blocks::Stream,
        checkpoints::{Checkpoint, End},
        runs::Run,
    },
};

/// The rows that count of each attempt.
#[derive(Debug, Default)]
pub(in crate::app) struct Lineage {
    /// By attempt; `None`: every row of every attempt counts.
    stretches: Option<BTreeMap<u32, Stretch>>,
}

/// What counts of one attempt.
#[derive(Debug)]
enum Stretch {
    Whole,
    /// By stream and writer so many rows; of others none.
    Until(HashMap<(String, String), u64>),
}

impl Lineage {
    /// Of a run as it is now. Every attempt counts as long as the newest of a trial has not
    /// resumed, and none began anew.
    ///
    /// # Errors
    /// When the database fails.
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

    /// What had led to a checkpoint of the run when it was made.
    ///
    /// # Errors
    /// When the database fails.
    pub(in crate::app) fn to(
        tx: &Tx<'_>,
        run: &Run,
        checkpoint: &Checkpoint,
    ) -> Result<Self, Error> {
        let past = Past::of(tx, run)?;
        Self::walk(tx, run, checkpoint.attempt, until(tx, checkpoint.key)?, &past)
    }

    /// From an attempt back to the one that began with nothing.
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
                // A trial's attempt begins with nothing; outside of sweeps it goes on with all that
                // there was.
                None if run.sweep.is_none() && attempt > 1 && !past.fresh.contains(&attempt) => {
                    (attempt - 1, Stretch::Whole)
                }
                None => return Ok(Self { stretches: Some(stretches) }),
            };
        }
    }

    /// How many of a stream's rows count, from the first on.
    pub(in crate::app) fn rows(&self, stream: Stream<'_>) -> u64 {
        let Some(stretches) = &self.stretches else { return u64::MAX };
        match stretches.get(&stream.attempt) {
            None => 0,
            Some(Stretch::Whole) => u64::MAX,
            Some(Stretch::Until(ends)) => {
                ends.get(&(stream.name.to_owned(), stream.writer.to_owned())).copied().unwrap_or(0)
            }
        }
    }

    /// The streams of a run with rows that count, in order of attempt and writer: attempt, writer
    /// and how many rows.
    ///
    /// # Errors
    /// When the database fails.
    pub(in crate::app) fn streams(
        &self,
        tx: &Tx<'_>,
        run: i64,
        name: &str,
    ) -> Result<Vec<(u32, String, u64)>, Error> {
        let counted = |(attempt, writer): (u32, String)| {
            let rows = self.rows(Stream { run, name, attempt, writer: &writer });
            (rows > 0).then_some((attempt, writer, rows))
        };
        Ok(store::blocks::writers(tx, run, name, 0)?.into_iter().filter_map(counted).collect())
    }
}

/// What the attempts of a run began with, where it was not all that there was.
struct Past {
    /// By attempt: the checkpoint, and the attempt that had made it.
    resumes: BTreeMap<u32, (i64, u32)>,
    /// Attempts that began with nothing.
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
