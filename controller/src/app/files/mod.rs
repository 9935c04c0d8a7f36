//! The files of runs: contents by hash, artifacts, checkpoints, whose they are and how much room they take.

pub(crate) mod artifacts;
pub(crate) mod blobs;
pub(crate) mod checkpoints;
pub(in crate::app) mod owner;
pub(in crate::app) mod room;
