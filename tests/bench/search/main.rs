//! `cargo xtask bench search`: measures how good the search is, next to random search, other
//! engines, and itself with a part left out. The benchmark uses many small problems, with the same
//! seeds and the same budget for every engine. docs/search-bench.md says what the figures mean.

mod chance;
mod engines;
mod external;
mod families;
mod latency;
mod problem;
mod reference;
mod report;
mod runner;
mod statistics;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use terminal::{Exit, Failure};

use crate::{
    engines::Choice,
    families::tables,
    problem::Problem,
    reference::{Reference, References},
    runner::{Plan, Store},
};

/// Regret of search engines on many small problems.
#[derive(Debug, Parser)]
struct Flags {
    /// Engines that search: `ours`, `random`, or NAME=COMMAND for a program that speaks the
    /// protocol [default: ours, random]
    #[arg(long = "engine", value_name = "NAME[=COMMAND]")]
    engines: Vec<String>,
    /// Add the engine `ours-NAME`: ours with this part of its recipe left out
    #[arg(long, value_name = "NAME")]
    without: Vec<String>,
    /// Seeds of each problem, from 0
    #[arg(long, default_value_t = 5)]
    seeds: u64,
    /// Trials of each run
    #[arg(long, default_value_t = 50)]
    budget: usize,
    /// Trials that are always open; the seed decides which one ends next
    #[arg(long, default_value_t = 1)]
    pending: usize,
    /// Only problems whose name or family contains this
    #[arg(long, value_name = "SUBSTRING", default_value = "")]
    problems: String,
    /// Add the published tables in this folder, which tests/bench/search/tables.py wrote
    #[arg(long, value_name = "FOLDER")]
    tables: Option<PathBuf>,
    /// Give engines the values without noise
    #[arg(long)]
    quiet: bool,
    /// Runs at a time
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Keep the runs in this file as JSON lines, and skip those that it has
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Only make the tables, from these files
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["out", "latency"])]
    report: Vec<PathBuf>,
    /// The engine that others are compared to
    #[arg(long, value_name = "NAME", default_value = "ours")]
    baseline: String,
    /// Measure processor time instead of regret
    #[arg(long)]
    latency: bool,
    /// Seconds that an engine has for each measurement of --latency
    #[arg(long, default_value_t = 300)]
    limit: u64,
    /// Compute tests/bench/search/reference.json again
    #[arg(long, conflicts_with_all = ["out", "report", "latency"])]
    reference: bool,
}

fn main() -> ExitCode {
    terminal::exit_with(measure(&Flags::parse()))
}

fn measure(flags: &Flags) -> Result<(), Failure> {
    let published = flags.tables.as_deref().map(tables::published).transpose();
    let published = published.map_err(|error| Failure::new(Exit::Input, error))?;
    let problems: Vec<Problem> = problem::all()
        .into_iter()
        .chain(published.into_iter().flatten())
        .filter(|problem| {
            problem.name.contains(&flags.problems) || problem.family.contains(&flags.problems)
        })
        .map(|problem| if flags.quiet { problem.quiet() } else { problem })
        .collect();
    if problems.is_empty() {
        return Err(Failure::new(
            Exit::Input,
            format!("no problem has `{}` in its name or family", flags.problems),
        ));
    }
    if flags.reference {
        return make_reference(&problems);
    }
    if !flags.report.is_empty() {
        let mut runs = Vec::new();
        for path in &flags.report {
            runs.extend(runner::read(path)?);
        }
        terminal::print(report::write(
            &runs,
            &problems,
            &reference::of(&problems),
            Some(&flags.baseline),
        ));
        return Ok(());
    }
    let engines = engines(flags)?;
    if flags.latency {
        let limit = Duration::from_secs(flags.limit);
        terminal::print(latency::measure(&engines, &problems, limit)?);
        return Ok(());
    }
    search(flags, &engines, &problems)
}

