//! Reads the files of a run: lists them, and finds one by its path. The handlers of `api::web` and
//! `app::read::tables` call this module. It changes nothing.

use std::sync::Arc;

use record::{file::FileRow, ids::RunId};

use crate::{
    app::{
        App,
        error::Error,
        files::blobs::{self, FileView},
        people::{
            caller::{Caller, Right},
            permit,
        },
        runs::lookup,
    },
    store,
};

/// Returns at most `limit` files of a run whose paths come after `after`, in the order of their
/// paths, and whether there are more. Of several attempts, the newest one counts.
///
/// # Errors
/// Fails with [`Error::Missing`] if the run does not exist.
pub(crate) async fn page(
    app: &Arc<App>,
    caller: &Caller,
    run: RunId,
    after: String,
    limit: u32,
) -> Result<(Vec<FileView>, bool), Error> {
    permit::run(app, caller, Right::See, &run).await?;
    app.read(move |tx, _| {
        let run = lookup::find(tx, &run)?;
        let mut files = store::files::page(tx, run.key, &after, limit.saturating_add(1))?;
        let more = files.len() > limit as usize;
        files.truncate(limit as usize);
        Ok((files, more))
    })
    .await
}

/// Finds a file of a run by its path.
///
/// # Errors
/// Fails with [`Error::Missing`] if the run has no such file.
pub(crate) async fn find(
    app: &Arc<App>,
    caller: &Caller,
    run: RunId,
    path: String,
) -> Result<FileRow, Error> {
    permit::run(app, caller, Right::See, &run).await?;
    Ok(app.read(move |tx, _| blobs::file_of(tx, &run, &path)).await?.file)
}

/// Returns the first bytes of a content of this size, at most so many.
///
/// # Errors
/// Fails if the content cannot be read.
pub(crate) async fn beginning(
    app: &Arc<App>,
    sha256: &str,
    size: u64,
    bytes: u64,
) -> Result<Vec<u8>, Error> {
    Ok(app.store.blobs.read(sha256, 0..size.min(bytes)).await?)
}
