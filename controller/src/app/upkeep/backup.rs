//! Supports a backup of a running controller's data folder. The backup has the database as it is at
//! one moment. The controller removes no content until the caller has copied the contents that this
//! database names. The handler of the local socket calls this module.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
};

use crate::{
    app::{App, error::Error},
    store,
};

/// A guard: as long as it exists, the controller removes no content.
#[derive(Debug)]
pub(crate) struct Kept(Arc<App>);

/// Stops the removal of contents until the guard is dropped.
pub(crate) async fn keep_contents(app: &Arc<App>) -> Kept {
    app.collector.held.fetch_add(1, Ordering::SeqCst);
    let kept = Kept(app.clone());
    // This waits until a removal that has already begun has ended.
    drop(app.collector.going.read().await);
    kept
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.collector.held.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Copies the database into a new file. `seen` is called with the number of copied pages and the
/// number of all pages.
///
/// # Errors
/// Fails with [`Error::Busy`] if the copy cannot be written to the disk, and with
/// [`Error::Damaged`] if the database is damaged.
pub(crate) async fn database(
    app: &Arc<App>,
    into: PathBuf,
    seen: impl FnMut(u64, u64) + Send + 'static,
) -> Result<(), Error> {
    app.read(move |tx, _| Ok(store::check::copy(tx, &into, seen)?)).await
}
