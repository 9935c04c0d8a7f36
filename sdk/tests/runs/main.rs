//! Tests programs that log, against two controllers: a scripted one that misbehaves on demand, and
//! a real one whose rows are read back. All tests are in one crate, because each crate links
//! everything again.
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
