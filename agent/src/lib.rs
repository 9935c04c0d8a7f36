//! Runs trials of a sweep on one node, each under a shim that outlives the agent. It is a library
//! only so that tests and the simulator can drive its parts; the program is `main.rs`. It needs
//! Linux, since it relies on pidfds, subreapers and /proc.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod agent;
pub mod controller;
pub mod flags;
pub mod output;
pub mod plan;
pub mod processes;
pub mod reporter;
pub mod slots;
pub mod state;
pub mod trial;

use std::{
    hash::{BuildHasher as _, RandomState},
    time::{SystemTime, UNIX_EPOCH},
};

/// Returns the milliseconds since the epoch, for people. No decision depends on it.
pub(crate) fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Returns a random number between 0 and 1.
pub(crate) fn jitter() -> f64 {
    f64::from(u32::try_from(RandomState::new().hash_one(()) >> 32).unwrap_or(0))
        / f64::from(u32::MAX)
}
