//! Defines the threads for work that blocks, and the file system on which SQLite keeps the
//! database. The process chooses both once, when it opens the store. `Controller::start` takes
//! those of the machine. The simulator passes a single thread and a disk that fails on purpose.
//! This module decides nothing.

use std::any::Any;

use tokio::task::JoinError;

/// The threads and the file system that a controller uses. The default is those of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Platform {
    /// The threads that do work that blocks.
    pub threads: Threads,
    /// The file system on which SQLite keeps the database. `None`: the operating system's.
    pub disk: Option<Disk>,
}

/// A file system that is registered with SQLite.
#[derive(Clone, Copy, Debug)]
pub struct Disk {
    /// The name under which the file system is registered.
    pub name: &'static str,
    /// Returns the number of the file with this name, which no other file ever gets. `None`: no
    /// file has this name.
    pub identity: fn(&str) -> Option<u64>,
}

/// The threads that do work that blocks: reads of the database, its writer, a search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Threads {
    /// Work that blocks runs on threads of its own, beside the threads that answer calls.
    #[default]
    Many,
    /// One thread does all work, so that the order of all events follows from a seed.
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
        // All work has the same type. So tokio's code for a task is compiled once, and not once for
        // each caller.
        type Boxed = Box<dyn Any + Send>;
        let work: Box<dyn FnOnce() -> Boxed + Send> = Box::new(move || Box::new(work()));
        let done = match self {
            Threads::Many => tokio::task::spawn_blocking(work).await?,
            Threads::One => tokio::spawn(async move { work() }).await?,
        };
        Ok(*done.downcast().expect("the result has the type of its work"))
    }
}
