//! Files: blobs come and go by their hash, and the rows of runs name them. Called by the door, by
//! `app::rows::ingest` for the rows of the stream `files`, by `app::files::artifacts`, and by
//! upkeep for blobs that nothing refers to. Never makes a path of a name: a blob is found by its
//! hash.

use std::sync::Arc;

use record::file::check_hash;
use tokio::sync::OwnedSemaphorePermit;

use super::{
    checkpoints,
    owner::{self, Owner},
    room::Taken,
};
pub(crate) use crate::store::files::File as FileView;
use crate::{
    app::{
        App,
        caller::Caller,
        change::Change,
        error::Error,
        read::{pages, views::Streamed},
        runs::lookup,
        upkeep::{full, lost},
    },
    store::{self, Upload, files::File},
};

/// Bytes of a piece on its way to a client.
const PIECE_BYTES: u64 = 256 << 10;

/// Those of the hashes that are not here, or that the caller may not name: it has to send them.
///
/// # Errors
/// Invalid when one is no hash, or they are too many.
pub(crate) async fn missing(
    app: &Arc<App>,
    caller: &Caller,
    hashes: Vec<String>,
) -> Result<Vec<String>, Error> {
    let most = app.settings.limits.hashes;
    if hashes.len() > most {
        return Err(Error::invalid(format!("{} hashes in one call, {most} at most", hashes.len())));
    }
    hashes
        .iter()
        .try_for_each(|hash| check_hash(hash))
        .map_err(|bad| Error::invalid(bad.to_string()))?;
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

/// A blob on its way in.
#[derive(Debug)]
pub(crate) struct Incoming {
    upload: Upload,
    taken: Taken,
    owner: Option<Owner>,
    sha256: String,
    size: u64,
    _turn: Option<OwnedSemaphorePermit>,
}

/// Takes a blob in; `None` when it is here already, and the caller may name it. Who may not, sends
/// it: that is the proof.
///
/// # Errors
/// Invalid when the hash is none, or the size is over the limit; refused with [`Why::Room`] when
/// there is no room for it; busy while the disk is full.
pub(crate) async fn begin(
    app: &Arc<App>,
    caller: &Caller,
    sha256: String,
    size: u64,
) -> Result<Option<Incoming>, Error> {
    check_hash(&sha256).map_err(|bad| Error::invalid(bad.to_string()))?;
    let most = app.settings.limits.blob_bytes;
    if size > most {
        return Err(Error::invalid(format!("a blob of {size} bytes, {most} at most")));
    }
    let (hash, caller) = (sha256.clone(), caller.clone());
    let look = move |tx: &store::Tx<'_>, app: &App| {
        let owner = Owner::of(tx, &caller)?;
        let known = owner::known(tx, owner.as_ref(), &hash)?;
        let bounds = owner.as_ref().map(|owner| owner.bounds(tx, app)).transpose()?;
        Ok((known, owner, bounds.unwrap_or_default()))
    };
    let (known, owner, bounds) = app.read(look).await?;
    if known.is_some() {
        return Ok(None);
    }
    let turn = app.room.turn().await;
    // The object store would make a folder that is gone anew.
    lost::check(app)?;
    app.full.check()?;
    let taken = app.room.begin(size, bounds)?;
    let upload = full::written(app, app.store.blobs.begin().await).await?;
    Ok(Some(Incoming { upload, taken, owner, sha256, size, _turn: turn }))
}

impl Incoming {
    /// The next bytes of it.
    ///
    /// # Errors
    /// Invalid when it gets longer than it was said to be; refused with [`Why::Room`] when there is
    /// no room for more of it; busy when the disk does not take it.
    pub(crate) async fn add(&mut self, app: &Arc<App>, bytes: Vec<u8>) -> Result<(), Error> {
        if self.upload.size() + bytes.len() as u64 > self.size {
            return Err(Error::invalid(format!(
                "the blob is longer than the {} bytes it should have",
                self.size
            )));
        }
        self.taken.more(bytes.len() as u64)?;
        full::written(app, self.upload.add(bytes).await).await
    }

    /// All of it is there. When this returns the blob is on the disk, and counts as here.
    ///
    /// # Errors
    /// Invalid when it is not what it was said to be: then nothing of it was kept.
    pub(crate) async fn finish(self, app: &Arc<App>) -> Result<(), Error> {
        let app = app.clone();
        // A task of its own: a client that hangs up would end this between the blob's row and the
        // count of its room.
        let kept = tokio::spawn(async move { self.keep(&app).await }).await;
        kept.map_err(|error| Error::Bug(format!("a blob was not kept: {error}")))?
    }

