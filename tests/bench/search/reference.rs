//! Computes, once per problem, the values that the report measures against, and keeps them in
//! reference.json. They are the median result of random search after some numbers of trials, and
//! the best value: the known optimum, else the best value that a long search found. `--reference`
//! makes them, and `report` reads them. An engine never sees these values.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sweeps::space::Distribution;

use crate::{
    chance::Chance,
    problem::{Problem, Values},
    statistics::quantile,
};

/// The numbers of trials after which random search is measured; values between them are
/// interpolated linearly.
const BUDGETS: [usize; 13] = [5, 10, 15, 20, 25, 30, 40, 50, 75, 100, 200, 300, 500];

/// The reference of one problem.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Reference {
    /// The value of the first random draw, which shows whether a problem has changed.
    pub(crate) probe: f64,
    /// The known optimum, or the best value that was found.
    pub(crate) best: f64,
    /// The median result of random searches, for each number of trials in [`BUDGETS`].
    random: Vec<f64>,
}

pub(crate) type References = BTreeMap<String, Reference>;

/// Returns the content of reference.json.
pub(crate) fn stored() -> References {
    serde_json::from_str(include_str!("reference.json")).unwrap_or_default()
}

/// Returns the references of these problems: the stored ones, and new ones of published tables.
pub(crate) fn of(problems: &[Problem]) -> References {
    let mut references = stored();
    for problem in problems.iter().filter(|problem| problem.family == "tables") {
        references.insert(problem.name.to_owned(), Reference::of(problem));
    }
    references
}

impl Reference {
    pub(crate) fn of(problem: &Problem) -> Self {
        let (pool, steps) = if problem.slow { (1_500, 4_000) } else { (6_000, 40_000) };
        let points: Vec<Values> = problem.draws(2024).take(pool).collect();
        let values: Vec<f64> = points.iter().map(|point| problem.value(point)).collect();
        let best = problem.optimum.unwrap_or_else(|| climb(problem, &points, &values, steps));
        Self { probe: probe(problem), best, random: medians(problem, &points, &values) }
    }

    /// Returns the median result of random search after `budget` trials.
    pub(crate) fn random(&self, budget: usize) -> f64 {
        let at = BUDGETS.partition_point(|known| *known < budget).min(BUDGETS.len() - 1);
        let below = at.saturating_sub(1);
        let (Some(low), Some(high)) = (self.random.get(below), self.random.get(at)) else {
            return f64::NAN;
        };
        let (from, to) = (BUDGETS[below] as f64, BUDGETS[at] as f64);
        let share =
            if from < to { ((budget as f64 - from) / (to - from)).clamp(0.0, 1.0) } else { 1.0 };
        low + (high - low) * share
    }
}

/// Returns the value of the first random draw.
pub(crate) fn probe(problem: &Problem) -> f64 {
    problem.draws(2024).next().map_or(f64::NAN, |point| problem.value(&point))
}

/// Returns, for each of [`BUDGETS`], the median result of 400 random searches in a pool of values.
/// The result of a search is the noise-free value of the trial whose noisy value was best.
fn medians(problem: &Problem, points: &[Values], values: &[f64]) -> Vec<f64> {
    let mut chance = Chance::new(problem.name, 8);
    let mut found: Vec<Vec<f64>> = vec![Vec::new(); BUDGETS.len()];
    for _ in 0..400 {
        let (mut looked, mut best, mut trials) = (f64::INFINITY, f64::INFINITY, 0);
        for (budget, found) in BUDGETS.iter().zip(&mut found) {
            while trials < *budget {
                let at = chance.below(values.len());
                let seen = problem.look(&points[at], &mut chance);
                if seen < looked {
                    (looked, best) = (seen, values[at]);
                }
                trials += 1;
            }
            found.push(best);
        }
    }
    found.iter().map(|found| quantile(found, 0.5)).collect()
}

/// Returns the best noise-free value that long climbs from the four best points find.
fn climb(problem: &Problem, points: &[Values], values: &[f64], steps: usize) -> f64 {
    const STARTS: usize = 4;
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut chance = Chance::new(problem.name, 9);
    let mut draws = problem.draws(2025);
    let mut least = f64::INFINITY;
    for start in order.into_iter().take(STARTS) {
        let (mut point, mut value) = (points[start].clone(), values[start]);
        for towards in draws.by_ref().take(steps / STARTS) {
            let near = between(problem, &point, &towards, &mut chance);
            let here = problem.value(&near);
            if here <= value {
                (point, value) = (near, here);
            }
        }
        least = least.min(value);
    }
    least
}

/// Makes a step of random length towards another point, on a random share of the axes. A parameter
/// that is not a real number either takes the other point's value or stays.
fn between(problem: &Problem, from: &Values, towards: &Values, chance: &mut Chance) -> Values {
    let mut near = from.clone();
    let parameters = &problem.space.parameters;
    let length = 10f64.powf(-5.0 * chance.unit());
    let share = chance.unit().max(1.0 / parameters.len() as f64);
    for parameter in parameters {
        let name = &parameter.path[0];
        let (Some(here), Some(there)) = (from.get(name), towards.get(name)) else { continue };
        if chance.unit() >= share {
            continue;
        }
        let real = matches!(parameter.distribution, Distribution::Real { quantum: None, .. });
        let step = match (here.as_f64(), there.as_f64()) {
            (Some(here), Some(there)) if real => Value::from(here + (there - here) * length),
            _ if chance.unit() < 0.3 => there.clone(),
            _ => here.clone(),
        };
        near.insert(name.clone(), step);
    }
    near
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem;

    #[test]
    fn the_stored_reference_matches_the_problems() {
        let stored = stored();
        for problem in problem::all() {
            let known = &stored[problem.name];
            let probe = probe(&problem);
            let near = (known.probe - probe).abs() <= 1e-6 * (1.0 + probe.abs());
            assert!(
                near,
                "{} has changed: run `cargo xtask bench search --reference`",
                problem.name
            );
            assert!(
                known.random(50) > known.best,
                "{} is too easy: random search solves it",
                problem.name
            );
        }
    }

    #[test]
    fn random_search_is_interpolated_between_budgets() {
        let random = (0..13).map(|step| 13.0 - f64::from(step)).collect();
        let reference = Reference { probe: 0.0, best: 0.0, random };
        assert_eq!(reference.random(5), 13.0);
        assert_eq!(reference.random(1), 13.0);
        assert_eq!(reference.random(35), 7.5);
        assert_eq!(reference.random(500), 1.0);
        assert_eq!(reference.random(900), 1.0);
    }
}
