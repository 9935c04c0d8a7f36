//! Handles a full disk, which is a mode of the controller. While little disk space is free, the
//! controller refuses rows and contents, and hands out no trials. Senders keep refused rows and
//! contents, and send them again. Reads and changes of state continue, because the controller frees
//! a reserve on the disk when the mode begins. The mode ends by itself as soon as there is room.
//!
//! A disk that fails without being full does not start the mode. The controller refuses each failed
//! write, and logs a series of failures once. `app::upkeep::step` checks the disk regularly, and
//! this module also checks the disk when a write fails. `app::rows::ingest`, `app::files::blobs`,
//! `app::sweeps::suggest` and the handlers in `api` read the mode. This module frees nothing but
//! the reserve.

use std::{collections::BTreeSet, sync::Arc};

use record::ids::SweepId;

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
/// has stopped the write, the error becomes [`Error::Busy`] with the reason.
///
/// # Errors
/// Fails if the write failed.
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
            // A write into a data folder that is gone also fails with a disk error, because files
            // are missing.
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

/// Checks the disk, and enters or leaves the mode. After the mode ends, wakes the agents that wait
/// for trials.
pub(in crate::app) async fn look(app: &Arc<App>, seen: Seen) {
    let looking = app.clone();
    let left = app.threads.run(move || {
        let disk = looking.store.disk.as_ref();
        disk.is_some_and(|disk| looking.full.look(disk, seen, &looking.settings))
    });
    if left.await.is_ok_and(|left| left) {
        let sweeps: BTreeSet<SweepId> =
            app.registry.list(None).into_iter().map(|(_, presence)| presence.sweep).collect();
        let wakes: Vec<Wake> =
            sweeps.into_iter().map(|sweep| Wake::All(Topic::Work(sweep))).collect();
        app.wakeups.wake(&wakes);
    }
}
