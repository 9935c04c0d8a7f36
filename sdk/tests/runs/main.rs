//! Programs that log, against a controller: a scripted one that misbehaves on demand, and a real
//! one whose rows are read back. One crate, since each further one links all this again.
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
