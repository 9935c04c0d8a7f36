//! What is wrong with the data folder, as far as it was told. `app::upkeep::lost` looks at the
//! folder and says it.

use tokio::sync::watch as channel;

use crate::store;

/// Why a sweep hands out nothing, for people.
pub(in crate::app) const NOTE: &str = "the controller has lost its data folder, or its database \
    is damaged: nothing new is handed \
                               out, and what trials log waits on their nodes; the controller's \
                               log says what to do";

/// What is wrong with the data folder, as far as it was told.
#[derive(Debug, Default)]
pub(in crate::app) struct Loss {
    pub(in crate::app) known: channel::Sender<Option<store::Error>>,
}

impl Loss {
    /// Whether nothing can be written now.
    pub(in crate::app) fn is_total(&self) -> bool {
        self.known.borrow().is_some()
    }

    /// Tells of each change.
    pub(crate) fn subscribe(&self) -> channel::Receiver<Option<store::Error>> {
        self.known.subscribe()
    }
}
