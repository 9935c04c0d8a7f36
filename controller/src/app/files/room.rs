//! Limits the bytes that the contents of files take, in total and for each owner.
//! `app::files::blobs` checks the limits while a content arrives. The total is counted in memory,
//! from the bytes that were stored when the controller started. An arriving content counts with the
//! bytes that have arrived, not with its announced size.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::app::error::{Error, Why};

/// The most contents that may arrive at the same time. Each arriving content needs an open file. A
/// further content waits until another one has arrived.
const AT_ONCE: usize = 128;

/// The limit on the bytes of all contents, and the bytes that are in use.
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
    /// The bytes of the stored contents and of the arriving contents.
    used: u64,
    /// The bytes of the arriving contents, by owner.
    coming: HashMap<String, u64>,
}

/// The limit on the stored bytes of one owner: a run or a project.
#[derive(Clone, Debug)]
pub(in crate::app) struct Bound {
    /// The owner's name, for users.
    pub(in crate::app) of: String,
    /// The bytes that the owner has stored already.
    pub(in crate::app) has: u64,
    /// The most bytes that the owner may store.
    pub(in crate::app) most: u64,
    /// The flag of the controller that sets this limit.
    pub(in crate::app) flag: &'static str,
}

/// The room that one content takes while it arrives. The room becomes free if a [`Taken`] is
/// dropped without a call of [`Taken::keep`].
#[derive(Debug)]
pub(in crate::app) struct Taken {
    held: Arc<Held>,
    most: u64,
    bounds: Vec<Bound>,
    size: u64,
}

impl Room {
    /// Creates a room with `used` bytes in use, and a limit of `most` bytes.
    pub(in crate::app) fn new(used: u64, most: u64) -> Self {
        let counts = Counts { used, coming: HashMap::new() };
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        Self { most, held: Arc::new(Held(Mutex::new(counts))), turns }
    }

    /// Waits until one more content may arrive. The turn ends when the permit is dropped.
    pub(in crate::app) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        // `acquire_owned` fails only if the semaphore is closed, which never happens.
        Arc::clone(&self.turns).acquire_owned().await.ok()
    }

    /// Checks that there is room for a content of `size` bytes, without taking the room yet.
    ///
    /// # Errors
    /// Fails with [`Why::Room`] if there is no room for the content. The sender may send the
    /// content again later.
    pub(in crate::app) fn begin(&self, size: u64, bounds: Vec<Bound>) -> Result<Taken, Error> {
        let taken = Taken { held: Arc::clone(&self.held), most: self.most, bounds, size: 0 };
        taken.check(&taken.held.lock(), size)?;
        Ok(taken)
    }

    /// Frees the room of removed contents, which had `size` bytes.
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
    /// Takes room for more bytes of the content, which have arrived.
    ///
    /// # Errors
    /// Fails with [`Why::Room`] if there is no room for these bytes.
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

    /// Passes if the arrived bytes are within the limits in `bounds`, which the caller has just
    /// read again.
    ///
    /// # Errors
    /// Fails with [`Why::Room`] if the arrived bytes exceed a limit.
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

    /// Keeps the room for good, because the content is stored.
    pub(in crate::app) fn keep(self) {
        // This counts the bytes of the content as stored. The following drop of `self` stops
        // counting them as arriving.
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
