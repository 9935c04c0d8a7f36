//! Commits announced artifacts. The commit appends the same row with which the SDK logs an
//! artifact, so that the versions of both are the same thing. The client's manifest is kept beside
//! Besom's, because it has facts that only the client needs. `api::wandb` calls this module.

use std::{collections::BTreeMap, sync::Arc};

use record::{
    artifact::{self, ArtifactRow, Content, Entry, MAX_MANIFEST_BYTES},
    ids::ProjectId,
};

use super::{
    announced::{describe, find, log, making, version},
    artifacts::{self, ArtifactView},
    blobs,
};
use crate::{
    app::{
        App,
        change::Change,
        error::{Error, Why},
        people::caller::Caller,
    },
    store::{self, Tx, announced::Announced},
};

/// One path of the client's manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// The path in the artifact.
    pub(crate) path: String,
    /// The content.
    pub(crate) content: SaidContent,
}

/// What the client's manifest says about a content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SaidContent {
    /// A file that the client has sent, or that the project had.
    File {
        /// Its MD5, as 32 hexadecimal digits.
        md5: String,
        /// Its size in bytes.
        size: u64,
    },
    /// Data outside Besom.
    Reference {
        /// The URL.
        url: String,
        /// What identifies the data.
        digest: String,
    },
}

/// A manifest that the client has sent.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// The key of the announced artifact.
    key: i64,
    /// The SHA-256 of the manifest.
    sha256: String,
    /// The bytes of the manifest.
    pub(crate) bytes: Vec<u8>,
}

/// Returns the client's manifests that make up an announced artifact: its own one, after those of
/// the other processes that make the artifact with it.
///
/// # Errors
/// Fails as [`making`] does. Fails with [`Why::Blob`] if the client has not sent the manifest.
pub(crate) async fn manifests(
    app: &Arc<App>,
    caller: &Caller,
    key: i64,
) -> Result<Vec<Part>, Error> {
    let caller = caller.clone();
    let look = move |tx: &Tx<'_>, _: &App| {
        let (announced, _) = find(tx, &caller, key)?;
        let mut all = match &announced.shared {
            Some(id) => store::announced::of_shared(tx, &announced.project, &announced.name, id)?,
            None => Vec::new(),
        };
        all.retain(|other| other.key != key);
        all.push(announced);
        let sized = |announced: Announced| {
            let missing = || {
                Error::refused(Why::Blob, "the manifest of the artifact is not here")
                    .hint("send the manifest before the commit")
            };
            let sha256 = announced.manifest.ok_or_else(missing)?;
            let size = store::files::blob(tx, &sha256)?.ok_or_else(missing)?;
            Ok((announced.key, sha256, size))
        };
        all.into_iter().map(sized).collect()
    };
    let found: Vec<(i64, String, u64)> = app.read(look).await?;
    let size = found.iter().fold(0_u64, |sum, (_, _, size)| sum.saturating_add(*size));
    if size > MAX_MANIFEST_BYTES {
        let message = format!("the manifest has {size} bytes; the limit is {MAX_MANIFEST_BYTES}");
        return Err(Error::invalid(message).hint("log fewer files, or pack them"));
    }
    let mut parts = Vec::new();
    for (key, sha256, size) in found {
        let bytes = app.store.blobs.read(&sha256, 0..size).await?;
        parts.push(Part { key, sha256, bytes });
    }
    Ok(parts)
}

/// Makes the version that was announced, of what the client's manifests say. A repeated commit
/// returns the same version.
///
/// # Errors
/// - Fails as [`making`] does.
/// - Fails with [`Why::Blob`] if the project lacks a content that the manifest names.
/// - Fails with [`Error::Invalid`] if the paths cannot be stored.
pub(crate) async fn commit(
    app: &Arc<App>,
    caller: &Caller,
    key: i64,
    parts: Vec<Part>,
    said: Vec<Said>,
) -> Result<ArtifactView, Error> {
    let of = making(app, caller, key).await?;
    if let Some(made) = version(app, caller, key).await? {
        return Ok(made);
    }
    // Versions that add to the newest one must not be made at the same time.
    let _alone = app.increments.lock().await;
    let (announced, mut entries) = prepare(app, key, said).await?;
    let text = artifact::manifest(&mut entries).map_err(|bad| Error::invalid(bad.to_string()))?;
    let mut incoming = blobs::begin_unknown(app, &Caller::Run(of.clone())).await?;
    incoming.add(app, text.into_bytes()).await?;
    let stored = incoming.finish(app).await?;
    let row = ArtifactRow {
        digest: stored.sha256,
        size: stored.size,
        aliases: texts(&announced.aliases),
        name: announced.name,
        kind: announced.kind,
        metadata: announced.metadata,
    };
    log(app, &of, row.clone()).await?;
    app.change(move |change| settle(change, key, &parts, &row)).await
}

/// Returns what was announced, and the entries of the version's manifest.
async fn prepare(
    app: &Arc<App>,
    key: i64,
    said: Vec<Said>,
) -> Result<(Announced, Vec<Entry>), Error> {
    app.read(move |tx, _| {
        let (announced, _) = find(tx, &Caller::Admin, key)?;
        let mut entries = match announced.partial {
            true => newest(tx, &announced.project, &announced.name)?,
            false => BTreeMap::new(),
        };
        for Said { path, content } in said {
            let content = match content {
                SaidContent::Reference { url, digest } => Content::Reference {
                    digest: Some(digest).filter(|digest| !digest.is_empty() && *digest != url),
                    url,
                },
                SaidContent::File { md5, size } => {
                    let known = store::files::with_md5(tx, &announced.project, &md5)?;
                    let found = known.into_iter().find(|(_, bytes)| *bytes == size);
                    let (sha256, size) = found.ok_or_else(|| {
                        let message =
                            format!("the content of `{path}` with the MD5 `{md5}` is not here");
                        Error::refused(Why::Blob, message).hint("log the artifact again")
                    })?;
                    Content::Blob { sha256, size }
                }
            };
            entries.insert(path, content);
        }
        let entries = entries.into_iter().map(|(path, content)| Entry { path, content }).collect();
        Ok((announced, entries))
    })
    .await
}

/// Returns the contents of the newest version of a name, by their paths.
fn newest(
    tx: &Tx<'_>,
    project: &ProjectId,
    name: &str,
) -> Result<BTreeMap<String, Content>, Error> {
    let newest = store::artifacts::named(tx, project, name, artifact::LATEST)?;
    let Some(newest) = newest else { return Ok(BTreeMap::new()) };
    let entries = store::artifacts::entries(tx, newest.key, "", artifact::MAX_ENTRIES as u32)?;
    Ok(entries.into_iter().map(|Entry { path, content }| (path, content)).collect())
}

fn texts(list: &str) -> Vec<String> {
    serde_json::from_str(list).unwrap_or_default()
}

/// Notes which version came of an announced artifact, and returns the version.
fn settle(
    change: &mut Change<'_>,
    key: i64,
    parts: &[Part],
    row: &ArtifactRow,
) -> Result<ArtifactView, Error> {
    let (announced, _) = find(change.tx, &Caller::Admin, key)?;
    let project = &announced.project;
    let version = store::artifacts::with_digest(change.tx, project, &row.name, &row.digest)?;
    let version =
        version.ok_or_else(|| Error::busy("the version was removed while it was made"))?;
    for part in parts {
        store::announced::settle(change.tx, part.key, version.key, &part.sha256)?;
    }
    describe(change.tx, &version, &announced)?;
    let version = store::artifacts::at(change.tx, version.key)?.unwrap_or(version);
    artifacts::view(change.tx, change.app, version)
}
