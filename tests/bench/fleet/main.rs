//! `cargo xtask bench fleet`: measures the cost of many agents, through a real controller over gRPC
//! on SQLite. The benchmark offers the same load from few agents and from many. It also measures
//! the time from the report of a bad value to the order to stop, or to SIGTERM. Some agents make
//! only the calls, and one agent is real. With `--grid`, the benchmark runs a whole grid, each
//! point once, and measures the memory. No other program is compared.

mod grid;
mod load;
mod stops;

use std::process::ExitCode;

use clap::Parser;
use terminal::{Exit, Failure};

/// The length of a lease in seconds, which is the controller's default. With it, the controller
/// answers an idle agent every ten seconds.
const LEASE_SECONDS: u32 = 30;

/// Many agents: the same load from few and from many, stops, and a whole grid.
#[derive(Debug, Parser)]
struct Flags {
    /// Numbers of agents that share the offered load, one measurement for each
    #[arg(long, value_delimiter = ',', default_value = "32,300")]
    agents: Vec<usize>,
    /// Trials per second that are offered
    #[arg(long, default_value_t = 300)]
    offered: u32,
    /// Seconds of each load
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Agents that are connected while trials are stopped, and while a grid runs
    #[arg(long, default_value_t = 200)]
    connected: usize,
    /// Trials that a rule stops
    #[arg(long, default_value_t = 2000)]
    stops: usize,
    /// Real processes that are stopped meanwhile
    #[arg(long, default_value_t = 60)]
    processes: usize,
    /// Run only a grid of this many points, a multiple of 10
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
