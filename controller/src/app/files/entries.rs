//! Lists the files of a version of an artifact. `api::wandb` calls this module; other programs read
//! the version's manifest.

use std::sync::Arc;

use record::artifact::{Content, Entry};

use super::{
    commit::{Said, SaidContent},
    md5,
    versions::{self, Wanted},
};
use crate::{
    app::{
        App,
        error::Error,
        people::caller::{Caller, Right},
    },
    store,
};

/// The most entries that one transaction reads.
const PAGE: u32 = 5000;

/// A file of a version.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    /// The path and the content.
    pub(crate) entry: Entry,
    /// When the version was created, by the controller's clock, in milliseconds since the epoch.
    pub(crate) created_ms: i64,
}

/// Returns at most `limit` files of a version whose paths come after `after`, in the order of their
/// paths, and whether there are more.
///
/// # Errors
/// Fails with [`Error::Missing`] if the version does not exist.
pub(crate) async fn page(
    app: &Arc<App>,
    caller: &Caller,
    wanted: Wanted,
    after: String,
    limit: Option<u64>,
) -> Result<(Vec<Listed>, bool), Error> {
    let limit = limit.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(PAGE).clamp(1, PAGE);
    let caller = caller.clone();
    app.read(move |tx, app| {
        let version = versions::find(tx, app, &caller, Right::See, &wanted)?;
        let mut found = store::artifacts::entries(tx, version.key, &after, limit + 1)?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let listed = |entry| Listed { entry, created_ms: version.created_ms };
        Ok((found.into_iter().map(listed).collect(), more))
    })
    .await
}

/// Returns the file of a version with this path; `None` if there is none.
///
/// # Errors
/// Fails with [`Error::Missing`] if the version does not exist.
pub(crate) async fn find(
    app: &Arc<App>,
    caller: &Caller,
    wanted: Wanted,
    path: String,
) -> Result<Option<Listed>, Error> {
    let caller = caller.clone();
    app.read(move |tx, app| {
        let version = versions::find(tx, app, &caller, Right::See, &wanted)?;
        let found = store::artifacts::find(tx, version.key, &path)?;
        Ok(found.map(|entry| Listed { entry, created_ms: version.created_ms }))
    })
    .await
}

/// Returns all files of a version as W&B's client describes them, in the order of their paths. The
/// first call for a version reads each of its contents.
///
/// # Errors
/// Fails if a content cannot be read.
pub(crate) async fn described(app: &Arc<App>, key: i64) -> Result<Vec<Said>, Error> {
    let (mut said, mut after) = (Vec::new(), String::new());
    loop {
        let from = after.clone();
        let page = app.read(move |tx, _| Ok(store::artifacts::entries(tx, key, &from, PAGE)?));
        let page = page.await?;
        let Some(last) = page.last() else { return Ok(said) };
        after.clone_from(&last.path);
        for Entry { path, content } in page {
            let content = match content {
                Content::Blob { sha256, size } => {
                    SaidContent::File { md5: md5::of(app, sha256, size).await?, size }
                }
                Content::Reference { url, digest } => {
                    SaidContent::Reference { digest: digest.unwrap_or_else(|| url.clone()), url }
                }
            };
            said.push(Said { path, content });
        }
    }
}
