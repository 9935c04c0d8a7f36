//! Follows references to files of other versions. W&B's client writes such a reference as
//! `wandb-artifact://ID/PATH` with the id of the version in hexadecimal digits, or as
//! `wandb-client-artifact://ID/PATH` with an id that the client has made up. `app::read::tables`,
//! `app::files::artifacts` and the handlers of `api::web` call this module. It changes nothing.

use std::sync::Arc;

use record::{
    artifact::Content,
    ids::{ProjectId, RunId},
};

use super::versions::{self, Key, Wanted};
use crate::{
    app::{
        App,
        error::Error,
        people::{
            caller::{Caller, Right},
            permit,
        },
        runs::lookup,
    },
    store::{self, Tx, announced::Announced, artifacts::Version},
};

/// How a reference with the id of a version begins.
const BY_ID: &str = "wandb-artifact://";
/// How a reference with an id of the client's own begins.
const BY_CLIENT: &str = "wandb-client-artifact://";
/// The most references from one file to the next.
const STEPS: usize = 8;

/// A file of a version.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The version.
    pub(crate) version: Version,
    /// The path of the file in the version.
    pub(crate) path: String,
}

/// The content of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The SHA-256 of the content.
    pub(crate) sha256: String,
    /// The bytes of the content.
    pub(crate) size: u64,
}

/// Finds the file of a version that a value in a run's history names by this reference.
///
/// # Errors
/// Fails with [`Error::Invalid`] if the text is no such reference. Fails with [`Error::Missing`] if
/// the run does not exist, or if the version is not committed yet, does not exist any more, or
/// belongs to a project that the caller may not see.
pub(crate) async fn of_run(
    app: &Arc<App>,
    caller: &Caller,
    run: RunId,
    url: String,
) -> Result<Place, Error> {
    let most = app.settings.limits.text_bytes;
    if url.len() > most {
        return Err(Error::invalid(format!("a reference has more than {most} bytes")));
    }
    permit::run(app, caller, Right::See, &run).await?;
    let caller = caller.clone();
    app.read(move |tx, _| {
        let project = lookup::find(tx, &run)?.project;
        follow(tx, &caller, &project, &url)?.ok_or_else(|| {
            let message = format!("`{url:.200}` names no file of an artifact");
            Error::invalid(message).hint(format!("a reference begins with `{BY_ID}`"))
        })
    })
    .await
}

/// Finds the content of a file of a version. If the file is a reference to a file of another
/// version, follows it.
///
/// # Errors
/// Fails with [`Error::Missing`] if the version or the file does not exist, if its content is kept
/// elsewhere, or if the caller may not see a version that the reference leads to.
pub(crate) async fn content(
    app: &Arc<App>,
    caller: &Caller,
    wanted: Wanted,
    path: String,
) -> Result<Found, Error> {
    let caller = caller.clone();
    app.read(move |tx, app| {
        let version = versions::find(tx, app, &caller, Right::See, &wanted)?;
        content_in(tx, &caller, version, path)
    })
    .await
}

/// Does the same as [`content`] for a version that the caller may see.
///
/// # Errors
/// Fails as [`content`] does.
pub(super) fn content_in(
    tx: &Tx<'_>,
    caller: &Caller,
    version: Version,
    path: String,
) -> Result<Found, Error> {
    let mut place = Place { version, path };
    for _ in 0..STEPS {
        let Place { version, path } = &place;
        let (name, number) = (&version.name, version.version);
        let url = match store::artifacts::find(tx, version.key, path)?.map(|entry| entry.content) {
            Some(Content::Blob { sha256, size }) => return Ok(Found { sha256, size }),
            Some(Content::Reference { url, .. }) => url,
            None => {
                return Err(Error::missing(format!("`{name}:v{number}` has no file `{path}`")));
            }
        };
        place = follow(tx, caller, &version.project, &url)?.ok_or_else(|| {
            let message =
                format!("`{path}` of `{name}:v{number}` is a reference: its content is not here");
            Error::missing(message).hint(format!("it is kept at {url}"))
        })?;
    }
    let Place { version, path } = place;
    let message = format!("`{path}` of `{}:v{}` is behind too many", version.name, version.version);
    Err(Error::missing(format!("{message} references: at most {STEPS} are followed")))
}

