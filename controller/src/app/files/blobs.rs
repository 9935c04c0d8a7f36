//! Receives and sends the contents of files. A content is a blob, which is named by its hash; the
//! rows of runs refer to it. The handlers in `api` and `app::files::artifacts` call this module.
//! This module never makes a path from a file's name: the hash alone says where a blob is stored.

use std::{ops::Range, sync::Arc};

use record::{file::check_hash, ids::RunId};
use tokio::sync::OwnedSemaphorePermit;

use super::{
    checkpoints,
    owner::{self, Owner},
    room::{Bound, Taken},
};
use crate::{
    app::{
        App,
        change::Change,
        error::{Error, Why},
        people::{
            caller::{Caller, Right},
            permit,
            things::Thing,
        },
        read::{pages, views::Streamed},
        runs::lookup,
        upkeep::{full, lost},
    },
    store::{self, Upload, files::File},
};

/// A file of a run, as clients see it.
pub(crate) type FileView = File;

/// The most bytes in one piece of a blob that is sent to a client.
const PIECE_BYTES: u64 = 256 << 10;

/// Returns the hashes whose blobs the caller has to send. The caller has to send a blob that is not
/// stored, or that the caller may not name.
///
/// # Errors
/// Fails with [`Error::Invalid`] if a text is not a hash, or if there are too many hashes.
pub(crate) async fn missing(
    app: &Arc<App>,
    caller: &Caller,
    hashes: Vec<String>,
) -> Result<Vec<String>, Error> {
    let most = app.settings.limits.hashes;
    if hashes.len() > most {
        return Err(Error::invalid(format!(
            "the call has {} hashes; the limit is {most}",
            hashes.len()
        )));
    }
    hashes
        .iter()
        .try_for_each(|hash| check_hash(hash))
        .map_err(|bad| Error::invalid(bad.to_string()))?;
    check_sender(caller)?;
    let caller = caller.clone();
    let look = move |tx: &store::Tx<'_>, _: &App| {
        let (mut missing, owner) = (Vec::new(), Owner::of(tx, &caller)?);
        for hash in hashes {
            if owner::known(tx, owner.as_ref(), &hash)?.is_none() {
                missing.push(hash);
            }
        }
        Ok(missing)
    };
    app.read(look).await
}

/// Passes if the caller may log to some project, so that it may send blobs.
fn check_sender(caller: &Caller) -> Result<(), Error> {
    match caller {
        Caller::Admin | Caller::Run(_) => Ok(()),
        Caller::Person(person) => {
            caller.admits(Right::Log)?;
            person.has(Right::Log).then_some(()).ok_or_else(|| {
                let message = format!("{} may log to no project", person.user.name);
                Error::refused(Why::Forbidden, message)
            })
        }
    }
}

/// A blob that is being received.
#[derive(Debug)]
pub(crate) struct Incoming {
    upload: Upload,
    taken: Taken,
    owner: Option<Owner>,
    /// The hash and size that the sender has announced; `None` if it has announced none.
    announced: Option<(String, u64)>,
    _turn: Option<OwnedSemaphorePermit>,
}

/// A blob that has arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    /// Its SHA-256.
    pub(crate) sha256: String,
    /// Its size in bytes.
    pub(crate) size: u64,
}

/// Begins to receive a blob. Waits while too many blobs arrive at the same time. Returns `None` if
/// the blob is stored already and the caller may name it. A caller that may not name a stored blob
/// sends it again, which proves that the caller has the content.
///
/// # Errors
/// - Fails with [`Error::Invalid`] if `sha256` is not a hash, or if the size is over the limit.
/// - Fails with [`Why::Room`] if there is no room for the blob.
/// - Fails with [`Error::Busy`] while the disk is full, the data folder is gone or the database is
///   damaged.
pub(crate) async fn begin(
    app: &Arc<App>,
    caller: &Caller,
    sha256: String,
    size: u64,
) -> Result<Option<Incoming>, Error> {
    check_sender(caller)?;
    check_hash(&sha256).map_err(|bad| Error::invalid(bad.to_string()))?;
    let most = app.settings.limits.blob_bytes;
    if size > most {
        return Err(Error::invalid(format!("the blob has {size} bytes; the limit is {most}")));
    }
    let (hash, caller) = (sha256.clone(), caller.clone());
    let look = move |tx: &store::Tx<'_>, app: &App| {
        let (owner, bounds) = owner_and_bounds(tx, app, &caller)?;
        Ok((owner::known(tx, owner.as_ref(), &hash)?, owner, bounds))
    };
    let (known, owner, bounds) = app.read(look).await?;
    if known.is_some() {
        return Ok(None);
    }
    receive(app, owner, bounds, Some((sha256, size))).await.map(Some)
}

