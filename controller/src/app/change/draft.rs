//! Tracks which fields of a run a use case has edited. Only `Change::edit` makes a [`Draft`], and
//! it saves the draft after the use case has edited it. So no use case can edit a run and forget to
//! save it.

use std::ops::{Deref, DerefMut};

use record::ids::ProjectId;

use crate::store::{self, Tx, runs::Run};

/// A run that is being edited, which dereferences to [`Run`]. Mutable access to the run marks its
/// whole row as unsaved. [`Draft::counts`] and [`Draft::introduction`] mark only a few columns,
/// which costs less to save.
#[derive(Debug)]
pub(crate) struct Draft<'r> {
    run: &'r mut Run,
    counts: bool,
    row: bool,
    introduction: bool,
}

/// The fields of a run that an append changes while the run's state stays the same.
#[derive(Debug)]
pub(crate) struct Counts<'r> {
    /// The number of rows in the stream `history`.
    pub(crate) history: &'r mut u64,
    /// The number of rows of the streams `history` and `summary` that hold the sweep's metric.
    pub(crate) logged: &'r mut u64,
    /// The number of rows of the stream `history` that hold the metric as a finite number.
    pub(crate) iteration: &'r mut u64,
    /// The best finite value of the metric in both streams; `None` if there is none.
    pub(crate) value: &'r mut Option<f64>,
}

/// The fields with which users and programs describe a run.
#[derive(Debug)]
pub(crate) struct Introduction<'r> {
    /// The run's project.
    pub(crate) project: &'r mut ProjectId,
    /// The run's name for people; may be empty.
    pub(crate) name: &'r mut String,
    /// The run's tags, as a JSON array of texts.
    pub(crate) tags: &'r mut String,
    /// The run's config, as a JSON object.
    pub(crate) config: &'r mut String,
}

impl<'r> Counts<'r> {
    /// Borrows the counts of a run, without a mark that the run is unsaved.
    pub(crate) fn of(run: &'r mut Run) -> Self {
        let Run { history, logged, iteration, value, .. } = run;
        Self { history, logged, iteration, value }
    }
}

impl<'r> Draft<'r> {
    /// Starts to edit a run.
    pub(super) fn new(run: &'r mut Run) -> Self {
        Self { run, counts: false, row: false, introduction: false }
    }

    /// Returns the counts for editing, and marks them as unsaved.
    pub(crate) fn counts(&mut self) -> Counts<'_> {
        self.counts = true;
        Counts::of(self.run)
    }

    /// Returns the introduction for editing, and marks it as unsaved.
    pub(crate) fn introduction(&mut self) -> Introduction<'_> {
        self.introduction = true;
        let Run { project, name, tags, config, .. } = &mut *self.run;
        Introduction { project, name, tags, config }
    }

    /// Writes the fields that are marked as unsaved.
    pub(super) fn save(&self, tx: &Tx<'_>) -> store::Result<()> {
        if self.row {
            store::runs::save(tx, self.run)?;
        } else if self.counts {
            store::runs::save_logged(tx, self.run)?;
        }
        if self.introduction {
            store::runs::save_introduction(tx, self.run)?;
        }
        Ok(())
    }
}

impl Deref for Draft<'_> {
    type Target = Run;

    fn deref(&self) -> &Run {
        self.run
    }
}

impl DerefMut for Draft<'_> {
    fn deref_mut(&mut self) -> &mut Run {
        self.row = true;
        self.run
    }
}
