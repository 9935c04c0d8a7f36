//! Stores the files of a run, and sends them to the controller: media, saved files, artifacts and
//! checkpoints.

pub(crate) mod artifact;
pub(crate) mod attached;
pub(crate) mod store;
pub(crate) mod uploader;
