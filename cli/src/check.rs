//! `sweep check`: prints the problems of a sweep's YAML file, without a controller. `sweep create`
//! checks its file by [`accept`].

use std::path::PathBuf;

use serde_json::json;
use sweeps::config::{self, Config, Problem, Severity};
use terminal::{Exit, Failure};

use crate::{json, source, source::Source, view};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exits with 2 if the file has an error. Warnings do not change the exit code.

Example:
  sweep check sweep.yaml --json")]
pub(crate) struct Args {
    /// YAML file of the sweep; - reads stdin
    #[arg(value_name = "FILE|-")]
    file: PathBuf,
    /// Print the problems as a JSON list
    #[arg(long)]
    json: bool,
}

/// Checks the file and prints its problems, and what the file defines if it has no error. Fails if
/// the file has an error.
pub(crate) fn check(args: &Args) -> Result<(), Failure> {
    let source = source::read(&args.file)?;
    let checked = config::check(&source.text);
    if args.json {
        let problems: Vec<_> = checked.problems.iter().map(problem_json).collect();
        terminal::print(json::text(&problems.into()));
    } else {
        for problem in &checked.problems {
            terminal::print(view::problem::render(problem, &source));
        }
    }
    match checked.config {
        Some(config) if !args.json => terminal::print(view::problem::good(&source.name, &config)),
        Some(_) => {}
        None => return Err(refused(&source, &checked.problems)),
    }
    Ok(())
}

/// Prints the problems to stderr and returns the configuration. Fails if one of the problems is an
/// error.
pub(crate) fn accept(source: &Source) -> Result<Config, Failure> {
    let checked = config::check(&source.text);
    for problem in &checked.problems {
        terminal::say(view::problem::render(problem, source));
    }
    checked.config.ok_or_else(|| refused(source, &checked.problems))
}

fn refused(source: &Source, problems: &[Problem]) -> Failure {
    let errors = match problems.iter().filter(|problem| problem.severity == Severity::Error).count()
    {
        // The crate `sweeps` reports at most 100 errors. If a file has more errors, a further error
        // says how many are not listed.
        101.. => "more than 100 errors".to_owned(),
        errors => view::count(errors as u64, "error"),
    };
    Failure::new(Exit::Input, format!("`{}` has {errors}", source.name))
}

fn problem_json(problem: &Problem) -> serde_json::Value {
    json!({
        "severity": match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        "path": problem.path,
        "line": problem.line,
        "columns": [problem.columns.0, problem.columns.1],
        "message": problem.message,
        "hint": problem.hint,
    })
}
