//! Tests `sweep` as a user starts it: without a controller, with a scripted one, and with a real
//! one. It is one crate, because each further one would link everything again.
#![allow(clippy::unwrap_used)]

mod fake;
mod files;
mod imports;
mod offline;
mod online;
#[path = "../../../sdk/tests/runs/real.rs"]
mod real;
mod sync;
