//! Keeps track of the agents: what they hold, what their orders are, and which of them are present.

pub(crate) mod heartbeat;
pub(crate) mod messages;
pub(in crate::app) mod orders;
pub(in crate::app) mod registry;
