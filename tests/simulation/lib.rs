//! Runs a controller and a fleet of agents in one thread, under a virtual clock, from a seed. The
//! controller is the real one, over real SQLite on a simulated disk. The agent is the real one,
//! with simulated programs, and a simulated network connects them. Only the surroundings of the
//! controller and the agent are simulated, and the seed decides how badly they behave.

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
#[cfg(test)]
mod tests;
mod trials;
mod verdict;
mod witness;
mod world;

pub use arrows::Arrows;
pub use world::{Outcome, simulate};
