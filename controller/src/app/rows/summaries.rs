//! The stored summary of a run, read and written: the one place that says when it is damaged. Used
//! by whatever in `app` needs what a run logged last.

use super::digest::Summary;
use crate::{
    app::error::Error,
    store::{self, Tx, runs::Run, summaries::Stored},
};

/// What the run logged last of each key.
///
/// # Errors
/// When the database fails, or what it holds is damaged.
pub(in crate::app) fn of(tx: &Tx<'_>, run: &Run) -> Result<Summary, Error> {
    let stored = store::summaries::get(tx, run.key)?;
    tx.decoded(size(&stored));
    Summary::read(&stored).map_err(|corrupt| {
        Error::damaged(format!("the summary of {} is damaged: {corrupt}", run.id))
    })
}

/// Keeps it as what the run logged last.
///
/// # Errors
/// When the database fails.
pub(in crate::app) fn save(tx: &Tx<'_>, run: &Run, summary: &Summary) -> Result<(), Error> {
    let stored = summary.write();
    tx.decoded(size(&stored));
    Ok(store::summaries::save(tx, run.key, &stored)?)
}

fn size(stored: &Stored) -> usize {
    stored.latest.len() + stored.overlay.len() + stored.ranges.len()
}
