//! What agents hold, what they are told, and which of them are there.

pub(crate) mod heartbeat;
pub(crate) mod messages;
pub(in crate::app) mod orders;
pub(in crate::app) mod registry;
