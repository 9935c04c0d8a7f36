//! Tests the search with more data than the metric of its own trials: limits on other outcomes,
//! earlier sweeps, and partial results.

use super::*;
use crate::history::Rung;

fn square() -> Vec<(&'static str, Distribution)> {
    vec![("a", uniform(0.0, 1.0)), ("b", uniform(0.0, 1.0))]
}

fn bowl(point: &Point) -> f64 {
    let (a, b) = (number(point, 0) - 0.3, number(point, 1) - 0.8);
    a * a + b * b
}

#[test]
fn limits_are_learnt_and_the_best_within_them_is_found() {
    // The metric is best if a and b are small, but the limit requires a + b to be at least 0.8. The
    // best point is a = 0.8, b = 0.
    let limit = Constraint { metric: "sum".to_owned(), side: Side::AtLeast, limit: 0.8 };
    for seed in 0..3 {
        let study =
            Study { constraints: vec![limit.clone()], ..study(Method::Bayes, square(), seed) };
        let mut history = History::default();
        for trial in 0..30 {
            let Suggestion { point, fit, .. } = propose(&study, trial, &history).unwrap();
            let (a, b) = (number(&point, 0), number(&point, 1));
            let outcome = Outcome::Value(a + 2.0 * b);
            // One trial in five does not log the sum.
            let constrained = vec![(trial % 5 != 4).then_some(a + b)];
            history.trials.push(Trial { outcome, constrained, ..Trial::pending(point, fit) });
        }
        let counting = || history.trials.iter().filter(|trial| limit.holds(trial.constrained[0]));
        let value = |trial: &Trial| number(&trial.point, 0) + 2.0 * number(&trial.point, 1);
        let best = counting().map(value).fold(f64::INFINITY, f64::min);
        assert!(best < 0.85, "{best}");
        let within = counting().count();
        assert!(within >= 8, "{within}");
    }
}

#[test]
fn the_search_goes_on_if_nothing_is_feasible() {
    let limit = Constraint { metric: "latency".to_owned(), side: Side::AtMost, limit: -1.0 };
    let study = Study { constraints: vec![limit], ..study(Method::Bayes, square(), 3) };
    let mut history = History::default();
    for trial in 0..12 {
        let Suggestion { point, fit, .. } = propose(&study, trial, &history).unwrap();
        let constrained = vec![Some(1e9 * number(&point, 0))];
        let outcome = Outcome::Value(bowl(&point));
        history.trials.push(Trial { outcome, constrained, ..Trial::pending(point, fit) });
    }
    // The belief that the optimum is inside of the ranges may still move every other trial.
    let latencies: Vec<f64> = history.trials.iter().map(|trial| number(&trial.point, 0)).collect();
    let small = latencies[4..].iter().filter(|&&latency| latency < 0.2).count();
    assert!(small >= 4, "{latencies:?}");
}

#[test]
fn an_earlier_sweep_saves_trials_and_may_be_wrong() {
    let first = run(&study(Method::Random, square(), 9), 60, bowl);
    let mut earlier: Vec<Earlier> = first
        .trials
        .iter()
        .map(|trial| {
            let (a, b) = (number(&trial.point, 0), number(&trial.point, 1));
            Earlier {
                sweep: 0,
                config: json!({ "a": a, "b": b, "gone": 1 }),
                value: bowl(&trial.point),
            }
        })
        .collect();
    earlier.sort_by(|a, b| a.value.total_cmp(&b.value));
    // The search ignores an earlier trial that does not lie in the space.
    earlier.insert(0, Earlier { sweep: 0, config: json!({ "a": 7.0, "b": 0.5 }), value: -1.0 });
    earlier.insert(0, Earlier { sweep: 0, config: json!({ "b": 0.5 }), value: -1.0 });
    let warm = Study { earlier, ..study(Method::Bayes, square(), 1) };
    let history = run(&warm, 7, bowl);
    assert_eq!(bowl(&history.trials[0].point), warm.earlier[2].value);
    let cold = run(&study(Method::Bayes, square(), 1), 7, bowl);
    assert!(
        best(&history) < 1e-3 && best(&history) < best(&cold),
        "{} {}",
        best(&history),
        best(&cold)
    );
    // If the function has changed, new trials outweigh the earlier ones.
    let moved = |point: &Point| (number(point, 0) - 0.9).abs() + (number(point, 1) - 0.2).abs();
    let found = best(&run(&warm, 25, moved));
    assert!(found < 0.1, "{found}");
}

#[test]
fn a_partial_result_is_neither_final_nor_lost() {
    // Trials gain 10 between the rung and the end. Every third trial was stopped at the rung.
    let study = study(Method::Bayes, square(), 5);
    let rung = |value: f64| vec![Rung { iteration: 3, value }];
    let mut history = History::default();
    for trial in 0..14_u64 {
        let point = random::propose(&study, trial).point;
        let end = 5.0 * bowl(&point);
        let stopped = trial % 3 == 0;
        let outcome = if stopped { Outcome::Pruned(end + 10.0) } else { Outcome::Value(end) };
        history.trials.push(Trial {
            outcome,
            rungs: rung(end + 10.0),
            ..Trial::pending(point, None)
        });
    }
    let axes = axes::Axes::of(&study.space);
    let observations = observations::Observations::of(&study, &axes, &history);
    for (index, trial) in history.trials.iter().enumerate() {
        let told = observations.units.value(observations.sample.targets[index]);
        let best = history
            .trials
            .iter()
            .map(|trial| 5.0 * bowl(&trial.point))
            .fold(f64::INFINITY, f64::min);
        assert!(told < 10.0 && told >= best - 1e-9, "{told}");
        assert_eq!(matches!(trial.outcome, Outcome::Pruned(_)), index % 3 == 0);
    }
}
