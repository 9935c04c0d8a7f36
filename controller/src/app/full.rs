//! A disk without room is a mode of the controller. While little is free, rows and contents are refused, which their senders
//! keep and send again, and no new trial is handed out; reads and changes of state go on, out of what was held back until
//! then. It ends by itself once there is room. Looked at by `app::upkeep`, and at once when a write fails; asked by
//! `app::ingest`, `app::files`, `app::suggest` and the doors. Never frees anything but its own reserve.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::watch as channel;

use super::{
    App,
    bell::{Ring, Topic},
    error::Error,
};
use crate::{settings::Settings, store::Disk};

/// Why a sweep hands out nothing, for people.
pub(super) const NOTE: &str = "the disk of the controller is full: nothing new is handed out, and what trials log waits \
                               on their nodes until there is room";

/// Whether the disk has room.
#[derive(Debug, Default)]
pub(super) struct Fullness {
    /// Held during a look: two at once would take each other's reserve for missing.
    looking: Mutex<()>,
    full: channel::Sender<bool>,
}

impl Fullness {
    /// Whether rows and contents are refused now.
    pub(super) fn is_full(&self) -> bool {
        *self.full.borrow()
    }

    /// Passes while there is room for rows and contents.
    ///
    /// # Errors
    /// Busy while there is not: the same may be sent again.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.is_full() { Err(busy()) } else { Ok(()) }
    }

    /// Tells of each change.
    pub(crate) fn subscribe(&self) -> channel::Receiver<bool> {
        self.full.subscribe()
    }
}

fn busy() -> Error {
    Error::busy("the disk of the controller is full").hint(
        "nothing is lost: it is sent again once there is room on the disk of the controller's data folder",
    )
}

/// Looks at the disk, and enters or leaves the mode.
pub(super) async fn look(app: &Arc<App>) {
    let looking = app.clone();
    let left = app.threads.run(move || {
        let disk = looking.store.disk.as_ref();
        disk.is_some_and(|disk| looking.full.look(disk, &looking.settings))
    });
    if left.await.is_ok_and(|left| left) {
        let sweeps: BTreeSet<String> =
            app.presences.list("").into_iter().map(|(_, presence)| presence.sweep).collect();
        let rings: Vec<Ring> = sweeps.into_iter().map(|sweep| Ring::All(Topic::Work(sweep))).collect();
        app.bell.ring(&rings);
    }
}

impl Fullness {
    /// Whether the mode was left by this look.
    fn look(&self, disk: &Disk, settings: &Settings) -> bool {
        let _looking = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        let (least, reserve) = (settings.least_free_bytes, settings.reserve_bytes);
        // A file system that does not say how much is free is written to until it refuses.
        let Ok(free) = disk.free() else { return false };
        if free < least {
            if self.change(true) {
                tracing::warn!(
                    "the disk of the data folder is full, {free} bytes are free: rows and files are refused until \
                     there is room, states are still written"
                );
            }
            if let Err(error) = disk.give_up() {
                tracing::debug!("what was held back cannot be given back: {error}");
            }
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
        }
        let left = self.change(false);
        if left {
            tracing::warn!("the disk of the data folder has room again: rows and files are taken");
        }
        left
    }

    /// Whether it was otherwise before.
    fn change(&self, full: bool) -> bool {
        self.full.send_if_modified(|known| std::mem::replace(known, full) != full)
    }
}
