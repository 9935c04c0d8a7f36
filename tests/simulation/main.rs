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
}

fn main() -> ExitCode {
    let flags = Flags::parse();
    if let Some(seed) = flags.seed {
        let outcome = simulate(seed, true);
        for line in &outcome.trace { terminal::print(line); }
        let again = simulate(seed, true);
        if again.digest != outcome.digest { 
            let at = outcome.trace.iter().zip(&again.trace).position(|(a,b)| a!=b);
            if let Some(at) = at { terminal::print(format_args!("DIFFERS at {at}:\n{}\n{}", outcome.trace[at], again.trace[at])); }
            terminal::print("DIFFERENT"); }
        terminal::print(format_args!("{:?} {} answers {} writes {} attempts {} s", outcome.violations, outcome.answers, outcome.writes, outcome.attempts, outcome.lasted.as_secs()));
        return ExitCode::SUCCESS;
    }
    let mut bad = 0;
    for seed in flags.first..flags.first + flags.seeds {
        let begun = std::time::Instant::now();
        let outcome = simulate(seed, false);
        let took = begun.elapsed();
        terminal::print(format_args!("{seed} {:.2}s {} answers {} writes {} attempts {} s {:?}", took.as_secs_f64(), outcome.answers, outcome.writes, outcome.attempts, outcome.lasted.as_secs(), outcome.violations));
        bad += u64::from(!outcome.violations.is_empty());
    }
    terminal::print(format_args!("{bad} bad"));
    ExitCode::SUCCESS
}
