//! Handles the files of runs: contents by hash, artifacts and checkpoints, with their owners and
//! the room that they take.

pub(crate) mod artifacts;
pub(crate) mod blobs;
pub(crate) mod checkpoints;
pub(in crate::app) mod collect;
pub(in crate::app) mod collector;
pub(in crate::app) mod kept;
pub(in crate::app) mod owner;
pub(in crate::app) mod room;
pub(in crate::app) mod rows;
