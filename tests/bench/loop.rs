//! `cargo xtask bench loop`: measures how many trials per second a real controller serves over
//! gRPC, with durable writes to SQLite. A trial is an ask (the heartbeat that returns a start) and
//! a tell (an append of one row, then the end). The floor of a closed loop is raw SQLite with the
//! two commits of a trial, measured right before and after the loop. The floor of real trials is
//! the same program spawned without Besom.

mod floor;
mod processes;
mod workers;

use std::{process::ExitCode, time::Duration};

use clap::Parser;
use terminal::{Exit, Failure, table::Table};
use tests::{Lab, fake_agent::quantile};

use crate::workers::{Load, Measured};

/// Asks and tells through a real controller, next to the floor of raw SQLite.
#[derive(Debug, Parser)]
struct Flags {
    /// Seconds of each measurement
    #[arg(long, default_value_t = 4)]
    seconds: u64,
    /// Workers that ask and tell at the same time
    #[arg(long, value_delimiter = ',', default_value = "8,32")]
    workers: Vec<usize>,
    /// Finished trials that the sweep already has
    #[arg(long, value_delimiter = ',', default_value = "0,10000")]
    finished: Vec<u64>,
    /// Asks per second of the offered load
    #[arg(long, default_value_t = 300)]
    offered: u32,
}

/// One line of the result table.
struct Line {
    method: &'static str,
    finished: u64,
    load: String,
    measured: Measured,
    floor: Option<f64>,
}

const RANDOM: &str = "
method: random
command: ['true']
metric: {name: loss, goal: minimize}
parameters:
  lr: {distribution: log_uniform_values, min: 0.00001, max: 0.1}
  dropout: {min: 0.0, max: 1.0}
  decay: {min: 0.0, max: 1.0}
  momentum: {min: 0.0, max: 1.0}
  optimizer: {values: [sgd, adam, lion]}
";

const GRID: &str = "
method: grid
command: ['true']
metric: {name: loss, goal: minimize}
parameters:
  a: {min: 1, max: 30}
  b: {min: 1, max: 30}
  c: {min: 1, max: 30}
  d: {min: 1, max: 30}
  optimizer: {values: [sgd, adam, lion]}
";

fn main() -> ExitCode {
    terminal::exit_with(measure(&Flags::parse()))
}

fn measure(flags: &Flags) -> Result<(), Failure> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime =
        runtime.map_err(|error| Failure::new(Exit::Bug, format!("no runtime: {error}")))?;
    let mut lines = Vec::new();
    for (method, yaml) in [("random", RANDOM), ("grid", GRID)] {
        for finished in &flags.finished {
            let lab = Lab::with_controller();
            let sweep = lab.create(yaml);
            if *finished > 0 {
                terminal::say(format_args!("{method}: running {finished} trials first"));
                runtime.block_on(workers::closed(&lab, &sweep, 32, &Load::Trials(*finished)));
            }
            lines.extend(loads(flags, &runtime, &lab, &sweep, method, *finished));
        }
    }
    terminal::print(summary(&lines));
    terminal::print("");
    terminal::print(processes::measure(1_000));
    Ok(())
}

/// Runs the closed loops, each between two measurements of the floor, and the offered load on one
/// sweep.
fn loads(
    flags: &Flags,
    runtime: &tokio::runtime::Runtime,
    lab: &Lab,
    sweep: &str,
    method: &'static str,
    finished: u64,
) -> Vec<Line> {
    let length = Duration::from_secs(flags.seconds);
    let mut lines = Vec::new();
    for workers in &flags.workers {
        terminal::say(format_args!("{method}: {workers} workers, {finished} trials finished"));
        let before = floor::trials_per_second(length / 4, finished);
        let measured = runtime.block_on(workers::closed(lab, sweep, *workers, &Load::For(length)));
        let after = floor::trials_per_second(length / 4, finished);
        let floor = Some(f64::midpoint(before, after));
        lines.push(Line { method, finished, load: format!("{workers} workers"), measured, floor });
    }
    terminal::say(format_args!("{method}: {} asks a second offered", flags.offered));
    let measured = runtime.block_on(workers::offered(lab, sweep, flags.offered, length));
    lines.push(Line {
        method,
        finished,
        load: format!("{}/s offered", flags.offered),
        measured,
        floor: None,
    });
    lines
}

fn summary(lines: &[Line]) -> String {
    let mut table = Table::new([
        "method",
        ">finished",
        ">load",
        ">trials/s",
        ">floor/s",
        ">of floor",
        ">ask p50 ms",
        ">ask p99 ms",
        ">tell p50 ms",
        ">tell p99 ms",
    ]);
    for line in lines {
        let rate = line.measured.rate();
        let number = |value: f64| format!("{value:.2}");
        table.row([
            line.method.to_owned(),
            line.finished.to_string(),
            line.load.clone(),
            format!("{rate:.0}"),
            line.floor.map_or_else(String::new, |floor| format!("{floor:.0}")),
            line.floor.map_or_else(String::new, |floor| format!("{:.0} %", 100.0 * rate / floor)),
            number(quantile(&line.measured.asks, 0.5)),
            number(quantile(&line.measured.asks, 0.99)),
            number(quantile(&line.measured.tells, 0.5)),
            number(quantile(&line.measured.tells, 0.99)),
        ]);
    }
    table.to_string()
}
