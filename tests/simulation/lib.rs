//! A controller and a fleet of agents in one thread, under a virtual clock, from a seed: the real
//! controller over real SQLite on a disk of our own, the real agent with programs of our own, and a
//! network between them. What is simulated is what lies around them, and it does its worst.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod arrows;
mod chaos;
#[cfg(test)]
mod crash_points;
mod disk;
mod gate;
mod loner;
mod machine;
mod network;
mod program;
mod scenario;
mod server;
mod trials;
mod verdict;
mod witness;
mod world;

pub use arrows::Arrows;
pub use world::{Outcome, simulate};
