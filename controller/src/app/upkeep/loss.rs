//! Remembers the problem of the data folder that the last check found. `app::upkeep::lost` checks
//! the folder and records the problem here.

use tokio::sync::watch as channel;

use crate::store;

/// The reason why a sweep hands out no trials while the data folder has a problem, for users.
pub(in crate::app) const NOTE: &str = "the controller has lost its data folder, or its database \
    is damaged: no new trials start, and the rows of trials wait on their nodes; the controller's \
    log says what to do";

/// The known problem of the data folder, if there is one.
#[derive(Debug, Default)]
pub(in crate::app) struct Loss {
    pub(in crate::app) known: channel::Sender<Option<store::Error>>,
}

impl Loss {
    /// Returns whether the last check found that the controller cannot write to the data folder.
    pub(in crate::app) fn is_total(&self) -> bool {
        self.known.borrow().is_some()
    }

    /// Returns a receiver of the known problem, which is `None` while there is no problem. The
    /// receiver is notified of each change.
    pub(crate) fn subscribe(&self) -> channel::Receiver<Option<store::Error>> {
        self.known.subscribe()
    }
}
