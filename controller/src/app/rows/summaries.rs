//! Reads and writes the stored summary of a run. Use cases that need all last values of a run use
//! this module. `app::read::find` reads single values of many runs without it.

use super::digest::Summary;
use crate::{
    app::error::Error,
    store::{self, Tx, runs::Run, summaries::Stored},
};

/// Returns the summary of a run: the last value of each key.
///
/// # Errors
/// Fails with [`Error::Damaged`] if the stored summary is damaged.
pub(in crate::app) fn of(tx: &Tx<'_>, run: &Run) -> Result<Summary, Error> {
    let stored = store::summaries::get(tx, run.key)?;
    tx.decoded(size(&stored));
    Summary::read(&stored).map_err(|corrupt| {
        Error::damaged(format!("the summary of {} is damaged: {corrupt}", run.id))
    })
}

/// Stores the summary of a run.
pub(in crate::app) fn save(tx: &Tx<'_>, run: &Run, summary: &Summary) -> Result<(), Error> {
    let stored = summary.write();
    tx.decoded(size(&stored));
    Ok(store::summaries::save(tx, run.key, &stored)?)
}

fn size(stored: &Stored) -> usize {
    stored.latest.len() + stored.overlay.len() + stored.ranges.len()
}
