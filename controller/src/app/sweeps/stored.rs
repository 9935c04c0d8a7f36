//! Finds sweeps by id. Use cases that take the id of a sweep call this module.

use record::ids::SweepId;

use crate::{
    app::error::Error,
    store::{
        self, Tx,
        sweeps::{Progress, Sweep},
    },
};

/// Returns the sweep with this id.
///
/// # Errors
/// Fails with [`Error::Missing`] if the sweep does not exist, or is deleted.
pub(in crate::app) fn sweep(tx: &Tx<'_>, id: &SweepId) -> Result<Sweep, Error> {
    match store::sweeps::get(tx, id)? {
        Some(sweep) => Ok(sweep),
        None => Err(missing(tx, id)?),
    }
}

/// Returns the progress of the sweep with this id.
///
/// # Errors
/// Fails with [`Error::Missing`] if the sweep does not exist, or is deleted.
pub(in crate::app) fn progress(tx: &Tx<'_>, id: &SweepId) -> Result<Progress, Error> {
    match store::sweeps::progress(tx, id)? {
        Some(progress) => Ok(progress),
        None => Err(missing(tx, id)?),
    }
}

/// Returns the error of a request for a sweep that is not shown.
fn missing(tx: &Tx<'_>, id: &SweepId) -> Result<Error, Error> {
    Ok(match store::bin::sweep(tx, id)? {
        None => Error::no_sweep(id),
        Some(binned) if binned.purged => {
            Error::missing(format!("the sweep `{id}` is deleted for good"))
        }
        Some(_) => Error::missing(format!("the sweep `{id}` is deleted"))
            .hint(format!("`sweep restore {id}` restores it")),
    })
}