/// Begins to receive a blob whose hash and size the caller does not know. Waits while too many
/// blobs arrive at the same time.
///
/// # Errors
/// Fails as [`begin`] does.
pub(crate) async fn begin_unknown(app: &Arc<App>, caller: &Caller) -> Result<Incoming, Error> {
    check_sender(caller)?;
    let caller = caller.clone();
    let (owner, bounds) = app.read(move |tx, app| owner_and_bounds(tx, app, &caller)).await?;
    receive(app, owner, bounds, None).await
}

/// Returns the owner of a caller's contents, and the limits on what the owner may store.
fn owner_and_bounds(
    tx: &store::Tx<'_>,
    app: &App,
    caller: &Caller,
) -> Result<(Option<Owner>, Vec<Bound>), Error> {
    let owner = Owner::of(tx, caller)?;
    let bounds = owner.as_ref().map(|owner| owner.bounds(tx, app)).transpose()?;
    Ok((owner, bounds.unwrap_or_default()))
}

async fn receive(
    app: &Arc<App>,
    owner: Option<Owner>,
    bounds: Vec<Bound>,
    announced: Option<(String, u64)>,
) -> Result<Incoming, Error> {
    let turn = app.room.turn().await;
    // The object store would recreate a data folder that is gone, so the folder is checked first.
    lost::check(app)?;
    app.full.check()?;
    let size = announced.as_ref().map_or(0, |(_, size)| *size);
    let taken = app.room.begin(size, bounds)?;
    let upload = full::written(app, app.store.blobs.begin().await).await?;
    Ok(Incoming { upload, taken, owner, announced, _turn: turn })
}

impl Incoming {
    /// Adds the next bytes of the blob.
    ///
    /// # Errors
    /// - Fails with [`Error::Invalid`] if the blob becomes longer than its announced size.
    /// - Fails with [`Why::Room`] if there is no room for more bytes.
    /// - Fails with [`Error::Busy`] if the bytes cannot be written to the disk.
    pub(crate) async fn add(&mut self, app: &Arc<App>, bytes: Vec<u8>) -> Result<(), Error> {
        let announced = self.announced.as_ref().map(|(_, size)| *size);
        let most = announced.unwrap_or(app.settings.limits.blob_bytes);
        if self.upload.size() + bytes.len() as u64 > most {
            let message = format!("the blob is longer than the {most} bytes it may have");
            return Err(Error::invalid(message));
        }
        self.taken.more(bytes.len() as u64)?;
        full::written(app, self.upload.add(bytes).await).await
    }

    /// Completes the blob. When this function returns, the blob is on the disk and counts as
    /// stored.
    ///
    /// # Errors
    /// Fails with [`Error::Invalid`] if the blob's size or hash differs from the announced one.
    /// Fails with [`Why::Room`] if other uploads have used up the
    /// room of the caller's run or project. In both cases, nothing of the blob is kept.
    pub(crate) async fn finish(self, app: &Arc<App>) -> Result<Stored, Error> {
        let app = app.clone();
        // The blob is kept by a task of its own. Without that task, a client that hangs up could
        // stop the work between the blob's row and the count of its room.
        let kept = tokio::spawn(async move { self.keep(&app).await }).await;
        kept.map_err(|error| Error::Bug(format!("a blob was not kept: {error}")))?
    }

    async fn keep(mut self, app: &Arc<App>) -> Result<Stored, Error> {
        if let Some((_, size)) = self.announced
            && self.upload.size() < size
        {
            let message = format!("the blob ends after {} of {size} bytes", self.upload.size());
            return Err(Error::invalid(message));
        }
        let arrived = full::written(app, self.upload.finish().await).await?;
        if let Some((sha256, _)) = &self.announced
            && arrived.sha256 != *sha256
        {
            let message = format!("the blob's hash is `{}`, not `{sha256}`", arrived.sha256);
            arrived.discard().await;
            return Err(Error::invalid(message));
        }
        let _here = app.collector.going.read().await;
        let owner = self.owner.take();
        if let Some(owner) = owner.clone() {
            // Other uploads may have stored more for the same owner since this upload began.
            let bounds = app.read(move |tx, app| owner.bounds(tx, app)).await?;
            if let Err(full) = self.taken.fits(bounds) {
                arrived.discard().await;
                return Err(full);
            }
        }
        let (hash, size) = (arrived.sha256.clone(), arrived.size);
        let stored = Stored { sha256: hash.clone(), size };
        full::written(app, arrived.keep().await).await?;
        let now_ms = app.clock.wall_ms();
        let add = move |change: &mut Change<'_>| {
            if let Some(owner) = owner {
                store::holdings::add(change.tx, &owner.project, &hash, size, owner.run())?;
            }
            Ok(store::files::add_blob(change.tx, &hash, size, now_ms)?)
        };
        // `add_blob` returns false if the blob's bytes already count as stored. Then the drop of
        // `self.taken` frees the room of this upload.
        if app.change(add).await? {
            self.taken.keep();
        }
        Ok(stored)
    }
}

