//! Gives out signed addresses of contents, and serves them. W&B's client asks for such an address
//! with its key, and then sends or fetches the content without it. The address itself says what it
//! opens, until when, and proves that this controller has given it out. Nothing is stored about it.
//! `api::wandb` calls this module.

use std::{fmt, sync::Arc};

use md5::{Digest as _, Md5};
use record::{
    Row,
    file::{FileRow, hex, media_kind},
    ids::{Attempt, RunId},
    stream::StreamName,
};

use super::blobs::{self, Incoming, Stored};
use crate::{
    app::{
        App,
        change::Change,
        error::{Error, Why},
        people::{caller::Caller, tokens},
        rows::ingest::{self, Append},
        runs::lookup::{self, Named},
    },
    store,
};

/// How long an address is valid, in milliseconds. The client tries an upload again for hours.
const LASTS_MS: i64 = 24 * 60 * 60 * 1000;
/// The name of a manifest of W&B's client.
pub(crate) const MANIFEST: &str = "wandb_manifest.json";
/// The writer of the rows about files that came to signed addresses.
const WRITER: &str = "wandb";

/// What a signed address opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Opens {
    /// Sending a file of a run.
    SendFile {
        /// The attempt whose file it is.
        of: Attempt,
        /// The path of the file in the run.
        path: String,
    },
    /// Fetching a file of a run.
    FetchFile {
        /// The run.
        run: RunId,
        /// The path of the file in the run.
        path: String,
    },
    /// Sending a content for the artifacts of a run's project.
    SendContent {
        /// The attempt that sends it.
        of: Attempt,
        /// The MD5 of the content, as 32 hexadecimal digits.
        md5: String,
    },
    /// Fetching a content.
    FetchContent {
        /// The SHA-256 of the content.
        sha256: String,
        /// A name for the content, at the end of the address.
        name: String,
    },
    /// Sending the client's manifest of an announced artifact.
    SendManifest {
        /// The attempt that makes the artifact.
        of: Attempt,
        /// The key of the announced artifact.
        key: i64,
        /// The MD5 of the manifest, as 32 hexadecimal digits.
        md5: String,
    },
    /// Fetching a manifest of the client's form, for a version that the client has not made.
    FetchManifest {
        /// The key of the version.
        key: i64,
    },
}

impl fmt::Display for Opens {
    /// Writes the part of an address that says what the address opens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SendFile { of, path } => write!(f, "put/{}/{}/{path}", of.number, of.run),
            Self::FetchFile { run, path } => write!(f, "get/{run}/{path}"),
            Self::SendContent { of, md5 } => {
                write!(f, "put-content/{}/{}/{md5}", of.number, of.run)
            }
            Self::FetchContent { sha256, name } => write!(f, "content/{sha256}/{name}"),
            Self::SendManifest { of, key, md5 } => {
                write!(f, "put-manifest/{}/{}/{key}/{md5}", of.number, of.run)
            }
            Self::FetchManifest { key } => write!(f, "manifest/{key}/{MANIFEST}"),
        }
    }
}

impl Opens {
    /// Reads what [`Opens`] writes; `None` if the text is something else.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (word, rest) = text.split_once('/')?;
        let owned = str::to_owned;
        let attempt = || {
            let (number, rest) = rest.split_once('/')?;
            let (run, rest) = rest.split_once('/')?;
            Some((Attempt::new(run, number.parse().ok()?), rest))
        };
        Some(match word {
            "put" => {
                let (of, path) = attempt()?;
                Self::SendFile { of, path: owned(path) }
            }
            "get" => {
                let (run, path) = rest.split_once('/')?;
                Self::FetchFile { run: RunId::from(run), path: owned(path) }
            }
            "put-content" => {
                let (of, md5) = attempt()?;
                Self::SendContent { of, md5: owned(md5) }
            }
            "content" => {
                let (sha256, name) = rest.split_once('/')?;
                Self::FetchContent { sha256: owned(sha256), name: owned(name) }
            }
            "put-manifest" => {
                let (of, rest) = attempt()?;
                let (key, md5) = rest.split_once('/')?;
                Self::SendManifest { of, key: key.parse().ok()?, md5: owned(md5) }
            }
            "manifest" => Self::FetchManifest {
                key: rest.strip_suffix(MANIFEST)?.strip_suffix('/')?.parse().ok()?,
            },
            _ => return None,
        })
    }

    /// Returns the attempt that sends; `None` if the address is for fetching.
    fn sender(&self) -> Option<&Attempt> {
        match self {
            Self::SendFile { of, .. }
            | Self::SendContent { of, .. }
            | Self::SendManifest { of, .. } => Some(of),
            Self::FetchFile { .. } | Self::FetchContent { .. } | Self::FetchManifest { .. } => None,
        }
    }
}

