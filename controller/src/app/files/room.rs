//! Bounds the disk space that the contents of files take, in all and for each owner.
//! `app::files::blobs` asks it while a content arrives. It counts in memory, from what the database
//! holds. It counts the bytes that have arrived, not those that a caller announces.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::app::error::{Error, Why};

/// The most contents that may arrive at the same time. Each holds a file open, and the next one
/// waits for its turn.
const AT_ONCE: usize = 128;

/// The room for contents.
#[derive(Debug)]
pub(in crate::app) struct Room {
    most: u64,
    held: Arc<Held>,
    turns: Arc<Semaphore>,
}

#[derive(Debug)]
struct Held(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// The bytes of the stored contents and of those that are arriving.
    used: u64,
    /// The bytes that are arriving, by their owner.
    coming: HashMap<String, u64>,
}

/// The bound of one owner.
#[derive(Clone, Debug)]
pub(in crate::app) struct Bound {
    /// The owner's name, for users.
    pub(in crate::app) of: String,
    /// The bytes that the owner has already.
    pub(in crate::app) has: u64,
    /// The bytes that the owner may have.
    pub(in crate::app) most: u64,
    /// The flag that raises the bound.
    pub(in crate::app) flag: &'static str,
}

/// The room that one content takes while it arrives. Dropping it without [`Taken::keep`] frees the
/// room.
#[derive(Debug)]
pub(in crate::app) struct Taken {
    held: Arc<Held>,
    most: u64,
    bounds: Vec<Bound>,
    size: u64,
}

impl Room {
    /// Creates a room with this many bytes in use, and a bound.
    pub(in crate::app) fn new(used: u64, most: u64) -> Self {
        let counts = Counts { used, coming: HashMap::new() };
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        Self { most, held: Arc::new(Held(Mutex::new(counts))), turns }
    }

    /// Waits until one more content may arrive. The turn ends when the permit is dropped.
    pub(in crate::app) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed.
        Arc::clone(&self.turns).acquire_owned().await.ok()
    }

    /// Prepares for a content of `size` bytes. It takes no room yet.
    ///
    /// # Errors
    /// Fails with [`Why::Room`] if there is no room for the content. The sender keeps it and may
    /// try again.
    pub(in crate::app) fn begin(&self, size: u64, bounds: Vec<Bound>) -> Result<Taken, Error> {
        let taken = Taken { held: Arc::clone(&self.held), most: self.most, bounds, size: 0 };
        taken.check(&taken.held.lock(), size)?;
        Ok(taken)
    }

    /// Frees the room of a content that is gone.
    pub(in crate::app) fn give_back(&self, size: u64) {
        self.held.lock().used -= size;
    }
}

impl Held {
    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// Takes room for bytes that have arrived.
    ///
    /// # Errors
    /// Fails with [`Why::Room`] if there is no room for them.
    pub(in crate::app) fn more(&mut self, bytes: u64) -> Result<(), Error> {
        let mut counts = self.held.lock();
        self.check(&counts, bytes)?;
        counts.used += bytes;
        for Bound { of, .. } in &self.bounds {
            *counts.coming.entry(of.clone()).or_default() += bytes;
        }
        drop(counts);
        self.size += bytes;
        Ok(())
    }

    /// Passes if the bytes that have arrived are within bounds that were looked up again.
    ///
    /// # Errors
    /// Fails with [`Why::Room`] if they are not.
    pub(in crate::app) fn fits(&mut self, bounds: Vec<Bound>) -> Result<(), Error> {
        self.bounds = bounds;
        self.check(&self.held.lock(), 0)
    }

    fn check(&self, counts: &Counts, bytes: u64) -> Result<(), Error> {
        let refused = |message, hint| Err(Error::refused(Why::Room, message).hint(hint));
        let used = counts.used;
        if used.saturating_add(bytes) > self.most {
            let message =
                format!("no room for {bytes} bytes: contents take {used} of {} bytes", self.most);
            let hint = "remove artifacts (`sweep artifact rm`), or start the controller with a \
                larger --storage-gib";
            return refused(message, hint.to_owned());
        }
        for Bound { of, has, most, flag } in &self.bounds {
            let has = has.saturating_add(counts.coming.get(of).copied().unwrap_or_default());
            if has.saturating_add(bytes) > *most {
                let message = format!("no room for {bytes} bytes: {of} has {has} of {most} bytes");
                return refused(
                    message,
                    format!("log less, or start the controller with a larger {flag}"),
                );
            }
        }
        Ok(())
    }

    /// Keeps the room, because the content is stored.
    pub(in crate::app) fn keep(self) {
        // The content takes room as a stored one. Dropping `self` frees its room as an arriving
        // one.
        self.held.lock().used += self.size;
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut counts = self.held.lock();
        counts.used -= self.size;
        for Bound { of, .. } in &self.bounds {
            let left = counts.coming.get(of).map_or(0, |coming| coming - self.size);
            match left {
                0 => drop(counts.coming.remove(of)),
                left => drop(counts.coming.insert(of.clone(), left)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_bounded_number_of_contents_arrive_at_once() {
        let room = Room::new(0, 0);
        let next = async || timeout(Duration::ZERO, room.turn()).await.ok().flatten();
        let mut turns = Vec::new();
        for _ in 0..AT_ONCE {
            turns.push(next().await.unwrap());
        }
        assert!(next().await.is_none());
        turns.pop();
        assert!(next().await.is_some());
    }
}