/// Returns the files of a run, sorted by path. If several attempts logged a path, the file of the
/// newest of them counts. Files that arrived from a fenced attempt are left out.
///
/// # Errors
/// Fails with [`Error::Missing`] if the run does not exist.
pub(crate) async fn list(
    app: &Arc<App>,
    caller: &Caller,
    id: RunId,
) -> Result<Streamed<File>, Error> {
    permit::run(app, caller, Right::See, &id).await?;
    let run = app.read(move |tx, _| lookup::find(tx, &id)).await?;
    let weigh = |file: &File| file.file.path.len() + file.file.sha256.len();
    Ok(pages::streamed(app, weigh, move |tx, _, last: Option<&File>, limit| {
        let after = last.map_or("", |last| &last.file.path);
        Ok(store::files::page(tx, run.key, after, limit)?)
    }))
}

/// The blob that a caller wants to read.
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    /// The blob with this hash.
    Blob(String),
    /// A file of a run.
    File {
        /// The run's id.
        run: RunId,
        /// The file's path, as it was logged.
        path: String,
    },
}

/// A piece of a blob. The first piece identifies the blob.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    /// The hash and the size of the blob; `None` in all pieces but the first.
    pub(crate) head: Option<(String, u64)>,
    /// The bytes of this piece.
    pub(crate) data: Vec<u8>,
}

/// Returns a blob in pieces.
///
/// # Errors
/// Fails with [`Error::Missing`] if the blob or file does not exist. Fails with [`Error::Refused`]
/// if a run token asks for anything but the run's own files and checkpoints.
pub(crate) async fn get(
    app: &Arc<App>,
    caller: &Caller,
    wanted: Wanted,
) -> Result<Streamed<Piece>, Error> {
    let (sha256, size) = match wanted {
        Wanted::Blob(hash) => {
            check_hash(&hash).map_err(|bad| Error::invalid(bad.to_string()))?;
            let (caller, look) = (caller.clone(), hash.clone());
            let find = move |tx: &store::Tx<'_>, _: &App| {
                let is_own = match &caller {
                    Caller::Admin => true,
                    Caller::Run(own) => checkpoints::is_of(tx, &own.run, &look)?,
                    Caller::Person(_) => store::holdings::projects(tx, &look)?
                        .iter()
                        .filter(|project| !owner::is_of_user(project))
                        .any(|project| caller.may(Right::See, project, Thing::Project)),
                };
                if !is_own {
                    // A user learns nothing about contents of others.
                    caller.admits(Right::See)?;
                    return Ok(None);
                }
                Ok(store::files::blob(tx, &look)?)
            };
            let found = app.read(find).await?;
            let size = found.ok_or_else(|| Error::missing(format!("no blob `{hash}`")))?;
            (hash, size)
        }
        Wanted::File { run, path } => {
            permit::run(app, caller, Right::See, &run).await?;
            let found = app.read(move |tx, _| file_of(tx, &run, &path)).await?.file;
            (found.sha256, found.size)
        }
    };
    Ok(pieces(app, sha256, size, 0..size))
}

/// Returns a range of a stored blob in pieces. `size` is the size of the whole blob. The caller of
/// this function has checked that its own caller may read the blob.
pub(crate) fn pieces(
    app: &Arc<App>,
    sha256: String,
    size: u64,
    range: Range<u64>,
) -> Streamed<Piece> {
    let app = app.clone();
    pages::stream(|outlet| async move {
        let mut head = Some((sha256.clone(), size));
        let mut at = range.start;
        while outlet.is_wanted().await {
            let end = range.end.min(at + PIECE_BYTES);
            let data = app.store.blobs.read(&sha256, at..end).await?;
            if !outlet.send(Piece { head: head.take(), data }).await || end == range.end {
                break;
            }
            at = end;
        }
        Ok(())
    })
}

/// Finds a file of a run by its path.
///
/// # Errors
/// Fails with [`Error::Missing`] if the run has no such file.
pub(in crate::app) fn file_of(tx: &store::Tx<'_>, run: &RunId, path: &str) -> Result<File, Error> {
    let found = lookup::find(tx, run)?;
    store::files::find(tx, found.key, path)?.ok_or_else(|| {
        Error::missing(format!("the run `{run}` has no file `{path}`"))
            .hint(format!("`sweep run files {run}` lists its files"))
    })
}
