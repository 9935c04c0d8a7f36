//! Runs trials of a sweep on one node, each under a shim that outlives the agent. The crate is a
//! library only so that tests and the simulator can drive its parts; the program is `main.rs`. The
//! agent needs Linux, because it uses pidfds, subreapers and /proc.

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

/// Returns the wall clock, in milliseconds since 1970-01-01 UTC. The agent uses it for the times of
/// rows and for the pace of the console. Time limits use a monotonic clock.
pub(crate) fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Returns a random number in [0, 1].
pub(crate) fn jitter() -> f64 {
    f64::from(u32::try_from(RandomState::new().hash_one(()) >> 32).unwrap_or(0))
        / f64::from(u32::MAX)
}
