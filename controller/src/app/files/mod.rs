//! Handles the files of runs: contents, artifacts and checkpoints. Also decides which project may
//! name a content, and limits the bytes that contents take.

pub(crate) mod announced;
pub(crate) mod artifacts;
pub(crate) mod blobs;
pub(crate) mod catalog;
pub(crate) mod checkpoints;
pub(in crate::app) mod collect;
pub(crate) mod collections;
pub(in crate::app) mod collector;
pub(crate) mod commit;
pub(crate) mod difference;
pub(crate) mod entries;
pub(in crate::app) mod kept;
pub(crate) mod labels;
pub(crate) mod links;
pub(crate) mod md5;
mod names;
pub(in crate::app) mod owner;
pub(crate) mod references;
pub(crate) mod remove;
pub(in crate::app) mod room;
pub(in crate::app) mod rows;
pub(crate) mod signed;
pub(crate) mod versions;
