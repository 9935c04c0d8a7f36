//! `cargo xtask bench track`: measures the cost of a call of `log` and the points per second that
//! become durable. Besom's SDK logs to a controller on SQLite. Two floors and the installed
//! trackers serve for comparison. docs/track-bench.md says what the figures mean.

mod child;
mod driver;
mod load;
mod report;
mod targets;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use terminal::{Exit, Failure};

use crate::{
    driver::{Mode, Trouble},
    report::Line,
};

/// The cost of logging, next to floors and other trackers
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Flags {
    #[command(subcommand)]
    inner: Option<Inner>,
    /// Samples of each figure, each in new processes and a new folder; the median is shown
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    repeats: u32,
    /// Only measurements with this in their name: 5, 50, paced, 100 runs
    #[arg(long, value_name = "SUBSTRING", default_value = "")]
    only: String,
    /// Only Besom and the floors
    #[arg(long)]
    no_peers: bool,
    /// Print every sample as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Inner {
    #[command(hide = true)]
    One(child::One),
}

const MODES: [Mode; 10] = [
    Mode {
        name: "5 scalars",
        beside: "5 scalars",
        scalars: 5,
        calls: 200_000,
        pace_us: 0,
        processes: 1,
        runs: 1,
        trouble: Trouble::None,
    },
    Mode {
        name: "50 scalars",
        beside: "50 scalars",
        scalars: 50,
        calls: 40_000,
        pace_us: 0,
        processes: 1,
        runs: 1,
        trouble: Trouble::None,
    },
    Mode {
        name: "5 scalars, paced 2 ms",
        beside: "5 scalars, paced 2 ms",
        scalars: 5,
        calls: 1_000,
        pace_us: 2_000,
        processes: 1,
        runs: 1,
        trouble: Trouble::None,
    },
    Mode {
        name: "5 scalars, 100 runs",
        beside: "5 scalars",
        scalars: 5,
        calls: 4_000,
        pace_us: 0,
        processes: 4,
        runs: 25,
        trouble: Trouble::None,
    },
    troubled("5 scalars, controller killed", Trouble::Killed, 0),
    troubled("5 scalars, controller hangs", Trouble::Hangs, 0),
    troubled("5 scalars, disk full", Trouble::Full, 0),
    troubled("paced 2 ms, controller killed", Trouble::Killed, 2_000),
    troubled("paced 2 ms, controller hangs", Trouble::Hangs, 2_000),
    troubled("paced 2 ms, disk full", Trouble::Full, 2_000),
];

/// Returns a mode with trouble. The mode makes as many calls of 5 scalars as the mode without
/// trouble.
const fn troubled(name: &'static str, trouble: Trouble, pace_us: u64) -> Mode {
    let (beside, calls) =
        if pace_us == 0 { ("5 scalars", 200_000) } else { ("5 scalars, paced 2 ms", 1_000) };
    Mode { name, beside, scalars: 5, calls, pace_us, processes: 1, runs: 1, trouble }
}

const FLOORS: [&str; 2] = ["jsonl", "sqlite"];
const PEERS: [&str; 3] = ["trackio", "wandb-offline", "tensorboard"];

fn main() -> ExitCode {
    let flags = Flags::parse();
    if let Some(Inner::One(one)) = &flags.inner {
        one.measure();
        return ExitCode::SUCCESS;
    }
    terminal::exit_with(measure(&flags))
}

fn measure(flags: &Flags) -> Result<(), Failure> {
    let modes: Vec<Mode> =
        MODES.into_iter().filter(|mode| mode.name.contains(&flags.only)).collect();
    if modes.is_empty() {
        let names = MODES.map(|mode| format!("`{}`", mode.name)).join(", ");
        return Err(Failure::new(
            Exit::Input,
            format!("nothing to measure has `{}` in its name", flags.only),
        )
        .hint(format!("there are {names}")));
    }
    let mut lines: Vec<Line> = Vec::new();
    for repeat in 0..flags.repeats {
        // Every target runs once in each repeat, so that other busy programs slow all targets
        // alike.
        for mode in &modes {
            for target in targets(*mode, flags) {
                terminal::say(format_args!(
                    "{} of {}: {}, {target}",
                    repeat + 1,
                    flags.repeats,
                    mode.name
                ));
                let sample = match target {
                    "besom" => driver::ours(*mode),
                    floor if FLOORS.contains(&floor) => driver::floor(floor, *mode),
                    peer => driver::peer(peer, Mode { calls: mode.calls.min(20_000), ..*mode }),
                };
                match lines
                    .iter_mut()
                    .find(|line| (line.mode.name, line.target) == (mode.name, target))
                {
                    Some(line) => line.samples.push(sample),
                    None => lines.push(Line { mode: *mode, target, samples: vec![sample] }),
                }
            }
        }
    }
    if flags.json {
        terminal::print(report::json(&lines));
    } else {
        terminal::print(report::table(&lines));
    }
    Ok(())
}

/// Returns the targets of a mode. Modes with several processes or with trouble measure only Besom,
/// because a floor has one writer and no trouble. The report shows these modes next to the floors
/// of another mode.
fn targets(mode: Mode, flags: &Flags) -> Vec<&'static str> {
    let mut targets = vec!["besom"];
    if mode.processes == 1 && mode.trouble == Trouble::None {
        targets.extend(FLOORS);
        targets.extend(PEERS.iter().filter(|_| !flags.no_peers));
    }
    targets
}
