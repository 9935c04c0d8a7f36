//! What the controller stands on beside clock and chance: who does work that blocks, and which of
//! SQLite's file systems keeps the database. Chosen once, by whoever starts the controller: `main`
//! takes the machine's own, the simulator brings one thread and a disk that fails on purpose.
//! Decides nothing.

use tokio::task::JoinError;

/// What the controller stands on. The default is the machine itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Platform {
    /// Who does work that blocks.
    pub threads: Threads,
    /// Where SQLite keeps the database. None: on the operating system's disk.
    pub disk: Option<Disk>,
}

/// A file system that was registered with SQLite.
#[derive(Clone, Copy, Debug)]
pub struct Disk {
    /// Its name.
    pub name: &'static str,
    /// A number of the file with this name, which no other file ever gets. None: no file has this
    /// name.
    pub identity: fn(&str) -> Option<u64>,
}

/// Who does work that blocks: reads of the database, its writer, a search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Threads {
    /// Threads of their own, beside those that answer calls.
    #[default]
    Many,
    /// The one thread that does everything, so that the order of all things follows from a seed.
    One,
}

impl Threads {
    /// Does this work to its end, even when the caller goes away meanwhile.
    ///
    /// # Errors
    /// When the work panics, or the runtime ends.
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
