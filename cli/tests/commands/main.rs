//! `sweep` as a person starts it: without a controller, with one that answers by script, and with a
//! real one. One crate, since each further one links all this again.
#![allow(clippy::unwrap_used)]

mod fake;
mod files;
mod imports;
mod offline;
mod online;
#[path = "../../../sdk/tests/runs/real.rs"]
mod real;
mod sync;
