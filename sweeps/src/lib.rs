//! The pure heart of Besom: the sweep configuration, the space it describes, the search for the
//! next point, early stopping, and the state machines of runs and sweeps. Called by the controller
//! and by `sweep check`. Knows no clock, disk, network, thread or entropy: same input, same output,
//! on every machine.

pub mod config;
mod decimal;
mod encode;
mod forest;
mod gp;
pub mod history;
mod identity;
pub mod lifecycle;
pub mod point;
mod quantile;
mod rng;
pub mod search;
pub mod space;
pub mod stopping;
