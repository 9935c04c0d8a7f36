//! A run that is being edited. Only `Change::edit` makes a draft, and it saves what the work has
//! changed. So no use case can change a run and forget to save it.

use std::ops::{Deref, DerefMut};

use crate::store::{self, Tx, runs::Run};

/// A run that is being edited. It reads as a run. A change of any of its fields marks the whole row
/// as unsaved; [`Draft::counts`] and [`Draft::introduction`] mark less, which costs less to save.
#[derive(Debug)]
pub(crate) struct Draft<'r> {
    run: &'r mut Run,
    counts: bool,
    row: bool,
    introduction: bool,
}

/// What an append changes of a run whose state stays.
#[derive(Debug)]
pub(crate) struct Counts<'r> {
    /// The rows of history.
    pub(crate) history: &'r mut u64,
    /// The rows that hold the sweep's metric.
    pub(crate) logged: &'r mut u64,
    /// The rows of history that hold the metric as a finite number.
    pub(crate) iteration: &'r mut u64,
    /// The best value of the metric.
    pub(crate) value: &'r mut Option<f64>,
}

/// What users and programs say about a run.
#[derive(Debug)]
pub(crate) struct Introduction<'r> {
    /// The project.
    pub(crate) project: &'r mut String,
    /// The name for people.
    pub(crate) name: &'r mut String,
    /// A JSON array of texts.
    pub(crate) tags: &'r mut String,
    /// A JSON object.
    pub(crate) config: &'r mut String,
}

impl<'r> Counts<'r> {
    /// Borrows the counts of a run that is not stored.
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

    /// Changes the counts alone.
    pub(crate) fn counts(&mut self) -> Counts<'_> {
        self.counts = true;
        Counts::of(self.run)
    }

    /// Changes the introduction.
    pub(crate) fn introduction(&mut self) -> Introduction<'_> {
        self.introduction = true;
        let Run { project, name, tags, config, .. } = &mut *self.run;
        Introduction { project, name, tags, config }
    }

    /// Writes what was changed.
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
