//! Keeps the agent's state on disk, so that it can resume after a restart.

pub mod folder;
pub mod holdings;
