//! Tests `sweep` as a user starts it: without a controller, with a scripted one, and with a real
//! one. All these tests are in one crate, because every further crate would link all dependencies
//! again.
#![allow(clippy::unwrap_used)]

mod fake;
mod files;
mod imports;
mod offline;
mod online;
#[path = "../../../sdk/tests/runs/real.rs"]
mod real;
mod sync;
