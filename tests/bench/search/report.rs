//! Formats stored runs as tables: over all problems, by family, and by problem. `main` calls this
//! module after the runs, or with files of earlier runs. The report compares only problems and
//! seeds that every engine in it has run. This module never runs an engine.

use std::collections::{BTreeMap, BTreeSet};

use terminal::{
    style::{FAINT, STRONG, paint},
    table::Table,
};

use crate::{
    problem::Problem,
    reference::References,
    runner::Run,
    statistics::{error_of_mean, interval, mean, ranks, regret},
};

/// One engine's regrets, and its mean processor time per trial in milliseconds.
struct Score {
    name: String,
    /// For each problem, the mean regret over seeds after the whole budget.
    full: Vec<f64>,
    /// For each problem, the mean regret over seeds after half of the budget.
    half: Vec<f64>,
    /// For each problem, the mean regret over seeds of the point that the engine recommends after
    /// the whole budget; `None` if the engine recommends none.
    recommended: Option<Vec<f64>>,
    cpu_ms: f64,
}

/// The results for one budget and number of pending trials.
struct Sheet<'a> {
    problems: Vec<&'a Problem>,
    scores: Vec<Score>,
    ranks: Vec<Vec<f64>>,
}

/// Returns the whole report. The differences compare with the baseline, or with the best engine if
/// the baseline did not run.
pub(crate) fn write(
    runs: &[Run],
    problems: &[Problem],
    references: &References,
    baseline: Option<&str>,
) -> String {
    let runs: Vec<&Run> =
        runs.iter().filter(|run| run.error.is_none() && !run.curve.is_empty()).collect();
    let modes: BTreeSet<(usize, usize)> =
        runs.iter().map(|run| (run.budget, run.pending)).collect();
    let sheet = |(budget, pending)| {
        let here = runs
            .iter()
            .copied()
            .filter(|run| (run.budget, run.pending) == (budget, pending))
            .collect::<Vec<_>>();
        let common = common(&here);
        let seeds = common.iter().map(|(_, seed)| seed).collect::<BTreeSet<_>>().len();
        let sheet = Sheet::new(&here, &common, problems, references);
        let title = format!(
            "{budget} trials, {pending} pending, {} problems, {seeds} seeds",
            sheet.problems.len()
        );
        format!("{}\n\n{}", paint(STRONG, title), sheet.write(baseline))
    };
    modes.into_iter().map(sheet).collect::<Vec<_>>().join("\n\n")
}

/// Returns the pairs of problem and seed that every engine has run.
fn common<'a>(runs: &[&'a Run]) -> BTreeSet<(&'a str, u64)> {
    let mut by_engine: BTreeMap<&str, BTreeSet<(&str, u64)>> = BTreeMap::new();
    for run in runs {
        by_engine.entry(&run.engine).or_default().insert((&run.problem, run.seed));
    }
    by_engine.into_values().reduce(|a, b| a.intersection(&b).copied().collect()).unwrap_or_default()
}

impl<'a> Sheet<'a> {
    fn new(
        runs: &[&Run],
        common: &BTreeSet<(&str, u64)>,
        problems: &'a [Problem],
        references: &References,
    ) -> Self {
        let problems: Vec<&Problem> = problems
            .iter()
            .filter(|problem| common.iter().any(|(name, _)| *name == problem.name))
            .collect();
        let mut names: Vec<&str> = Vec::new();
        for run in runs {
            if !names.contains(&run.engine.as_str()) {
                names.push(&run.engine);
            }
        }
        let score = |name: &&str| {
            let own: Vec<&Run> = runs.iter().copied().filter(|run| run.engine == *name).collect();
            let each = |value: &dyn Fn(&Run) -> Option<f64>, part: usize| -> Vec<f64> {
                let of = |problem: &&Problem| {
                    problem_regret(&own, runs, common, problem, references, value, part)
                };
                problems.iter().map(of).collect()
            };
            let at = |part: usize| {
                let last = |run: &Run| {
                    run.curve.get(run.budget.div_ceil(part) - 1).or(run.curve.last()).copied()
                };
                each(&last, part)
            };
            let recommended = each(&|run| run.recommended, 1);
            let recommended =
                recommended.iter().all(|regret| regret.is_finite()).then_some(recommended);
            let cpu: Vec<f64> = own.iter().flat_map(|run| &run.cpu_ms).copied().collect();
            let name = (*name).to_owned();
            Score { name, full: at(1), half: at(2), recommended, cpu_ms: mean(&cpu) }
        };
        let mut scores: Vec<Score> = names.iter().map(score).collect();
        scores.sort_by(|a, b| mean(&a.full).total_cmp(&mean(&b.full)));
        let ranked =
            |problem| ranks(&scores.iter().map(|score| score.full[problem]).collect::<Vec<_>>());
        let ranks = (0..problems.len()).map(ranked).collect();
        Self { problems, scores, ranks }
    }

