//! Gives out signed addresses of a run's files, and serves them. W&B's client asks for such an
//! address with its key, and then sends or fetches the content without it. The address itself says
//! what it opens: one file of one attempt, for writing or reading, until a moment. Nothing is
//! stored about it. `api::wandb` calls this module.

use std::{ops::Range, sync::Arc};

use record::{Writer, file::FileRow, ids::Attempt, stream::StreamName};

use super::blobs::{self, FileView, Incoming, Piece, Stored};
use crate::app::{
    App,
    error::{Error, Why},
    people::{
        caller::{Caller, Right},
        permit, tokens,
    },
    read::views::Streamed,
    rows::ingest::{self, Append},
    runs::lookup::{self, Named},
};

/// How long an address is valid, in milliseconds. The client tries an upload again for hours.
const LASTS_MS: i64 = 24 * 60 * 60 * 1000;
/// The writer of the rows about files that came to signed addresses.
const WRITER: &str = "wandb";

/// What a signed address is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// Sending the file.
    Put,
    /// Fetching the file.
    Get,
}

impl Use {
    /// Returns the word that addresses use.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::Get => "get",
        }
    }

    /// Returns the use with this word; `None` if there is none.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Put, Self::Get].into_iter().find(|known| known.name() == name)
    }
}

/// A signed address: what it opens, and the proof that this controller has given it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    /// What it is for.
    pub(crate) what: Use,
    /// The attempt whose file it is.
    pub(crate) of: Attempt,
    /// The path of the file in the run.
    pub(crate) path: String,
    /// Until when it is valid, in milliseconds since the epoch.
    pub(crate) until_ms: i64,
    /// The proof.
    pub(crate) signature: String,
}

impl Ticket {
    /// Signs an address. The caller of this function has checked that its own caller may use the
    /// file.
    pub(crate) fn new(app: &App, what: Use, of: Attempt, path: String) -> Self {
        let until_ms = app.clock().wall_ms().saturating_add(LASTS_MS);
        let mut ticket = Self { what, of, path, until_ms, signature: String::new() };
        ticket.signature = app.tokens.sign(&ticket.text());
        ticket
    }

    fn text(&self) -> String {
        let Self { what, of: Attempt { run, number }, path, until_ms, .. } = self;
        format!("{} {until_ms} {number} {run} {path}", what.name())
    }

    /// Passes if this controller has given out the address and it is still valid.
    ///
    /// # Errors
    /// Fails with [`Why::Forbidden`] otherwise.
    fn check(&self, app: &App, what: Use) -> Result<(), Error> {
        let is_ours = tokens::is_same(&app.tokens.sign(&self.text()), &self.signature);
        if !is_ours || self.what != what {
            return Err(Error::refused(Why::Forbidden, "this address of a file is not valid"));
        }
        if self.until_ms < app.clock().wall_ms() {
            return Err(Error::refused(Why::Forbidden, "this address of a file has expired"));
        }
        Ok(())
    }

    /// Returns the caller that someone with this address is.
    fn caller(&self) -> Caller {
        Caller::Run(self.of.clone())
    }
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
        let run = lookup::find_named(tx, &project, &named)?;
        permit::run_in(tx, &caller, Right::Log, &run.id)?;
        Ok(lookup::attempt_of(&caller, &run))
    })
    .await
}

/// A file that is being received.
#[derive(Debug)]
pub(crate) struct Receiving {
    ticket: Ticket,
    incoming: Incoming,
}

/// Begins to receive a file.
///
/// # Errors
/// Fails if the address is not valid, and as [`blobs::begin`] does.
pub(crate) async fn receive(app: &Arc<App>, ticket: Ticket) -> Result<Receiving, Error> {
    ticket.check(app, Use::Put)?;
    let incoming = blobs::begin_unknown(app, &ticket.caller()).await?;
    Ok(Receiving { ticket, incoming })
}

impl Receiving {
    /// Adds the next bytes of the file.
    ///
    /// # Errors
    /// Fails as [`Incoming::add`] does.
    pub(crate) async fn add(&mut self, app: &Arc<App>, bytes: Vec<u8>) -> Result<(), Error> {
        self.incoming.add(app, bytes).await
    }

    /// Completes the file. When this function returns, the file is on the disk and the run has it.
    ///
    /// # Errors
    /// Fails as [`Incoming::finish`] and [`ingest::append`] do.
    pub(crate) async fn finish(self, app: &Arc<App>) -> Result<Stored, Error> {
        let Self { ticket, incoming } = self;
        let stored = incoming.finish(app).await?;
        let caller = ticket.caller();
        let Stored { sha256, size } = stored.clone();
        let kind = kind(&ticket.path).to_owned();
        let row = FileRow { path: ticket.path, sha256, size, kind };
        let mut frames = Vec::new();
        Writer::default().frame(&[row.to_row(0, app.clock().wall_ms())], &mut frames);
        let (writer, stream, offset) = (WRITER.to_owned(), StreamName::Files, None);
        let append = Append { of: ticket.of, writer, stream, offset, frames };
        ingest::append(app, &caller, append).await?;
        Ok(stored)
    }
}

/// Returns the kind of a file of W&B's client, whose folders are named after the kinds of media.
fn kind(path: &str) -> &'static str {
    match path.strip_prefix("media/").and_then(|rest| rest.split('/').next()) {
        Some("images") => "image",
        Some("table") => "table",
        Some("audio") => "audio",
        Some("videos") => "video",
        Some("html") => "html",
        _ => "file",
    }
}

/// Finds the file at a signed address.
///
/// # Errors
/// Fails if the address is not valid, and with [`Error::Missing`] if the run has no such file.
pub(crate) async fn find(app: &Arc<App>, ticket: Ticket) -> Result<FileView, Error> {
    ticket.check(app, Use::Get)?;
    app.read(move |tx, _| blobs::file_of(tx, &ticket.of.run, &ticket.path)).await
}

/// Returns a range of a file that [`find`] has found, in pieces.
pub(crate) fn read(app: &Arc<App>, file: FileView, range: Range<u64>) -> Streamed<Piece> {
    blobs::pieces(app, file.file.sha256, file.file.size, range)
}
