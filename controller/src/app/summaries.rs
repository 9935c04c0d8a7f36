//! The stored summary of a run, read: the one place that says when it is damaged. Used by whatever in `app` needs what a run
//! logged last. Never writes.

use super::{digest::Summary, error::Error};
use crate::store::{self, Tx, runs::Run};

/// What the run logged last of each key.
///
/// # Errors
/// When the database fails, or what it holds is damaged.
pub(super) fn of(tx: &Tx<'_>, run: &Run) -> Result<Summary, Error> {
    Summary::read(&store::summaries::get(tx, run.key)?)
        .map_err(|corrupt| Error::Bug(format!("the summary of {} is damaged: {corrupt}", run.id)))
}
