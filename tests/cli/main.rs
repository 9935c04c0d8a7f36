//! Checks every message that a new user meets, as a snapshot with its exit code. The programs are
//! the real ones.

#![allow(clippy::unwrap_used, reason = "a test stops where its premise fails")]

mod extremes;
mod mistakes;
mod programs;
mod runs;
mod session;
