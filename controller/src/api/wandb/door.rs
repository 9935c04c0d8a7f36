//! Holds what all handlers of W&B's client share.

use std::sync::Arc;

use super::unserved::Unserved;
use crate::app::App;

/// What all handlers share.
#[derive(Debug)]
pub(super) struct Door {
    /// The app.
    pub(super) app: Arc<App>,
    /// The fields that are not served.
    pub(super) unserved: Unserved,
}
