//! Says what the controller stands on beside clock and chance: which threads do work that blocks,
//! and which of SQLite's file systems keeps the database. The process that starts the controller
//! chooses it once: `main` takes the machine's own; the simulator brings one thread and a disk that
//! fails on purpose. This module decides nothing.

use tokio::task::JoinError;

/// What the controller stands on. The default is the machine itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Platform {
    /// The threads that do work that blocks.
    pub threads: Threads,
    /// Where SQLite keeps the database. `None`: on the operating system's disk.
    pub disk: Option<Disk>,
}

/// A file system that is registered with SQLite.
#[derive(Clone, Copy, Debug)]
pub struct Disk {
    /// The name under which it is registered.
    pub name: &'static str,
    /// Returns the number of the file with this name, which no other file ever gets. `None`: no
    /// file has this name.
    pub identity: fn(&str) -> Option<u64>,
}

/// The threads that do work that blocks: reads of the database, its writer, a search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Threads {
    /// Threads of their own, beside those that answer calls.
    #[default]
    Many,
    /// The one thread that does everything, so that the order of all events follows from a seed.
    One,
}

impl Threads {
    /// Runs this work to its end, even if the caller goes away meanwhile.
    ///
    /// # Errors
    /// Fails if the work panics or the runtime ends.
    pub(crate) async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        match self {
            Threads::Many => tokio::task::spawn_blocking(work).await,
            Threads::One => tokio::spawn(async move { work() }).await,
        }
    }
}
