//! Supports the copy of a running controller's data folder. It copies the database as it is at one
//! moment. It removes no content until the caller has copied the contents that this database names.
//! The handler of the local socket calls it.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
};

use crate::{
    app::{App, error::Error},
    store,
};

/// The guard that keeps all contents while it lives.
#[derive(Debug)]
pub(crate) struct Kept(Arc<App>);

/// Stops the removal of contents until the guard is dropped.
pub(crate) async fn keep_contents(app: &Arc<App>) -> Kept {
    app.collector.held.fetch_add(1, Ordering::SeqCst);
    let kept = Kept(app.clone());
    // A removal that has begun ends first.
    drop(app.collector.going.read().await);
    kept
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.collector.held.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Copies the database into a new file. `seen` gets the number of copied pages and of all pages.
///
/// # Errors
/// Fails with [`Error::Busy`] if the disk does not take the copy, and with [`Error::Damaged`] if
/// the database cannot be read.
pub(crate) async fn database(
    app: &Arc<App>,
    into: PathBuf,
    seen: impl FnMut(u64, u64) + Send + 'static,
) -> Result<(), Error> {
    app.read(move |tx, _| Ok(store::check::copy(tx, &into, seen)?)).await
}