    fn write(&self, baseline: Option<&str>) -> String {
        let by_family = self.families();
        format!("{}\n\n{by_family}\n\n{}", self.over_all(baseline), self.by_problem())
    }

    fn over_all(&self, baseline: Option<&str>) -> String {
        let Some(first) = self.scores.first() else { return String::new() };
        let baseline =
            self.scores.iter().find(|score| Some(score.name.as_str()) == baseline).unwrap_or(first);
        let less = format!(">less {}", baseline.name);
        let mut table = Table::new([
            "engine",
            ">regret",
            ">±",
            ">at half",
            ">recommended",
            ">rank",
            ">wins",
            &less,
            ">95 %",
            ">cpu ms/trial",
        ]);
        for (place, score) in self.scores.iter().enumerate() {
            let ranks: Vec<f64> = self.ranks.iter().map(|ranks| ranks[place]).collect();
            let least = |ranks: &&Vec<f64>| ranks.iter().all(|rank| *rank >= ranks[place]);
            let differences: Vec<f64> =
                score.full.iter().zip(&baseline.full).map(|(own, other)| own - other).collect();
            let (low, high) = interval(&differences);
            let other = score.name != baseline.name;
            table.row([
                score.name.clone(),
                format!("{:.3}", mean(&score.full)),
                format!("{:.3}", error_of_mean(&score.full)),
                format!("{:.3}", mean(&score.half)),
                score
                    .recommended
                    .as_deref()
                    .map(|own| format!("{:.3}", mean(own)))
                    .unwrap_or_default(),
                format!("{:.2}", mean(&ranks)),
                self.ranks.iter().filter(least).count().to_string(),
                if other { format!("{:+.3}", mean(&differences)) } else { String::new() },
                if other { format!("{low:+.3} to {high:+.3}") } else { String::new() },
                format!("{:.2}", score.cpu_ms),
            ]);
        }
        table.to_string()
    }

    fn families(&self) -> String {
        let mut families: Vec<&str> = self.problems.iter().map(|problem| problem.family).collect();
        families.dedup();
        let mut table = self.columns("family");
        for family in families {
            let of_family = |(_, regrets): &(String, &[f64])| {
                let regrets = self.problems.iter().zip(*regrets);
                let own: Vec<f64> = regrets
                    .filter(|(problem, _)| problem.family == family)
                    .map(|(_, regret)| *regret)
                    .collect();
                mean(&own)
            };
            table.row(row(family, &self.regrets().iter().map(of_family).collect::<Vec<_>>()));
        }
        table.to_string()
    }

    fn by_problem(&self) -> String {
        let mut table = self.columns("problem");
        for (place, problem) in self.problems.iter().enumerate() {
            let regrets: Vec<f64> =
                self.regrets().iter().map(|(_, regrets)| regrets[place]).collect();
            table.row(row(problem.name, &regrets));
        }
        table.to_string()
    }

    fn columns(&self, first: &str) -> Table {
        let regrets = self.regrets();
        regrets.iter().fold(Table::default().left(first), |table, (name, _)| table.right(name))
    }

    /// Returns the regrets on each problem: those of each engine, and those of the points that it
    /// recommends.
    fn regrets<'b>(&'b self) -> Vec<(String, &'b [f64])> {
        let of = |score: &'b Score| {
            let recommended = score.recommended.as_deref();
            let recommended = recommended.map(|own| (format!("{}, recommended", score.name), own));
            [(score.name.clone(), &score.full[..])].into_iter().chain(recommended)
        };
        self.scores.iter().flat_map(of).collect()
    }
}

