//! A disk without room is a mode of the controller. While little is free, rows and contents are
//! refused, which their senders keep and send again, and no new trial is handed out; reads and
//! changes of state go on, out of what was held back until then. It ends by itself once there is
//! room. A disk that fails is none: what needs it is refused, and the log says so once. Looked at
//! by `app::upkeep::step`, and at once when a write fails; asked by `app::rows::ingest`,
//! `app::files::blobs`, `app::sweeps::suggest` and the doors. Never frees anything but its own
//! reserve.

use std::{collections::BTreeSet, sync::Arc};

use super::{fullness::Seen, lost};
use crate::{
    app::{
        App,
        change::wakeups::{Ring, Topic},
        error::Error,
    },
    store,
};

/// What a caller is told of a write: one that the disk, or the state of the data folder, has
/// stopped is busy, with the reason.
///
/// # Errors
/// That of the write.
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
            // A folder that went away shows as files that are not there.
            lost::check(app)?;
            look(app, Seen::Failure).await;
            app.full.check()?;
            let message = format!(
                "the controller cannot write to `{}`: {reason}",
                app.settings.data.display()
            );
            if app.full.fails(app.clock.now()) {
                tracing::error!("{message}; what needs the disk is refused until it works");
            }
            Err(Error::busy(message).hint(
                "nothing that was taken is lost; programs send the rest again, and a command \
                works again, once the \
                 disk does",
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
            app.presences.list("").into_iter().map(|(_, presence)| presence.sweep).collect();
        let rings: Vec<Ring> =
            sweeps.into_iter().map(|sweep| Ring::All(Topic::Work(sweep))).collect();
        app.bell.ring(&rings);
    }
}