/// A signed address: what it opens, and the proof that this controller has given it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    /// What it opens.
    pub(crate) opens: Opens,
    /// Until when it is valid, in milliseconds since the epoch.
    pub(crate) until_ms: i64,
    /// The proof.
    pub(crate) signature: String,
}

impl Ticket {
    /// Signs an address. The caller of this function has checked that its own caller may do what
    /// the address opens.
    pub(crate) fn new(app: &App, opens: Opens) -> Self {
        let until_ms = app.clock().wall_ms().saturating_add(LASTS_MS);
        let mut ticket = Self { opens, until_ms, signature: String::new() };
        ticket.signature = app.tokens.sign(&ticket.text());
        ticket
    }

    fn text(&self) -> String {
        format!("{} {}", self.until_ms, self.opens)
    }

    /// Passes if this controller has given out the address and it is still valid.
    ///
    /// # Errors
    /// Fails with [`Why::Forbidden`] otherwise.
    fn check(&self, app: &App) -> Result<(), Error> {
        if !tokens::is_same(&app.tokens.sign(&self.text()), &self.signature) {
            return Err(not_valid());
        }
        if self.until_ms < app.clock().wall_ms() {
            return Err(Error::refused(Why::Forbidden, "this address of a file has expired"));
        }
        Ok(())
    }
}

/// Returns the error of an address that this controller has not given out.
pub(crate) fn not_valid() -> Error {
    Error::refused(Why::Forbidden, "this address of a file is not valid")
}

/// Returns the attempt of a run for which the caller may get addresses: that of its token, or else
/// the run's newest one.
///
/// # Errors
/// Fails with [`Error::Missing`] if the caller may not see the run, and refuses a caller who may
/// not log to it.
pub(crate) async fn attempt(
    app: &Arc<App>,
    caller: &Caller,
    named: Named,
) -> Result<Attempt, Error> {
    let (project, caller) = (caller.project(&named.project)?, caller.clone());
    app.read(move |tx, _| {
        let run = lookup::find_to_log(tx, &caller, &project, &named)?;
        Ok(lookup::attempt_of(&caller, &run))
    })
    .await
}

/// A content that is being received.
#[derive(Debug)]
pub(crate) struct Receiving {
    opens: Opens,
    caller: Caller,
    incoming: Incoming,
    md5: Md5,
}

/// Begins to receive a content.
///
/// # Errors
/// Fails if the address is not valid, and as [`blobs::begin`] does.
pub(crate) async fn receive(app: &Arc<App>, ticket: Ticket) -> Result<Receiving, Error> {
    ticket.check(app)?;
    let caller = Caller::Run(ticket.opens.sender().ok_or_else(not_valid)?.clone());
    let incoming = blobs::begin_unknown(app, &caller).await?;
    Ok(Receiving { opens: ticket.opens, caller, incoming, md5: Md5::new() })
}

impl Receiving {
    /// Adds the next bytes of the content.
    ///
    /// # Errors
    /// Fails as [`Incoming::add`] does.
    pub(crate) async fn add(&mut self, app: &Arc<App>, bytes: Vec<u8>) -> Result<(), Error> {
        self.md5.update(&bytes);
        self.incoming.add(app, bytes).await
    }

