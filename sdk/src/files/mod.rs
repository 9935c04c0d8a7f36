//! The files of a run: what is logged as one, artifacts, checkpoints, and their way to the
//! controller.

pub(crate) mod artifact;
pub(crate) mod attached;
pub(crate) mod store;
pub(crate) mod uploader;
