//! `simulate`: runs many seeds, or one of them with a trace of everything that happens. `cargo
//! xtask simulate` starts this program.

use std::{
    num::NonZero,
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use clap::Parser;
use simulation::{Arrows, Outcome, simulate};
use terminal::{Exit, Failure, print, say};

/// Simulates a fleet under all kinds of trouble, from seeds
#[derive(Debug, Parser)]
#[command(name = "cargo xtask simulate", after_help = EXAMPLES)]
struct Flags {
    /// Number of seeds
    #[arg(long, default_value_t = 300)]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Run only this seed, and print everything that happens in it
    #[arg(long, conflicts_with_all = ["seeds", "first"])]
    seed: Option<u64>,
}

const EXAMPLES: &str = "\
Examples:
  cargo xtask simulate --seeds 100000     a long run; seeds that fail are named at once
  cargo xtask simulate --seed 147         one seed, line by line";

fn main() -> ExitCode {
    let flags = Flags::parse();
    terminal::run(move || match flags.seed {
        Some(seed) => one(seed),
        None => many(flags.first, flags.seeds),
    })
}

/// Runs one seed twice, prints its trace, and checks that both results are equal.
fn one(seed: u64) -> Result<(), Failure> {
    let outcome = simulate(seed, None, true);
    outcome.trace.iter().for_each(print);
    say(summary(&outcome));
    if simulate(seed, None, true) != outcome {
        return Err(Failure::new(Exit::Bug, format!("seed {seed} gave two different results")));
    }
    if outcome.violations.is_empty() { Ok(()) } else { Err(failure(1, seed, &outcome)) }
}

/// The results of all threads.
#[derive(Default)]
struct Found {
    bad: Vec<(u64, Outcome)>,
    arrows: Arrows,
    attempts: u64,
    answers: u64,
    hours: u64,
}

/// Runs many seeds on all cores.
fn many(first: u64, seeds: u64) -> Result<(), Failure> {
    let bar = terminal::progress::bar(seeds, "seeds");
    let (next, found) = (AtomicU64::new(first), Mutex::new(Found::default()));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + seeds {
                return;
            }
            let outcome = simulate(seed, None, false);
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            found.arrows.add(&outcome.arrows);
            found.attempts += outcome.attempts;
            found.answers += outcome.answers;
            found.hours += outcome.lasted.as_secs() / 3600;
            if !outcome.violations.is_empty() {
                bar.suspend(|| say(format_args!("seed {seed}: {}", outcome.violations[0])));
                found.bad.push((seed, outcome));
            }
            bar.inc(1);
        }
    };
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    bar.finish_and_clear();
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    for (machine, state, event, times) in found.arrows.table() {
        print(format_args!("{machine:<6} {state:<10} {event:<11} {times:>10}"));
    }
    let missing = found.arrows.missing().len();
    say(format_args!(
        "{seeds} seeds, {} hours, {} attempts, {} answers; arrows never taken: {missing}",
        found.hours, found.attempts, found.answers
    ));
    match found.bad.iter().min_by_key(|(seed, _)| *seed) {
        Some((seed, outcome)) => Err(failure(found.bad.len(), *seed, outcome)),
        None => Ok(()),
    }
}

fn summary(outcome: &Outcome) -> String {
    let Outcome { answers, writes, attempts, lasted, .. } = outcome;
    format!(
        "{attempts} attempts, {answers} answers, {writes} writes in {} s of simulated time",
        lasted.as_secs()
    )
}

fn failure(bad: usize, seed: u64, outcome: &Outcome) -> Failure {
    let failure =
        Failure::new(Exit::Refused, format!("{bad} seeds broke a promise, the first is {seed}"));
    let failure = outcome
        .violations
        .iter()
        .fold(failure, |failure, what| failure.detail(format!("  {what}")));
    failure
        .hint(format!("`cargo xtask simulate --seed {seed}` shows everything that happened in it"))
}
