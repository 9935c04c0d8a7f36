//! Checks the messages that a new user meets, as snapshots with the exit codes. The tests run the
//! real programs.

#![allow(clippy::unwrap_used, reason = "a test stops where its premise fails")]

mod deleted;
mod extremes;
mod mistakes;
mod plot;
mod programs;
mod runs;
mod session;
