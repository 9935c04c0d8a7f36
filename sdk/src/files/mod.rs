//! Stores the files of a run and ships them to the controller: media, artifacts and checkpoints.

pub(crate) mod artifact;
pub(crate) mod attached;
pub(crate) mod store;
pub(crate) mod uploader;
