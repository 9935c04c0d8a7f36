//! What the collector of blobs remembers between two of its steps. `app::files::blobs` works with
//! it.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{sync::RwLock, time::Instant};

/// Removes blobs that nothing refers to, some at a time.
#[derive(Debug)]
pub(in crate::app) struct Collector {
    /// Held for writing while blobs go, for reading while one gets its name: a blob that comes
    /// again is not removed.
    pub(in crate::app) going: RwLock<()>,
    pub(in crate::app) next: Mutex<(Instant, String)>,
    /// How many want every content to stay.
    pub(in crate::app) held: AtomicUsize,
}

impl Collector {
    pub(in crate::app) fn new(now: Instant) -> Self {
        Self {
            going: RwLock::default(),
            next: Mutex::new((now, String::new())),
            held: AtomicUsize::new(0),
        }
    }
}

impl Collector {
    pub(in crate::app) fn is_held(&self) -> bool {
        self.held.load(Ordering::SeqCst) > 0
    }
}
