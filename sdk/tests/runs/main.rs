//! Tests programs that log, against a scripted controller that misbehaves on demand, and against a
//! real controller whose rows are read back. All tests are in one crate, because each further crate
//! would link all dependencies again.
#![allow(clippy::unwrap_used)]

mod artifacts;
mod checkpoints;
mod console;
mod exits;
mod function_agent;
mod media;
mod own_run;
mod read_back;
mod real;
mod support;
