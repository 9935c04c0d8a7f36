//! What the agent keeps on disk, to go on after a restart.

pub mod folder;
pub mod holdings;
