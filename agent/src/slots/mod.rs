//! Assigns the node's resources to trials: which slot has which GPUs, which agent holds them, and
//! when they are free.

pub mod claims;
pub mod layout;
pub mod release;
