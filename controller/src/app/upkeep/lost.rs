//! Handles a data folder that is gone or whose database is damaged, which is a mode of the
//! controller. With such a data folder, the controller refuses every write, and still reads what it
//! can. Senders keep refused rows and contents, and send them again. The mode ends when the same
//! folder is back. A damaged database keeps the mode on until the controller ends.
//! `app::upkeep::step` checks the folder regularly. A write that fails because of the folder, or a
//! read that meets damage, also leads to a check.

use std::sync::Arc;

use crate::{
    app::{App, error::Error},
    store,
};

/// Checks the data folder, and logs if a problem has appeared or disappeared. Returns whether the
/// controller can write to the folder.
pub(in crate::app) fn look(app: &App) -> bool {
    let found = app.store.guard.check().err();
    let is_new = app.loss.known.send_if_modified(|known| {
        let is_new = known.is_some() != found.is_some();
        if is_new {
            known.clone_from(&found);
        }
        is_new
    });
    match &found {
        Some(found) if is_new => {
            tracing::error!("{}; {}", sentence(app, found), advice(app, found))
        }
        None if is_new => tracing::warn!("the data folder is back: rows and files are taken again"),
        _ => {}
    }
    found.is_none()
}

/// Returns the error for a caller whose write has failed with the store's error `found`. Also
/// checks the folder, so that the log says what to do.
pub(in crate::app) fn refused(app: &App, found: &store::Error) -> Error {
    look(app);
    Error::busy(sentence(app, found)).hint(
        "no accepted data is lost; programs keep the rest and send it again; the controller's log \
        says what to do",
    )
}

/// Returns the error for a caller whose read met damage, and marks the database as damaged.
pub(in crate::app) fn unreadable(app: &App, damage: String) -> Error {
    app.store.guard.condemn(&damage);
    look(app);
    let found = store::Error::Damaged(damage);
    Error::damaged(sentence(app, &found)).hint(advice(app, &found))
}

fn sentence(app: &App, found: &store::Error) -> String {
    let database = app.settings.data.join(store::DATABASE);
    match found {
        store::Error::Damaged(what) => {
            format!("the database `{}` is damaged: {what}", database.display())
        }
        found => format!("the controller has lost its data folder: {found}"),
    }
}

fn advice(app: &App, found: &store::Error) -> String {
    let data = app.settings.data.display();
    match found {
        store::Error::Damaged(_) => format!(
            "nothing is written to it any more: end the controller, let `controller fsck --data \
            {data}` say what \
             is damaged, and restore a backup"
        ),
        _ => format!(
            "nothing is written until it is back: put the same folder back to `{data}`, or end \
            the controller, \
             restore a backup there and start it again"
        ),
    }
}

/// Passes while the controller can write to the data folder.
///
/// # Errors
/// Fails with [`Error::Busy`] while the data folder is gone or its database is damaged.
pub(in crate::app) fn check(app: &Arc<App>) -> Result<(), Error> {
    app.store.guard.check().map_err(|found| refused(app, &found))
}
