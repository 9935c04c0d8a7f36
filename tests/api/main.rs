//! Tests the controller over real gRPC on a port of its own, with a real database in a folder of
//! its own. Every test here checks one promise of the interface.
#![allow(clippy::unwrap_used, missing_docs)]

mod about;
mod artifacts;
mod backup;
mod bench;
mod chaos;
mod checkpoints;
mod constraints;
mod damage;
mod doors;
mod explain;
mod failures;
mod fencing;
mod files;
mod find;
mod fsck;
mod full;
mod happy;
mod history;
mod lab;
mod late;
mod lost;
mod owners;
mod passwords;
mod people;
mod restart;
mod roles;
mod rows;
mod search;
mod stopping;
mod summaries;
mod tokens;
mod wandb;
mod warm_start;
mod web;
