//! Knows the MD5 of contents. Besom names a content by its SHA-256; W&B's client names it by its
//! MD5. `app::files::signed` records the MD5 of contents that the client sends, and this module
//! computes it for others when somebody asks.

use std::sync::Arc;

use md5::{Digest as _, Md5};
use record::file::hex;
use tokio_stream::StreamExt as _;

use super::blobs;
use crate::{
    app::{
        App,
        error::Error,
        people::{
            caller::{Caller, Right},
            permit,
        },
    },
    store::{self, Tx},
};

/// Returns the MD5 of a stored content as 32 hexadecimal digits.
///
/// # Errors
/// Fails if the content cannot be read.
pub(crate) async fn of(app: &Arc<App>, sha256: String, size: u64) -> Result<String, Error> {
    let hash = sha256.clone();
    if let Some(known) = app.read(move |tx, _| Ok(store::files::md5(tx, &hash)?)).await? {
        return Ok(known);
    }
    let mut pieces = blobs::pieces(app, sha256.clone(), size, 0..size);
    let mut md5 = Md5::new();
    while let Some(piece) = pieces.next().await {
        md5.update(&piece?.data);
    }
    let md5 = hex(&md5.finalize());
    let found = md5.clone();
    app.change(move |change| Ok(store::files::set_md5(change.tx, &sha256, &found)?)).await?;
    Ok(md5)
}

/// Finds a content of the project `said` by its MD5. Returns its SHA-256 and its size in bytes.
///
/// # Errors
/// Fails with [`Error::Missing`] if the project has no such content, or the caller may not see the
/// project.
pub(crate) async fn find(
    app: &Arc<App>,
    caller: &Caller,
    said: &str,
    md5: String,
) -> Result<(String, u64), Error> {
    let (project, caller) = (caller.project(said)?, caller.clone());
    app.read(move |tx: &Tx<'_>, _| {
        let missing = || permit::no_project(&project);
        permit::artifacts_of(tx, &caller, Right::See, &project, missing)?;
        let found = store::files::with_md5(tx, &project, &md5)?.into_iter().next();
        found.ok_or_else(|| Error::missing(format!("no content has the MD5 `{md5}`")))
    })
    .await
}
