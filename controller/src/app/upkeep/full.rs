//! Handles a full disk, which is a mode of the controller. While little space is free, it refuses
//! rows and contents, which their senders keep and send again, and hands out no new trial. Reads
//! and changes of state continue, out of a reserve that was held back until then. The mode ends by
//! itself once there is room.
//!
//! A failing disk is no full disk: the controller refuses what needs the disk, and the log says so
//! once. `app::upkeep::step` looks at the disk regularly, and this module looks at once when a
//! write fails. `app::rows::ingest`, `app::files::blobs`, `app::sweeps::suggest` and the handlers
//! in `api` ask for the mode. It never frees anything but its own reserve.

use std::{collections::BTreeSet, sync::Arc};

use super::{fullness::Seen, lost};
use crate::{
    app::{
        App,
        change::wakeups::{Topic, Wake},
        error::Error,
    },
    store,
};

/// Returns the result of a write as a caller sees it. If the disk or the state of the data folder
/// has stopped the write, the error is busy, with the reason.
///
/// # Errors
/// Fails if the write did.
pub(in crate::app) async fn written<T>(
    app: &Arc<App>,
    outcome: Result<T, impl Into<Error>>,
) -> Result<T, Error> {
    match outcome.map_err(Into::into) {
        Err(Error::Gone(reason)) => Err(lost::refused(app, &store::Error::Gone(reason))),
        Err(Error::Torn(damage)) => {
            app.store.guard.condemn(&damage);
            Err(lost::refused(app, &store::Error::Damaged(damage)))
        }
        Err(Error::Disk(reason)) => {
            // A folder that is gone shows as missing files.
            lost::check(app)?;
            look(app, Seen::Failure).await;
            app.full.check()?;
            let message = format!(
                "the controller cannot write to `{}`: {reason}",
                app.settings.data.display()
            );
            if app.full.fails(app.clock.now()) {
                tracing::error!("{message}; writes are refused until the disk works");
            }
            Err(Error::busy(message).hint(
                "no accepted data is lost; programs send the rest again, and commands work again \
                once the disk does",
            ))
        }
        outcome => outcome,
    }
}

/// Looks at the disk, and enters or leaves the mode.
pub(in crate::app) async fn look(app: &Arc<App>, seen: Seen) {
    let looking = app.clone();
    let left = app.threads.run(move || {
        let disk = looking.store.disk.as_ref();
        disk.is_some_and(|disk| looking.full.look(disk, seen, &looking.settings))
    });
    if left.await.is_ok_and(|left| left) {
        let sweeps: BTreeSet<String> =
            app.registry.list("").into_iter().map(|(_, presence)| presence.sweep).collect();
        let wakes: Vec<Wake> =
            sweeps.into_iter().map(|sweep| Wake::All(Topic::Work(sweep))).collect();
        app.wakeups.wake(&wakes);
    }
}
