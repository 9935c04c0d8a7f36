//! The pure core of Besom: the sweep configuration, the space that it describes, the search for the
//! next point, early stopping, and the state machines of runs and sweeps. The controller and the
//! `sweep` command call this crate. This crate uses no clock, disk, network, thread or entropy: the
//! same input gives the same output. Only the results of the method `bayes` and of explanations may
//! differ in their last bits between machines: see [`search::engine`].

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
