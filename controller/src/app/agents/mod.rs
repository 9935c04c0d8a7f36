//! Keeps track of the agents: which attempts they hold, what their orders are, and which agents
//! sent a heartbeat lately.

pub(crate) mod foreign;
pub(crate) mod heartbeat;
pub(crate) mod messages;
pub(in crate::app) mod orders;
pub(in crate::app) mod registry;
