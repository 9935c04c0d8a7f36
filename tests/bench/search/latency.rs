//! Measures the processor time that an engine needs for one trial. The engine has the results of
//! 50, 200 or 500 other trials, on six axes and on twenty. `main` calls this module with
//! `--latency`. The values of the trials do not matter.

use std::time::Duration;

use terminal::{Exit, Failure, table::Table};

use crate::{
    engines::Choice,
    problem::Problem,
    runner::{Plan, run},
    statistics::quantile,
};

const KNOWN: [usize; 3] = [50, 200, 500];
/// The number of trials over which each median is taken.
const TRIALS: usize = 10;
const PROBLEMS: [&str; 2] = ["gp-6", "fading-20"];

/// Returns a table with a row per engine and problem. If an engine reaches the time limit, the
/// cells that it did not complete are empty.
pub(crate) fn measure(
    engines: &[Choice],
    problems: &[Problem],
    limit: Duration,
) -> Result<String, Failure> {
    let mut table = Table::new(["engine", ">axes", ">at 50, ms", ">at 200, ms", ">at 500, ms"]);
    for choice in engines {
        for problem in problems.iter().filter(|problem| PROBLEMS.contains(&problem.name)) {
            let spinner =
                terminal::progress::spinner(&format!("{} on {}", choice.name, problem.name));
            let mut engine = choice.open().map_err(|error| Failure::new(Exit::Refused, error))?;
            let plan = Plan {
                problem: problem.name.to_owned(),
                seed: 0,
                budget: KNOWN[2] + TRIALS,
                pending: 1,
            };
            let done = run(&choice.name, engine.as_mut(), problem, &plan, Some(limit));
            spinner.finish_and_clear();
            if let Some(error) = done.error {
                return Err(Failure::new(Exit::Refused, format!("{}: {error}", choice.name)));
            }
            let at = |known: usize| match done.cpu_ms.get(known..known + TRIALS) {
                Some(costs) => format!("{:.2}", quantile(costs, 0.5)),
                None => String::new(),
            };
            let cells = KNOWN.map(at);
            let axes = problem.space.parameters.len().to_string();
            table.row([choice.name.clone(), axes].into_iter().chain(cells));
        }
    }
    Ok(table.to_string())
}
