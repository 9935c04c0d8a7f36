//! Reads the data that users and programs ask for: lists, histories, curves and updates. The
//! modules in `app::read` change nothing.

pub(crate) mod attempts;
pub(crate) mod buckets;
pub(crate) mod changes;
pub(crate) mod climb;
pub(crate) mod console;
pub(crate) mod curves;
pub(crate) mod fields;
pub(crate) mod files;
pub(crate) mod filter;
pub(crate) mod find;
pub(crate) mod fleet;
pub(crate) mod groups;
pub(crate) mod histograms;
pub(crate) mod history;
pub(crate) mod keys;
pub(crate) mod lineage;
pub(crate) mod lines;
pub(crate) mod lists;
pub(crate) mod media;
pub(crate) mod overview;
pub(in crate::app) mod pages;
pub(in crate::app) mod path;
pub(crate) mod projects;
pub(crate) mod rungs;
pub(crate) mod series;
pub(crate) mod steps;
pub(crate) mod storage;
pub(crate) mod tables;
pub(crate) mod timeline;
pub(crate) mod trial_attempts;
pub(crate) mod views;
pub(crate) mod watch;