    async fn keep(mut self, app: &Arc<App>) -> Result<(), Error> {
        if self.upload.size() < self.size {
            let message =
                format!("the blob ends after {} of {} bytes", self.upload.size(), self.size);
            return Err(Error::invalid(message));
        }
        let arrived = full::written(app, self.upload.finish().await).await?;
        if arrived.sha256 != self.sha256 {
            let message = format!("the blob's hash is `{}`, not `{}`", arrived.sha256, self.sha256);
            arrived.discard().await;
            return Err(Error::invalid(message));
        }
        let _here = app.collector.going.read().await;
        let owner = self.owner.take();
        if let Some(owner) = owner.clone() {
            // Others may have brought more for the same owner since this one began.
            let bounds = app.read(move |tx, app| owner.bounds(tx, app)).await?;
            if let Err(full) = self.taken.fits(bounds) {
                arrived.discard().await;
                return Err(full);
            }
        }
        let (hash, size) = (self.sha256, arrived.size);
        full::written(app, arrived.keep().await).await?;
        let now_ms = app.clock.wall_ms();
        let add = move |change: &mut Change<'_>| {
            if let Some(Owner { project, run, .. }) = owner {
                store::holdings::add(change.tx, &project, &hash, size, Some(run))?;
            }
            Ok(store::files::add_blob(change.tx, &hash, size, now_ms)?)
        };
        // Two may have brought it at the same time.
        if app.change(add).await? {
            self.taken.keep();
        }
        Ok(())
    }
}

/// The files of a run by path.
///
/// # Errors
/// Missing when there is no such run.
pub(crate) async fn list(
    app: &Arc<App>,
    caller: &Caller,
    id: String,
) -> Result<Streamed<File>, Error> {
    caller.run(&id)?;
    let run = app.read(move |tx, _| lookup::find(tx, &id)).await?;
    let weigh = |file: &File| file.file.path.len() + file.file.sha256.len();
    Ok(pages::streamed(app, weigh, move |tx, _, last: Option<&File>, limit| {
        let after = last.map_or("", |last| &last.file.path);
        Ok(store::files::page(tx, run.key, after, limit)?)
    }))
}

/// Which blob is wanted.
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    /// By its hash.
    Blob(String),
    /// As a file of a run.
    File {
        /// The run.
        run: String,
        /// The path, as it was logged.
        path: String,
    },
}

/// A piece of a blob; the first one tells what it is.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    /// Hash and size, in the first piece.
    pub(crate) head: Option<(String, u64)>,
    /// The bytes.
    pub(crate) data: Vec<u8>,
}

/// A blob in pieces.
///
/// # Errors
/// Missing when there is no such blob or file; refused when a run asks for more than its own files
/// and checkpoints.
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
                match &caller {
                    Caller::Run { run, .. } if checkpoints::is_of(tx, run, &look)? => {}
                    caller => caller.admin()?,
                }
                Ok(store::files::blob(tx, &look)?)
            };
            let found = app.read(find).await?;
            let size = found.ok_or_else(|| Error::missing(format!("no blob `{hash}`")))?;
            (hash, size)
        }
        Wanted::File { run, path } => {
            caller.run(&run)?;
            let found = app.read(move |tx, _| file_of(tx, &run, &path)).await?.file;
            (found.sha256, found.size)
        }
    };
    Ok(pieces(app, sha256, size))
}

/// A blob that is here, in pieces.
pub(in crate::app) fn pieces(app: &Arc<App>, sha256: String, size: u64) -> Streamed<Piece> {
    let app = app.clone();
    pages::stream(|outlet| async move {
        let mut head = Some((sha256.clone(), size));
        let mut at = 0;
        while outlet.is_wanted().await {
            let end = size.min(at + PIECE_BYTES);
            let data = app.store.blobs.read(&sha256, at..end).await?;
            if !outlet.send(Piece { head: head.take(), data }).await || end == size {
                break;
            }
            at = end;
        }
        Ok(())
    })
}

fn file_of(tx: &store::Tx<'_>, run: &str, path: &str) -> Result<File, Error> {
    let found = lookup::find(tx, run)?;
    store::files::find(tx, found.key, path)?.ok_or_else(|| {
        Error::missing(format!("the run `{run}` has no file `{path}`"))
            .hint(format!("`sweep run files {run}` lists what it has"))
    })
}
