//! Keeps the state of the blob collector between two steps of `app::files::collect`.
//! `app::files::blobs` holds its lock while it stores a blob. `app::upkeep::backup` keeps the
//! collector from removing contents.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{sync::RwLock, time::Instant};

/// The state of the collector, which removes blobs to which nothing refers.
#[derive(Debug)]
pub(in crate::app) struct Collector {
    /// The lock that is held for writing while blobs are removed, and for reading while an upload
    /// stores its blob. So the collector never removes a blob that arrives again at that moment.
    pub(in crate::app) going: RwLock<()>,
    /// The time of the next look at the blobs, and the hash after which this look starts. An empty
    /// hash means the first blob.
    pub(in crate::app) next: Mutex<(Instant, String)>,
    /// The number of backups in progress. While there are any, the collector removes no content.
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
