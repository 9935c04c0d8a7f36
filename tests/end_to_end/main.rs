//! Tests the whole loop on real processes: controllers, agents, shims and trials. Many tests kill
//! them at bad moments.

#![allow(clippy::unwrap_used, reason = "a test stops where its premise fails")]

mod backup;
mod checkpoints;
mod doors;
mod encryption;
mod files;
mod fleet;
mod folder;
mod full;
mod grid;
mod hunt;
mod kills;
mod outage;
mod people;
mod preemption;
mod printed;
mod processes;
mod sdk;
mod search;
mod stopping;
mod stops;
mod system;
mod tokens;
mod trouble;