fn search(flags: &Flags, engines: &[Choice], problems: &[Problem]) -> Result<(), Failure> {
    if flags.budget == 0 || flags.pending == 0 {
        return Err(Failure::new(Exit::Input, "--budget and --pending must be at least 1"));
    }
    let plan = |seed, problem: &Problem| Plan {
        problem: problem.name.to_owned(),
        seed,
        budget: flags.budget,
        pending: flags.pending,
    };
    let plans: Vec<Plan> = (0..flags.seeds)
        .flat_map(|seed| problems.iter().map(move |problem| plan(seed, problem)))
        .collect();
    let mut store = Store::open(flags.out.as_deref())?;
    runner::run_all(engines, problems, &plans, flags.jobs, &mut store)?;
    let chosen = |run: &&runner::Run| {
        engines.iter().any(|engine| engine.name == run.engine) && plans.contains(&run.plan())
    };
    let runs: Vec<runner::Run> = store.runs().iter().filter(chosen).cloned().collect();
    let failed = runs.iter().filter(|run| run.error.is_some()).count();
    if failed < runs.len() {
        terminal::print(report::write(
            &runs,
            problems,
            &reference::of(problems),
            Some(&flags.baseline),
        ));
    }
    match failed {
        0 => Ok(()),
        failed => {
            Err(Failure::new(Exit::Refused, format!("{failed} of {} runs failed", runs.len())))
        }
    }
}

fn engines(flags: &Flags) -> Result<Vec<Choice>, Failure> {
    let named = flags.engines.iter().map(|word| Choice::parse(word));
    let less = flags.without.iter().map(|part| Choice::without(part));
    let mut engines = named.chain(less).collect::<Result<Vec<_>, _>>()?;
    if engines.is_empty() {
        engines = vec![Choice::parse("ours")?, Choice::parse("random")?];
    }
    Ok(engines)
}

/// Computes the references of the chosen problems and writes reference.json. The stored references
/// of other existing problems stay in it.
fn make_reference(problems: &[Problem]) -> Result<(), Failure> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/search/reference.json");
    let bar = terminal::progress::bar(problems.len() as u64, "problems");
    let names: Vec<&str> = problem::all().iter().map(|problem| problem.name).collect();
    let mut references: References = reference::stored();
    references.retain(|name, _| names.contains(&name.as_str()));
    for problem in problems {
        references.insert(problem.name.to_owned(), Reference::of(problem));
        bar.inc(1);
    }
    bar.finish_and_clear();
    let lines: Vec<String> = references
        .iter()
        .map(|(name, reference)| format!("  \"{name}\": {}", serde_json::json!(reference)))
        .collect();
    std::fs::write(&path, format!("{{\n{}\n}}\n", lines.join(",\n"))).map_err(|error| {
        Failure::new(Exit::Refused, format!("cannot write `{}`: {error}", path.display()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_lies_below_the_known_optimum() {
        for problem in problem::all() {
            let Some(optimum) = problem.optimum else { continue };
            let slack = 1e-6 * (1.0 + optimum.abs());
            if let Some(place) = &problem.place {
                let value = problem.value(place);
                assert!(
                    (value - optimum).abs() < slack,
                    "{}: {value}, not {optimum}",
                    problem.name
                );
            }
            for point in problem.draws(1).take(2_000) {
                let value = problem.value(&point);
                assert!(
                    value.is_finite() && value >= optimum - slack,
                    "{}: {value} at {point:?}",
                    problem.name
                );
            }
        }
    }

    #[test]
    fn problems_have_unique_names_and_finite_values() {
        let problems = problem::all();
        let mut names: Vec<&str> = problems.iter().map(|problem| problem.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), problems.len());
        for problem in &problems {
            assert!(
                problem.draws(3).take(50).all(|point| problem.value(&point).is_finite()),
                "{}",
                problem.name
            );
        }
    }
}
