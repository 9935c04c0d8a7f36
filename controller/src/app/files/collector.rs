//! Keeps the state of the blob collector between two of its steps. `app::files::blobs` uses it too.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{sync::RwLock, time::Instant};

/// The collector that removes blobs without a reference, some at a time.
#[derive(Debug)]
pub(in crate::app) struct Collector {
    /// The lock that is held for writing while blobs are removed, and for reading while a blob gets
    /// its name. So a blob that arrives again is not removed.
    pub(in crate::app) going: RwLock<()>,
    pub(in crate::app) next: Mutex<(Instant, String)>,
    /// The number of callers that want every content to stay.
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