    /// Completes the content. When this function returns, the content is on the disk, and what the
    /// address is for is done.
    ///
    /// # Errors
    /// Fails with [`Error::Invalid`] if the content has another MD5 than the address says, and as
    /// [`Incoming::finish`] and [`ingest::append`] do.
    pub(crate) async fn finish(self, app: &Arc<App>) -> Result<Stored, Error> {
        let Self { opens, caller, incoming, md5 } = self;
        let md5 = hex(&md5.finalize());
        match opens {
            Opens::SendFile { of, path } => {
                let stored = incoming.finish(app).await?;
                let kind = media_kind(&path).to_owned();
                let row = FileRow { path, sha256: stored.sha256.clone(), size: stored.size, kind };
                log(app, &caller, of, row.to_row(0, app.clock().wall_ms())).await?;
                Ok(stored)
            }
            Opens::SendContent { md5: announced, .. } => {
                check_md5(&md5, &announced)?;
                let stored = incoming.finish(app).await?;
                let sha256 = stored.sha256.clone();
                let note = move |change: &mut Change<'_>| {
                    Ok(store::files::set_md5(change.tx, &sha256, &md5)?)
                };
                app.change(note).await?;
                Ok(stored)
            }
            Opens::SendManifest { key, md5: announced, .. } => {
                check_md5(&md5, &announced)?;
                let stored = incoming.finish(app).await?;
                let sha256 = stored.sha256.clone();
                let note = move |change: &mut Change<'_>| match store::announced::set_manifest(
                    change.tx, key, &sha256,
                )? {
                    true => Ok(()),
                    false => Err(Error::refused(Why::State, "this artifact is complete")),
                };
                app.change(note).await?;
                Ok(stored)
            }
            _ => Err(not_valid()),
        }
    }
}

fn check_md5(here: &str, announced: &str) -> Result<(), Error> {
    match here == announced {
        true => Ok(()),
        false => {
            let message = format!("the content's MD5 is `{here}`, not `{announced}`");
            Err(Error::invalid(message))
        }
    }
}

/// Appends a row of W&B's client to the stream `files` of a run.
pub(super) async fn log(
    app: &Arc<App>,
    caller: &Caller,
    of: Attempt,
    row: Row,
) -> Result<(), Error> {
    let mut frames = Vec::new();
    record::Writer::default().frame(&[row], &mut frames);
    let (writer, stream, offset) = (WRITER.to_owned(), StreamName::Files, None);
    ingest::append(app, caller, Append { of, writer, stream, offset, frames }).await?;
    Ok(())
}

/// What stands at a signed address.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    /// A content: its SHA-256 and its size in bytes.
    Content(String, u64),
    /// A version whose manifest is to be written in the client's form.
    Version(i64),
}

/// Finds what a signed address opens.
///
/// # Errors
/// Fails if the address is not valid, and with [`Error::Missing`] if there is nothing.
pub(crate) async fn find(app: &Arc<App>, ticket: Ticket) -> Result<Found, Error> {
    ticket.check(app)?;
    match ticket.opens {
        Opens::FetchFile { run, path } => {
            let found = app.read(move |tx, _| blobs::file_of(tx, &run, &path)).await?.file;
            Ok(Found::Content(found.sha256, found.size))
        }
        Opens::FetchContent { sha256, .. } => {
            let hash = sha256.clone();
            let size = app.read(move |tx, _| Ok(store::files::blob(tx, &hash)?)).await?;
            let size = size.ok_or_else(|| Error::missing("this content was removed"))?;
            Ok(Found::Content(sha256, size))
        }
        Opens::FetchManifest { key } => {
            let version = app.read(move |tx, _| Ok(store::artifacts::at(tx, key)?)).await?;
            let gone = || Error::missing("this version of an artifact was removed");
            version.map(|version| Found::Version(version.key)).ok_or_else(gone)
        }
        _ => Err(not_valid()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_address_opens_is_read_back() {
        let of = || Attempt::new("k3x9abcd-1", 2);
        let text = |text: &str| text.to_owned();
        for opens in [
            Opens::SendFile { of: of(), path: text("media/images/a b_1.png") },
            Opens::FetchFile { run: of().run, path: text("a/b") },
            Opens::SendContent { of: of(), md5: text("0123") },
            Opens::FetchContent { sha256: text("4567"), name: text("a/b.txt") },
            Opens::SendManifest { of: of(), key: 7, md5: text("89ab") },
            Opens::FetchManifest { key: 7 },
        ] {
            assert_eq!(Opens::read(&opens.to_string()), Some(opens));
        }
        for wrong in ["", "put", "put/2/run", "post/2/run/a", "put/x/run/a", "manifest/x"] {
            assert_eq!(Opens::read(wrong), None, "{wrong}");
        }
    }
}
