//! Files: blobs come and go by their hash, and the rows of runs name them. Called by the door, by `app::rows::ingest` for the rows
//! of the stream `files`, by `app::files::artifacts`, and by upkeep for blobs that nothing refers to. Never makes a path of a name: a blob is found by
//! its hash.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use record::{
    artifact::{BadArtifact, MAX_ENTRIES, MAX_MANIFEST_BYTES},
    checkpoint::CheckpointRow,
    content_row::ContentRow,
    file::{FileRow, check_hash},
};
use tokio::{
    sync::{OwnedSemaphorePermit, RwLock},
    time::Instant,
};

use super::{
    artifacts::{self, Logged},
    checkpoints,
    owner::{self, Names, Owner},
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
        runs::lookup::{self, Standing},
        upkeep::{full, lost},
    },
    store::{self, Upload, blocks::Stream, files::File, runs::Run},
};

/// Bytes of a piece on its way to a client.
const PIECE_BYTES: u64 = 256 << 10;

/// Removes blobs that nothing refers to, some at a time.
#[derive(Debug)]
pub(in crate::app) struct Collector {
    /// Held for writing while blobs go, for reading while one gets its name: a blob that comes again is not removed.
    pub(in crate::app) going: RwLock<()>,
    next: Mutex<(Instant, String)>,
    /// How many want every content to stay.
    pub(in crate::app) held: AtomicUsize,
}

impl Collector {
    pub(in crate::app) fn new(now: Instant) -> Self {
        Self { going: RwLock::default(), next: Mutex::new((now, String::new())), held: AtomicUsize::new(0) }
    }
}

impl Collector {
    fn is_held(&self) -> bool {
        self.held.load(Ordering::SeqCst) > 0
    }
}

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
    hashes.iter().try_for_each(|hash| check_hash(hash)).map_err(|bad| Error::invalid(bad.to_string()))?;
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

