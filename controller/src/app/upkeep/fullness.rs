//! Remembers whether the disk has room, as far as the last look showed. `app::upkeep::full` looks
//! at the disk and records it here.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::watch as channel, time::Instant};

use crate::{app::error::Error, settings::Settings, store::Disk};

/// The reason why a sweep hands out nothing, for users.
pub(in crate::app) const NOTE: &str = "the disk of the controller is full: no new trials start, \
    and the rows of trials wait on their nodes until there is room";

/// The time without a failed write after which the next failure gets a line in the log again.
const CALM: Duration = Duration::from_secs(60);

/// Whether the disk has room.
#[derive(Debug, Default)]
pub(in crate::app) struct Fullness {
    /// The lock that is held during a look: of two looks at once, each would miss the reserve that
    /// the other has taken.
    looking: Mutex<()>,
    full: channel::Sender<bool>,
    /// The time of the last write that failed although there was room.
    failed: Mutex<Option<Instant>>,
}

impl Fullness {
    /// Returns whether rows and contents are refused now.
    pub(in crate::app) fn is_full(&self) -> bool {
        *self.full.borrow()
    }

    /// Passes while there is room for rows and contents.
    ///
    /// # Errors
    /// Fails with [`Error::Busy`] while there is none. The caller may send the same again.
    pub(in crate::app) fn check(&self) -> Result<(), Error> {
        if self.is_full() { Err(busy()) } else { Ok(()) }
    }

    /// Returns a receiver of each change.
    pub(crate) fn subscribe(&self) -> channel::Receiver<bool> {
        self.full.subscribe()
    }
}

fn busy() -> Error {
    Error::busy("the disk of the controller is full").hint(
        "no accepted data is lost; programs send the rest again, and commands work again once \
        there is room on the disk of the controller's data folder",
    )
}

/// The reason for a look at the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app) enum Seen {
    /// The regular time of a look.
    Nothing,
    /// A write that failed.
    Failure,
}

impl Fullness {
    /// Looks at the disk and updates the mode. Returns whether this look ended the mode.
    pub(super) fn look(&self, disk: &Disk, seen: Seen, settings: &Settings) -> bool {
        let _looking = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        let (least, reserve) = (settings.least_free_bytes, settings.reserve_bytes);
        // If a file system does not report its free space, it is written to until it refuses.
        let Ok(free) = disk.free() else { return false };
        if free < least || (seen == Seen::Failure && !disk.takes(least)) {
            if self.change(true) {
                tracing::warn!(
                    "the disk of the data folder is full, {free} bytes are free: rows and files \
                    are refused until \
                     there is room, states are still written"
                );
            }
            give_up(disk);
            return false;
        }
        if !disk.holds(reserve) {
            // Enough must be left beside the reserve, or the mode would come and go.
            if free < reserve.saturating_add(2 * least) {
                return false;
            }
            if let Err(error) = disk.hold(reserve) {
                tracing::debug!("{reserve} bytes cannot be held back: {error}");
            }
            if self.is_full() && !disk.takes(2 * least) {
                give_up(disk);
                return false;
            }
        }
        let left = self.change(false);
        if left {
            tracing::warn!("the disk of the data folder has room again: rows and files are taken");
        }
        left
    }

    /// Records a write that failed although there is room. Returns whether it is the first of a
    /// stretch of failures.
    pub(super) fn fails(&self, now: Instant) -> bool {
        let before = self.failed.lock().unwrap_or_else(PoisonError::into_inner).replace(now);
        before.is_none_or(|before| now.duration_since(before) > CALM)
    }

    /// Sets the mode, and returns whether this changed it.
    fn change(&self, full: bool) -> bool {
        self.full.send_if_modified(|known| std::mem::replace(known, full) != full)
    }
}

fn give_up(disk: &Disk) {
    if let Err(error) = disk.give_up() {
        tracing::debug!("what was held back cannot be given back: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_of_failures_is_reported_once() {
        let (fullness, begun) = (Fullness::default(), crate::clock::Clock::system().now());
        let told = [0, 1, 60, 110, 171]
            .map(|seconds| fullness.fails(begun + Duration::from_secs(seconds)));
        assert_eq!(told, [true, false, false, false, true]);
    }
}
