//! What a running controller does for a copy of its data folder: it copies the database as it is at
//! one moment, and removes no content until whoever asked has copied those that this database
//! names. Called by the local door.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
};

use crate::{
    app::{App, error::Error},
    store,
};

/// Contents stay as long as this lives.
#[derive(Debug)]
pub(crate) struct Kept(Arc<App>);

/// From now on no content is removed.
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

/// Copies the database into a new file. `seen` is told how many pages of how many are there.
///
/// # Errors
/// Busy when the disk does not take it; damaged when the database cannot be read.
pub(crate) async fn database(
    app: &Arc<App>,
    into: PathBuf,
    seen: impl FnMut(u64, u64) + Send + 'static,
) -> Result<(), Error> {
    app.read(move |tx, _| Ok(store::check::copy(tx, &into, seen)?)).await
}
