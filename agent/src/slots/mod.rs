//! What the node gives to trials: which slot has which GPUs, who holds them, and when they are
//! free.

pub mod claims;
pub mod layout;
pub mod release;
