//! Runs trials of a sweep on one node, each under a shim that outlives the agent. The crate is a
//! library only so that tests and the simulator can drive its parts; the program is `main.rs`. The
//! agent needs Linux, because it uses pidfds, subreapers and /proc.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod agent;
mod chance;
mod clock;
pub mod controller;
pub mod flags;
pub mod gauges;
pub mod output;
pub mod plan;
pub mod processes;
pub mod reporter;
pub mod slots;
pub mod state;
pub mod trial;
