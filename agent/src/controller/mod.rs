//! Talks to the controller: its calls, and the heartbeats.

pub mod failure;
pub mod heartbeat;
pub mod link;