/// Takes a blob in; `None` when it is here already, and the caller may name it. Who may not, sends it: that is the proof.
///
/// # Errors
/// Invalid when the hash is none, or the size is over the limit; refused with [`Why::Room`] when there is no room for it; busy
/// while the disk is full.
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
    /// Invalid when it gets longer than it was said to be; refused with [`Why::Room`] when there is no room for more of it; busy
    /// when the disk does not take it.
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
        // A task of its own: a client that hangs up would end this between the blob's row and the count of its room.
        let kept = tokio::spawn(async move { self.keep(&app).await }).await;
        kept.map_err(|error| Error::Bug(format!("a blob was not kept: {error}")))?
    }

    async fn keep(mut self, app: &Arc<App>) -> Result<(), Error> {
        if self.upload.size() < self.size {
            let message = format!("the blob ends after {} of {} bytes", self.upload.size(), self.size);
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

/// A row of the stream `files`, with what has to be known of it before it is kept.
#[derive(Clone, Debug)]
pub(in crate::app) enum Row {
    File(FileRow),
    Checkpoint(CheckpointRow),
    Artifact(Logged),
}

/// The rows of an append to the stream `files`.
///
/// # Errors
/// Invalid when a row tells of neither a file, a checkpoint nor an artifact, or all the artifacts together are larger than one may be;
/// refused with [`Why::Blob`] when a manifest is not here.
pub(in crate::app) async fn rows(
    app: &Arc<App>,
    caller: &Caller,
    run: &str,
    frames: &[u8],
) -> Result<Vec<Row>, Error> {
    let told = record::rows(frames).map_err(|corrupt| Error::invalid(format!("damaged rows: {corrupt}")))?;
    let told: Result<Vec<ContentRow>, BadArtifact> = told.iter().map(ContentRow::of).collect();
    let told = told.map_err(|bad| Error::invalid(bad.to_string()))?;
    let most = app.settings.limits.checkpoint_rows;
    let checkpoints = told.iter().filter(|told| matches!(told, ContentRow::Checkpoint(_))).count();
    if checkpoints > most {
        let message = format!("an append with {checkpoints} checkpoints, {most} at most");
        return Err(Error::invalid(message).hint("send the rows apart"));
    }
    let (mut rows, mut bytes, mut entries) = (Vec::new(), 0, 0);
    for told in told {
        rows.push(match told {
            ContentRow::File(file) => Row::File(file),
            ContentRow::Checkpoint(checkpoint) => Row::Checkpoint(checkpoint),
            ContentRow::Artifact(artifact) => {
                // A row of a hundred bytes may name a manifest of megabytes, and an append has room for many such rows. Our
                // own clients send one at a time (`blobs::batch`).
                bytes += artifact.size;
                check_together(bytes, entries)?;
                let logged = artifacts::stage(app, caller, run, artifact).await?;
                entries += logged.entries;
                check_together(bytes, entries)?;
                Row::Artifact(logged)
            }
        });
    }
    Ok(rows)
}

/// Passes for what the artifacts of one append may have in all: as much as the largest of them.
fn check_together(bytes: u64, entries: usize) -> Result<(), Error> {
    if bytes <= MAX_MANIFEST_BYTES && entries <= MAX_ENTRIES {
        return Ok(());
    }
    let message = format!(
        "the artifacts of one append have {MAX_ENTRIES} files and {MAX_MANIFEST_BYTES} bytes of manifests at most"
    );
    Err(Error::invalid(message).hint("send the rows apart"))
}

/// Keeps such rows, and their blobs with them. Of an attempt that is over a file is added, and
/// takes the place of none.
///
/// # Errors
/// Refused with [`Why::Blob`] when a blob is not here.
pub(in crate::app) fn keep(
    change: &Change<'_>,
    caller: &Caller,
    run: &Run,
    stream: Stream<'_>,
    standing: Standing,
    rows: &[Row],
) -> Result<(), Error> {
    let logged_ms = change.app.clock.wall_ms();
    let fenced = standing == Standing::Fenced;
    let apart = standing != Standing::Current;
    let names = Names::of(change.tx, caller, &run.project)?;
    for row in rows {
        match row {
            Row::File(file) => {
                names.claim(change.tx, &file.path, &file.sha256, file.size)?;
                let file = File { file: file.clone(), attempt: stream.attempt, logged_ms };
                if standing != Standing::Late || !store::files::is_there(change.tx, run.key, &file)? {
                    store::files::put(change.tx, run.key, &file, fenced)?;
                }
            }
            Row::Checkpoint(checkpoint) => checkpoints::keep(change, &names, run, stream, apart, checkpoint)?,
            Row::Artifact(logged) => artifacts::keep(change, &names, run, apart, logged)?,
        }
    }
    // Nobody goes on from a fenced one: its attempt is not the run's any more.
    let goes_on = !fenced && rows.iter().any(|row| matches!(row, Row::Checkpoint(_)));
    if goes_on { checkpoints::trim(change.tx, run, checkpoints::KEPT) } else { Ok(()) }
}

/// The files of a run by path.
///
/// # Errors
/// Missing when there is no such run.
pub(crate) async fn list(app: &Arc<App>, caller: &Caller, id: String) -> Result<Streamed<File>, Error> {
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
/// Missing when there is no such blob or file; refused when a run asks for more than its own files and checkpoints.
pub(crate) async fn get(app: &Arc<App>, caller: &Caller, wanted: Wanted) -> Result<Streamed<Piece>, Error> {
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

/// One look for blobs that nothing refers to, if it is time. Never takes one that came within the grace.
///
/// # Errors
/// When the database or the disk fails; the next look finds the same work.
pub(in crate::app) async fn collect(app: &Arc<App>, now: Instant) -> Result<(), Error> {
    let lock = || app.collector.next.lock().unwrap_or_else(PoisonError::into_inner);
    let (due, after) = lock().clone();
    if now < due || app.collector.is_held() {
        return Ok(());
    }
    let (limit, before_ms) = (app.settings.limits.collected, before_ms(app));
    artifacts::sweep(app, before_ms).await?;
    let from = after.clone();
    let seen = app.read(move |tx, _| Ok(store::files::look(tx, &from, before_ms, limit)?)).await?;
    let next = if seen.len() < limit as usize { String::new() } else { seen[seen.len() - 1].0.clone() };
    *lock() = (now + app.settings.collect_every, next);
    let going: Vec<String> = seen.into_iter().filter(|(_, goes)| *goes).map(|(hash, _)| hash).collect();
    if going.is_empty() { Ok(()) } else { remove(app, going, before_ms).await }
}

fn before_ms(app: &App) -> i64 {
    let grace = i64::try_from(app.settings.blob_grace.as_millis()).unwrap_or(i64::MAX);
    app.clock.wall_ms().saturating_sub(grace)
}

/// First they count as gone, then they go, then they are forgotten: a crash in between is picked up by the next look.
async fn remove(app: &Arc<App>, hashes: Vec<String>, before_ms: i64) -> Result<(), Error> {
    let _alone = app.collector.going.write().await;
    if app.collector.is_held() {
        return Ok(());
    }
    let doom = move |change: &mut Change<'_>| {
        let mut doomed = Vec::new();
        for hash in hashes {
            if store::files::doom(change.tx, &hash, before_ms)? {
                doomed.push(hash);
            }
        }
        Ok(doomed)
    };
    let doomed = app.change(doom).await?;
    for hash in &doomed {
        full::written(app, app.store.blobs.remove(hash).await).await?;
    }
    let forget = move |change: &mut Change<'_>| -> Result<u64, Error> {
        let sizes = doomed.iter().map(|hash| store::files::forget_blob(change.tx, hash));
        Ok(sizes.sum::<Result<u64, _>>()?)
    };
    app.room.give_back(app.change(forget).await?);
    Ok(())
}
