//! Keeps the agent's state on disk, so that a restarted agent can resume.

pub mod folder;
pub mod holdings;
