//! Remembers what is wrong with the data folder, as far as the last look showed.
//! `app::upkeep::lost` looks at the folder and records it here.

use tokio::sync::watch as channel;

use crate::store;

/// The reason why a sweep hands out nothing, for users.
pub(in crate::app) const NOTE: &str = "the controller has lost its data folder, or its database \
    is damaged: no new trials start, and the rows of trials wait on their nodes; the controller's \
    log says what to do";

/// The known problem of the data folder, if there is one.
#[derive(Debug, Default)]
pub(in crate::app) struct Loss {
    pub(in crate::app) known: channel::Sender<Option<store::Error>>,
}

impl Loss {
    /// Returns whether nothing can be written now.
    pub(in crate::app) fn is_total(&self) -> bool {
        self.known.borrow().is_some()
    }

    /// Returns a receiver of each change.
    pub(crate) fn subscribe(&self) -> channel::Receiver<Option<store::Error>> {
        self.known.subscribe()
    }
}
