//! `simulate`: many seeds, or one of them with all that happened in it. Started by `cargo xtask simulate`.

use std::process::ExitCode;

use clap::Parser;
use simulation::simulate;

/// Simulates a fleet under all kinds of trouble
#[derive(Debug, Parser)]
struct Flags {
    /// How many seeds
    #[arg(long, default_value_t = 300)]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// This seed alone, twice, with all that happened
    #[arg(long)]
    seed: Option<u64>,
    /// Plants each bug
    #[arg(long)]
    planted: bool,
}

fn main() -> ExitCode {
    let flags = Flags::parse();
    if let Some(seed) = flags.seed {
        let outcome = simulate(seed, None, true);
        for line in &outcome.trace {
            terminal::print(line);
        }
        let again = simulate(seed, None, true);
        if again.digest != outcome.digest {
            let at = outcome.trace.iter().zip(&again.trace).position(|(a, b)| a != b);
            if let Some(at) = at {
                terminal::print(format_args!("DIFFERS at {at}:\n{}\n{}", outcome.trace[at], again.trace[at]));
            }
            terminal::print("DIFFERENT");
        }
        terminal::print(format_args!(
            "{:?} {} answers {} writes {} attempts {} s",
            outcome.violations,
            outcome.answers,
            outcome.writes,
            outcome.attempts,
            outcome.lasted.as_secs()
        ));
        return ExitCode::SUCCESS;
    }
    if flags.planted {
        for bug in probes::Bug::ALL {
            let begun = std::time::Instant::now();
            let found = (0..flags.seeds).find_map(|seed| {
                let outcome = std::panic::catch_unwind(|| simulate(seed, Some(bug), false));
                match outcome {
                    Ok(outcome) => outcome.violations.first().map(|v| (seed, v.clone())),
                    Err(_) => Some((seed, "panic".to_owned())),
                }
            });
            terminal::print(format_args!("{bug:?} {:.1}s {found:?}", begun.elapsed().as_secs_f64()));
        }
        return ExitCode::SUCCESS;
    }
    let mut arrows = std::collections::BTreeMap::<_, u64>::new();
    let mut bad = 0;
    for seed in flags.first..flags.first + flags.seeds {
        let begun = std::time::Instant::now();
        let outcome = simulate(seed, None, false);
        for (arrow, n) in &outcome.arrows {
            *arrows.entry(*arrow).or_default() += n;
        }
        let took = begun.elapsed();
        terminal::print(format_args!(
            "{seed} {:.2}s {} answers {} writes {} attempts {} s {:?}",
            took.as_secs_f64(),
            outcome.answers,
            outcome.writes,
            outcome.attempts,
            outcome.lasted.as_secs(),
            outcome.violations
        ));
        bad += u64::from(!outcome.violations.is_empty());
    }
    for (arrow, n) in &arrows {
        terminal::print(format_args!("{arrow:?} {n}"));
    }
    terminal::print(format_args!("{bad} bad"));
    ExitCode::SUCCESS
}
