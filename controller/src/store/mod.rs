//! Stores everything that the controller remembers, in one folder with one database. One writer and
//! a few readers use the database. `app` calls the functions of this module with an open
//! transaction; `lib.rs` and `copy.rs` open the store. It decides nothing and never reads a clock.

pub(crate) mod about;
pub(crate) mod agents;
pub(crate) mod announced;
pub(crate) mod artifacts;
pub(crate) mod attempt_slots;
pub(crate) mod bin;
pub(crate) mod blobs;
pub(crate) mod blocks;
pub(crate) mod catalog;
pub(crate) mod check;
pub(crate) mod checkpoints;
pub(crate) mod collections;
pub(crate) mod columns;
pub(crate) mod copy;
pub(crate) mod database;
mod disk;
pub(crate) mod earlier;
pub(crate) mod events;
pub(crate) mod facts;
pub(crate) mod failures;
pub(crate) mod files;
mod folder;
pub(crate) mod guard;
pub(crate) mod holders;
pub(crate) mod holdings;
pub(crate) mod links;
pub(crate) mod listing;
mod open_error;
pub(crate) mod people;
pub(crate) mod places;
pub(crate) mod printed;
pub(crate) mod purge;
pub(crate) mod queued_points;
pub(crate) mod reports;
pub(crate) mod rungs;
pub(crate) mod runs;
pub(crate) mod saved_views;
pub(crate) mod sessions;
pub(crate) mod summaries;
pub(crate) mod sweeps;
pub(crate) mod usage;
pub(crate) mod work;
mod writer;

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use tokio::sync::{Semaphore, mpsc, oneshot};

use self::blobs::Blobs;
pub(crate) use self::{blobs::Upload, disk::Disk};
use database::Session;
pub(crate) use database::{Error, Result, Tx};
pub(crate) use folder::DATABASE;
pub(crate) use folder::Folder as Taken;
use guard::Guard;
pub(crate) use open_error::{OpenError, plain};
use writer::{Job, Ticket, panicked};

use crate::{
    platform::{Platform, Threads},
    settings::Limits,
};

/// An open data folder. When it is dropped, the writer finishes the use cases in its queue.
#[derive(Debug)]
pub(crate) struct Store {
    queue: Option<mpsc::Sender<Box<dyn Job>>>,
    /// The writer's thread; `None` if the writer shares the only thread, or the store only reads.
    writer: Option<thread::JoinHandle<()>>,
    threads: Threads,
    readers: Arc<Readers>,
    /// The contents of files, beside the database.
    pub(crate) blobs: Blobs,
    /// The disk under the contents and the database. `None` in a store that only reads, or if
    /// SQLite was given a file system of its own.
    pub(crate) disk: Option<Disk>,
    /// Stops all writes if the folder was replaced or the database is damaged.
    pub(crate) guard: Arc<Guard>,
    /// The lock on the folder, held as long as the store lives; `None` if the caller holds it. Two
    /// writers in one folder would each trust their own leases.
    _folder: Option<Taken>,
}

#[derive(Debug)]
struct Readers {
    idle: Mutex<Vec<Session>>,
    /// One permit for each reader. A read holds its permit until its reader is idle again.
    permits: Arc<Semaphore>,
}

impl Store {
    /// Opens the folder, and makes it if it is missing. Fails with [`OpenError`] if the folder
    /// cannot be used or is in use. Also fails if its database, or all its contents, are missing,
    /// or if its database is damaged, newer or foreign.
    pub(crate) fn open(
        folder: &Path,
        limits: &Limits,
        platform: Platform,
    ) -> std::result::Result<Self, OpenError> {
        let taken = Taken::take(folder)?;
        let may_begin = taken.prepare(platform.disk)?;
        let path = folder.join(DATABASE);
        let session = Session::writer(&path, platform.disk, may_begin)?;
        if files::has_any(&session.tx())? && !taken.has_contents()? {
            return Err(OpenError::NoContents);
        }
        let contents = folder.join(folder::CONTENTS);
        let blobs = Blobs::open(&contents)?;
        let reader = |_| Session::reader(&path, platform.disk);
        let readers = (0..limits.readers).map(reader).collect::<Result<Vec<_>>>()?;
        // SQLite has opened its log by now and keeps using that file, so the guard can watch it.
        let files = [path, folder.join(folder::LOG)];
        let mut files = files.iter().map(PathBuf::as_path).collect::<Vec<_>>();
        // On a file system that SQLite was given, the log comes and goes, so the guard does not
        // watch it.
        files.truncate(if platform.disk.is_some() { 1 } else { 2 });
        let guard = Arc::new(Guard::new(&[folder, &contents], &files, platform.disk)?);
        let (queue, jobs) = mpsc::channel(limits.queue);
        let writer = start_writer(
            platform.threads,
            writer::work(session, guard.clone(), jobs, limits.batch),
        )?;
        Ok(Self {
            queue: Some(queue),
            writer,
            threads: platform.threads,
            readers: Arc::new(Readers {
                permits: Arc::new(Semaphore::new(readers.len())),
                idle: Mutex::new(readers),
            }),
            blobs,
            disk: platform.disk.is_none().then(|| Disk::of(folder)),
            guard,
            _folder: Some(taken),
        })
    }

