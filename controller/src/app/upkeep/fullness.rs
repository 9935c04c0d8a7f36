//! Checks whether the disk has room, and remembers the result of the last check.
//! `app::upkeep::full` starts the checks.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::watch as channel, time::Instant};

use crate::{app::error::Error, settings::Settings, store::Disk};

/// The reason why a sweep hands out no trials while the disk is full, for users.
pub(in crate::app) const NOTE: &str = "the disk of the controller is full: no new trials start, \
    and the rows of trials wait on their nodes until there is room";

/// The time without a failed write after which the next failure gets a line in the log again.
const CALM: Duration = Duration::from_secs(60);

/// Whether the disk had room at the last check.
#[derive(Debug, Default)]
pub(in crate::app) struct Fullness {
    /// The lock that is held during a check of the disk. Without the lock, two checks at the same
    /// time could each miss the reserve that the other check has taken.
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
    /// Fails with [`Error::Busy`] while there is no room. The caller may send the same request
    /// again.
    pub(in crate::app) fn check(&self) -> Result<(), Error> {
        if self.is_full() { Err(busy()) } else { Ok(()) }
    }

    /// Returns a receiver whose value is `true` while the disk is full. The receiver is notified of
    /// each change.
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

/// The reason for a check of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app) enum Seen {
    /// The regular time of a check.
    Nothing,
    /// A write has failed.
    Failure,
}

impl Fullness {
    /// Checks the disk and updates the mode. Returns whether this check ended the mode.
    pub(super) fn look(&self, disk: &Disk, seen: Seen, settings: &Settings) -> bool {
        let _looking = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        let (least, reserve) = (settings.least_free_bytes, settings.reserve_bytes);
        // If the file system does not report its free space, the mode stays as it is.
        let Ok(free) = disk.free() else { return false };
        if free < least || (seen == Seen::Failure && !disk.takes(least)) {
            // Whoever learns of the mode may rely on the room of the reserve.
            give_up(disk);
            if self.change(true) {
                tracing::warn!(
                    "the disk of the data folder is full, {free} bytes are free: rows and files \
                    are refused until \
                     there is room, states are still written"
                );
            }
            return false;
        }
        if !disk.holds(reserve) {
            // Enough space must be free beside the reserve. With less, the controller would enter
            // and leave the mode again and again.
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

    /// Records a write that failed although there is room. Returns whether this failure is the
    /// first of a series of failures.
    pub(super) fn fails(&self, now: Instant) -> bool {
        let before = self.failed.lock().unwrap_or_else(PoisonError::into_inner).replace(now);
        before.is_none_or(|before| now.duration_since(before) > CALM)
    }

    /// Sets the mode, and returns whether the mode has changed.
    fn change(&self, full: bool) -> bool {
        self.full.send_if_modified(|known| std::mem::replace(known, full) != full)
    }
}

fn give_up(disk: &Disk) {
    if let Err(error) = disk.give_up() {
        tracing::debug!("the reserve on the disk cannot be freed: {error}");
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