/// Returns a line of regrets. The best regret is plain, and the others are faint.
fn row(name: &str, regrets: &[f64]) -> Vec<String> {
    let least = regrets.iter().copied().fold(f64::INFINITY, f64::min);
    let cell = |regret: &f64| {
        let text = format!("{regret:.3}");
        if *regret <= least { text } else { paint(FAINT, text) }
    };
    [name.to_owned()].into_iter().chain(regrets.iter().map(cell)).collect()
}

/// Returns one engine's mean regret on a problem over seeds, after `1 / part` of the budget. The
/// function `value` returns the value of a run that counts. The result is NaN if the problem has no
/// reference, or no run has such a value.
fn problem_regret(
    own: &[&Run],
    all: &[&Run],
    common: &BTreeSet<(&str, u64)>,
    problem: &Problem,
    references: &References,
    value: &dyn Fn(&Run) -> Option<f64>,
    part: usize,
) -> f64 {
    let Some(reference) = references.get(problem.name) else { return f64::NAN };
    let seen = all.iter().filter(|run| run.problem == problem.name).map(|run| run.least);
    let best = problem.optimum.unwrap_or_else(|| seen.fold(reference.best, f64::min));
    let regrets: Vec<f64> = own
        .iter()
        .filter(|run| {
            run.problem == problem.name && common.contains(&(run.problem.as_str(), run.seed))
        })
        .filter_map(|run| {
            let trials = run.budget.div_ceil(part);
            let value = value(run)?;
            // If random search alone nearly reaches the best value, the unit of regret is a
            // fiftieth of another distance. This is the distance from a random search of five
            // trials to the best value.
            let random = reference.random(trials).max(best + 0.02 * (reference.random(1) - best));
            Some(regret(value, best, random))
        })
        .collect();
    mean(&regrets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{problem, reference};

    fn run(engine: &str, seed: u64, value: f64) -> Run {
        Run {
            engine: engine.to_owned(),
            problem: "griewank-4".to_owned(),
            seed,
            budget: 50,
            pending: 1,
            curve: vec![value; 50],
            recommended: None,
            least: value,
            cpu_ms: vec![1.0],
            error: None,
        }
    }

    #[test]
    fn only_common_seeds_count_and_the_optimum_has_no_regret() {
        let problems = problem::all();
        let random = reference::stored()["griewank-4"].random(50);
        let runs = [run("a", 0, 0.0), run("a", 1, 9e9), run("b", 0, random)];
        let text = write(&runs, &problems, &reference::stored(), Some("a"));
        let text = text.replace("\u{1b}[1m", "").replace("\u{1b}[2m", "").replace("\u{1b}[0m", "");
        assert!(text.contains("50 trials, 1 pending, 1 problems, 1 seeds"), "{text}");
        let line = text.lines().find(|line| line.starts_with("griewank-4")).unwrap();
        assert_eq!(line.split_whitespace().collect::<Vec<_>>(), ["griewank-4", "0.000", "1.000"]);
    }

    #[test]
    fn the_regret_of_what_an_engine_recommends_has_a_column_of_its_own() {
        let problems = problem::all();
        let random = reference::stored()["griewank-4"].random(50);
        let recommended = |seed| Run { recommended: Some(0.0), ..run("a", seed, random) };
        let runs = [recommended(0), recommended(1), run("b", 0, random), run("b", 1, random)];
        let text = write(&runs, &problems, &reference::stored(), None);
        let text = text.replace("\u{1b}[1m", "").replace("\u{1b}[2m", "").replace("\u{1b}[0m", "");
        let line = text.lines().find(|line| line.starts_with("griewank-4")).unwrap();
        let cells: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(cells, ["griewank-4", "1.000", "0.000", "1.000"], "{text}");
        assert_eq!(text.matches("recommended").count(), 3, "{text}");
        assert_eq!(text.matches(", recommended").count(), 2, "engine b has none: {text}");
    }
}