    /// Opens the folder only for reads, and changes no file and no name in it. It reads the commits
    /// in SQLite's log too. Fails with [`OpenError`] if this is no data folder, a controller uses
    /// it, or its database is missing, unreadable, newer or foreign.
    pub(crate) fn look(folder: &Path) -> std::result::Result<Self, OpenError> {
        let visited = Taken::visit(folder)?;
        let mut store = Self::look_at(folder, DATABASE)?;
        store._folder = Some(visited);
        Ok(store)
    }

    /// Opens a folder only for reads, as [`Store::look`] does, but with the database in the file
    /// `database`. It takes no lock on the folder, because the caller holds one.
    pub(crate) fn look_at(folder: &Path, database: &str) -> std::result::Result<Self, OpenError> {
        let session =
            Session::visitor(&folder.join(database), &folder.join(format!("{database}-wal")))?;
        let contents = folder.join(folder::CONTENTS);
        Ok(Self {
            queue: None,
            writer: None,
            threads: Threads::Many,
            readers: Arc::new(Readers {
                permits: Arc::new(Semaphore::new(1)),
                idle: Mutex::new(vec![session]),
            }),
            blobs: Blobs::look(&contents)?,
            disk: None,
            guard: Arc::new(Guard::new(&[folder], &[], None)?),
            _folder: None,
        })
    }

    /// Opens the folder for a test. Another test of this process may be starting a program, which
    /// has the lock on the folder until it runs. So this tries again while the folder is in use.
    #[cfg(test)]
    pub(crate) fn open_again(folder: &Path, limits: &Limits) -> Self {
        for _ in 0..1_000_000 {
            match Self::open(folder, limits, Platform::default()) {
                Err(OpenError::InUse) => thread::yield_now(),
                opened => return opened.expect("the test's folder can be opened"),
            }
        }
        panic!("the folder stays in use")
    }

    /// Runs a use case on the writer's thread, and returns after its writes are committed and
    /// synced. The writer calls `after` on that thread, in the order of commits, even if the caller
    /// has gone away meanwhile. Fails with the error of the use case or of the database. After a
    /// failure, none of its writes is kept, with one exception: if the data folder was lost during
    /// the commit, the lost folder may have them.
    pub(crate) async fn write<T, E>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> std::result::Result<T, E> + Send + 'static,
        after: impl FnOnce(&T) + Send + 'static,
    ) -> std::result::Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let gone = || E::from(Error::Busy("the controller is shutting down".to_owned()));
        let (reply, answer) = oneshot::channel();
        let ticket = Ticket { work: Some(work), after, outcome: None, reply };
        let queue = self.queue.as_ref().ok_or_else(gone)?;
        queue.send(Box::new(ticket)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// Reads from one snapshot, beside the writer, on a thread that may block. Fails with the error
    /// of the reader or of the database.
    pub(crate) async fn read<T, E>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> std::result::Result<T, E> + Send + 'static,
    ) -> std::result::Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let readers = self.readers.clone();
        let bug = |what: &str| E::from(Error::Bug(what.to_owned()));
        let permit = readers.permits.clone().acquire_owned().await;
        let permit = permit.map_err(|_| bug("the readers are closed"))?;
        let reading = self.threads.run(move || {
            let session = lock(&readers.idle).pop();
            let Some(session) = session else {
                return Err(Error::Bug("a permit has no reader".to_owned()).into());
            };
            let outcome = snapshot(&session, work);
            lock(&readers.idle).push(session);
            // This thread releases the permit, not the caller, who may have gone away while the
            // reader was busy.
            drop(permit);
            outcome
        });
        reading.await.map_err(|_| bug("a reader was cancelled"))?
    }
}

fn start_writer(
    threads: Threads,
    work: impl Future<Output = ()> + Send + 'static,
) -> io::Result<Option<thread::JoinHandle<()>>> {
    if threads == Threads::One {
        drop(tokio::spawn(work));
        return Ok(None);
    }
    // The writer's thread waits only for its queue, so its runtime needs no timers and no I/O.
    let waits = tokio::runtime::Builder::new_current_thread().build()?;
    thread::Builder::new().name("writer".to_owned()).spawn(move || waits.block_on(work)).map(Some)
}

impl Drop for Store {
    fn drop(&mut self) {
        self.queue = None;
        // A use case may own the last reference to the store. In that case the writer's own thread
        // drops the store, and cannot join itself.
        if let Some(writer) =
            self.writer.take().filter(|writer| writer.thread().id() != thread::current().id())
        {
            let _ = writer.join();
        }
    }
}

fn snapshot<T, E: From<Error>>(
    session: &Session,
    work: impl FnOnce(&Tx<'_>) -> std::result::Result<T, E>,
) -> std::result::Result<T, E> {
    session.begin_read()?;
    let outcome = catch_unwind(AssertUnwindSafe(|| work(&session.tx())));
    session.rollback()?;
    outcome.unwrap_or_else(|panic| Err(panicked(panic.as_ref()).into()))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
