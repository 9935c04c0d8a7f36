//! How much of the disk the contents of files may take. Asked by `app::files` before a content comes in. Counts in memory, from
//! what the database has at the start.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use super::error::{Error, Why};

/// The room for contents.
#[derive(Debug)]
pub(super) struct Room {
    /// Bytes that are here or coming in.
    used: Arc<AtomicU64>,
    most: u64,
}

/// Room for one content; dropped without [`Taken::keep`] it is free again.
#[derive(Debug)]
pub(super) struct Taken {
    used: Arc<AtomicU64>,
    size: u64,
}

impl Room {
    /// With so many bytes in use, and a bound.
    pub(super) fn new(used: u64, most: u64) -> Self {
        Self { used: Arc::new(AtomicU64::new(used)), most }
    }

    /// Takes room for a content of `size` bytes.
    ///
    /// # Errors
    /// Refused with [`Why::Room`] when there is none: whoever sends it keeps it, and may try again.
    pub(super) fn take(&self, size: u64) -> Result<Taken, Error> {
        let used = self.used.fetch_add(size, Ordering::Relaxed);
        let taken = Taken { used: Arc::clone(&self.used), size };
        if used.saturating_add(size) <= self.most {
            return Ok(taken);
        }
        let message = format!("no room for {size} bytes: contents take {used} of {} bytes", self.most);
        Err(Error::refused(Why::Room, message).hint(
            "remove artifacts (`sweep artifact rm`), or start the controller with a larger --storage-gib",
        ))
    }

    /// A content is gone.
    pub(super) fn give_back(&self, size: u64) {
        self.used.fetch_sub(size, Ordering::Relaxed);
    }
}

impl Taken {
    /// The content stays.
    pub(super) fn keep(mut self) {
        self.size = 0;
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.used.fetch_sub(self.size, Ordering::Relaxed);
    }
}