/// Follows a reference in something of a project. `None` if it leads to no version.
fn follow(
    tx: &Tx<'_>,
    caller: &Caller,
    project: &ProjectId,
    url: &str,
) -> Result<Option<Place>, Error> {
    let Some((reference, path)) = Reference::parse(url) else { return Ok(None) };
    let (announced, key) = match reference {
        // Anybody can make up the id of somebody else, so it counts only in its own project.
        Reference::Client(id) => (store::announced::of_client_in(tx, project, id)?, None),
        Reference::Key(Key::Announced(key)) => (store::announced::get(tx, key)?, None),
        Reference::Key(Key::Version(key)) => (None, Some(key)),
    };
    let key = key.or(announced.as_ref().and_then(|announced| announced.artifact));
    let version = key.map(|key| store::artifacts::at(tx, key)).transpose()?.flatten();
    let is_seen = |project: &ProjectId| permit::sees_artifacts(tx, caller, project);
    if let Some(version) = version
        && is_seen(&version.project)?
    {
        return Ok(Some(Place { version, path: path.to_owned() }));
    }
    if let Some(Announced { artifact: None, project, name, .. }) = announced
        && is_seen(&project)?
    {
        let message = format!("the artifact `{name}` with the file `{path:.200}` is not complete");
        return Err(Error::missing(message).hint("its program may still send it"));
    }
    let message = format!("the artifact with the file `{path:.200}` is not there");
    Err(Error::missing(message).hint("it is deleted, or its project is closed to you"))
}

/// How a reference names a version.
#[derive(Debug, PartialEq, Eq)]
enum Reference<'a> {
    Key(Key),
    Client(&'a str),
}

impl<'a> Reference<'a> {
    /// Reads a reference and the path in it; `None` if the text is none.
    fn parse(url: &'a str) -> Option<(Self, &'a str)> {
        let split = |rest: &'a str| rest.split_once('/').filter(|(_, path)| !path.is_empty());
        if let Some(rest) = url.strip_prefix(BY_CLIENT) {
            let (id, path) = split(rest)?;
            return (!id.is_empty()).then_some((Self::Client(id), path));
        }
        let (digits, path) = split(url.strip_prefix(BY_ID)?)?;
        let bytes = digits.as_bytes().chunks(2).map(|pair| {
            let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
            u8::from_str_radix(pair, 16).ok()
        });
        let id = String::from_utf8(bytes.collect::<Option<_>>()?).ok()?;
        Some((Self::Key(Key::parse(&id)?), path))
    }
}

#[cfg(test)]
mod tests {
    use record::file::hex;

    use super::*;

    #[test]
    fn references_are_read_as_the_client_writes_them() {
        let by_id = |id: &str| format!("wandb-artifact://{}/a/b.json", hex(id.as_bytes()));
        for key in [Key::Announced(7), Key::Version(7)] {
            let url = by_id(&key.to_string());
            assert_eq!(Reference::parse(&url), Some((Reference::Key(key), "a/b.json")));
        }
        let client = Reference::parse("wandb-client-artifact://abc/t.table.json");
        assert_eq!(client, Some((Reference::Client("abc"), "t.table.json")));
        let wrong = [by_id("Run:v1:x"), by_id("Artifact:v1:announced:x"), by_id("")];
        let more = ["", "s3://a/b", "wandb-artifact://zz/a", "wandb-artifact://\u{e9}\u{e9}/a"];
        let cut = ["wandb-artifact://414/a", "wandb-client-artifact:///a", "wandb-artifact://41"];
        let empty = ["wandb-client-artifact://abc/", "wandb-client-artifact://abc"];
        let wrong = wrong.iter().map(String::as_str);
        for url in wrong.chain(more).chain(cut).chain(empty) {
            assert_eq!(Reference::parse(url), None, "{url}");
        }
    }
}
