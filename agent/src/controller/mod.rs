//! What the agent has to do with the controller: its address and its calls, and the beats that it
//! sends.

pub mod heartbeat;
pub mod link;
