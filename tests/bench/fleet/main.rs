//! `cargo xtask bench fleet`: what many agents cost, through a real controller over gRPC on SQLite.
//! The same load from few agents and from many; the time from the report of a bad value to the
//! stop, at agents that are nothing but their calls and at the processes of a real one; and, on
//! demand, a whole grid: each point once, in how much memory. Never compares with others.

mod grid;
mod load;
mod stops;

use std::process::ExitCode;

use clap::Parser;
use terminal::{Exit, Failure};

/// What the controller does without flags: an idle agent is answered every ten seconds.
const LEASE_SECONDS: u32 = 30;

/// Many agents: the offered load of few from many, stops, and a whole grid.
#[derive(Debug, Parser)]
struct Flags {
    /// Agents that share the offered load, beside the same load from the first number of them
    #[arg(long, value_delimiter = ',', default_value = "32,300")]
    agents: Vec<usize>,
    /// Trials a second that are offered
    #[arg(long, default_value_t = 300)]
    offered: u32,
    /// Seconds of each load
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Agents that are connected while trials are stopped, and while a grid is worked off
    #[arg(long, default_value_t = 200)]
    connected: usize,
    /// Trials that are stopped, by a rule
    #[arg(long, default_value_t = 2000)]
    stops: usize,
    /// Real processes that are stopped meanwhile
    #[arg(long, default_value_t = 60)]
    processes: usize,
    /// Only this: a grid of so many points, a multiple of 10
    #[arg(long, value_parser = clap::value_parser!(u64).range(10..))]
    grid: Option<u64>,
}

fn main() -> ExitCode {
    terminal::exit_with(measure(&Flags::parse()))
}

fn measure(flags: &Flags) -> Result<(), Failure> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime =
        runtime.map_err(|error| Failure::new(Exit::Bug, format!("no runtime: {error}")))?;
    if let Some(points) = flags.grid {
        return grid::measure(&runtime, flags.connected, points);
    }
    terminal::print(load::measure(&runtime, &flags.agents, flags.offered, flags.seconds));
    terminal::print("");
    terminal::print(stops::measure(&runtime, flags.connected, flags.stops, flags.processes));
    Ok(())
}
