//! How much of the disk the contents of files may take, in all and for each owner. Asked by
//! `app::files::blobs` while a content comes in. Counts in memory, from what the database has: what
//! has arrived, and not what somebody says that will.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::app::error::{Error, Why};

/// Contents that may come in at once. Each has a file open, and the next one waits for its turn.
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
    /// Bytes that are here, and those of contents that are coming in.
    used: u64,
    /// Of the latter, by whom they are for.
    coming: HashMap<String, u64>,
}

/// What one owner may have.
#[derive(Clone, Debug)]
pub(in crate::app) struct Bound {
    /// Who, for people.
    pub(in crate::app) of: String,
    /// Bytes that it has already.
    pub(in crate::app) has: u64,
    /// Bytes that it may have.
    pub(in crate::app) most: u64,
    /// What raises the bound.
    pub(in crate::app) flag: &'static str,
}

/// What one content takes as it comes in; dropped without [`Taken::keep`] it is free again.
#[derive(Debug)]
pub(in crate::app) struct Taken {
    held: Arc<Held>,
    most: u64,
    bounds: Vec<Bound>,
    size: u64,
}

impl Room {
    /// With so many bytes in use, and a bound.
    pub(in crate::app) fn new(used: u64, most: u64) -> Self {
        let counts = Counts { used, coming: HashMap::new() };
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        Self { most, held: Arc::new(Held(Mutex::new(counts))), turns }
    }

    /// Waits until one more content may come in. The turn ends when the answer is dropped.
    pub(in crate::app) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        // Nobody closes the semaphore.
        Arc::clone(&self.turns).acquire_owned().await.ok()
    }

    /// A content of `size` bytes is about to come. Nothing is taken yet.
    ///
    /// # Errors
    /// Refused with [`Why::Room`] when there is no room for it: whoever sends it keeps it, and may
    /// try again.
    pub(in crate::app) fn begin(&self, size: u64, bounds: Vec<Bound>) -> Result<Taken, Error> {
        let taken = Taken { held: Arc::clone(&self.held), most: self.most, bounds, size: 0 };
        taken.check(&taken.held.lock(), size)?;
        Ok(taken)
    }

    /// A content is gone.
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
    /// So many bytes more have arrived.
    ///
    /// # Errors
    /// Refused with [`Why::Room`] when there is no room for them.
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

    /// Passes while what has come is within bounds that were looked up anew.
    ///
    /// # Errors
    /// Refused with [`Why::Room`] when it is not.
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

    /// The content stays.
    pub(in crate::app) fn keep(self) {
        // It takes room as one that is here: as one that is coming in, its room is free now.
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
    async fn only_so_many_contents_come_in_at_once() {
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
