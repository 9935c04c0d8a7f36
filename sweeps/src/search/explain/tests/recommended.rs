//! Tests the recommended trial on functions with noise, where the trial with the best logged value
//! is a lucky one.

use super::*;
use crate::rng::{Purpose, Stream};

/// The standard deviation of the noise.
const NOISE: f64 = 0.1;

fn plane(maximize: bool, seed: u64) -> Study {
    Study { maximize, seed, ..study(vec![("a", uniform(0.0, 1.0)), ("b", uniform(0.0, 1.0))]) }
}

/// Returns the value without noise: a valley with its minimum, 0, at a = 0.3.
fn truth(point: &Point) -> f64 {
    let away = at(point, 0) - 0.3;
    2.0 * away * away + 0.1 * at(point, 1)
}

fn noisy(study: &Study, count: u64) -> History {
    let mut noise = Stream::new(study.seed, count, Purpose::Draw);
    let mut history = trials(study, count, truth);
    for trial in &mut history.trials {
        let value = truth(&trial.point) + NOISE * noise.normal();
        trial.outcome = Outcome::Value(if study.maximize { -value } else { value });
    }
    history
}

fn recommended(study: &Study, history: &History) -> Recommendation {
    Surrogate::of(study, history).unwrap().recommendation(None, |_| true).unwrap()
}

#[test]
fn a_lucky_trial_is_not_recommended() {
    let study = plane(false, 3);
    let mut history = noisy(&study, 40);
    let bad = history.trials.iter().position(|trial| at(&trial.point, 0) > 0.9).unwrap();
    history.trials[bad].outcome = Outcome::Value(-0.4);
    let found = recommended(&study, &history);
    assert_eq!((found.observed.trial, found.observed.value), (bad as u64, -0.4));
    let is = |expected: &Expected| truth(&history.trials[expected.trial as usize].point);
    assert!(is(&found.recommended) < 0.1 && is(&found.observed) > 0.6, "{found:?}");
    assert!(found.observed.mean > 0.2, "one value does not convince the model: {found:?}");
    assert!(found.noise > NOISE / 2.0 && found.noise < 2.5 * NOISE, "{found:?}");
    let comparison = found.comparison.unwrap();
    assert!(comparison.probability > 0.9 && comparison.reruns == Some(0), "{found:?}");
    assert_eq!(found, recommended(&study, &history), "the same again");
    // Whatever the caller leaves out, as trials that people deleted, is never named.
    let without = Surrogate::of(&study, &history).unwrap();
    let without = without.recommendation(None, |trial| trial != bad as u64).unwrap();
    assert!(without.observed.trial != bad as u64 && without.recommended == found.recommended);
}

#[test]
fn the_recommended_trial_is_truly_better_on_average_and_its_interval_holds() {
    let (mut observed, mut better, mut covered) = (0.0, 0.0, 0);
    let seeds = 24;
    for seed in 0..seeds {
        let study = plane(seed % 2 == 1, seed);
        let history = noisy(&study, if seed % 4 < 2 { 16 } else { 30 });
        let found = recommended(&study, &history);
        let is = |expected: &Expected| truth(&history.trials[expected.trial as usize].point);
        observed += is(&found.observed) / seeds as f64;
        better += is(&found.recommended) / seeds as f64;
        let sign = if study.maximize { -1.0 } else { 1.0 };
        let Expected { mean, low, high, .. } = found.recommended;
        assert!(low < mean && mean < high, "{found:?}");
        covered += usize::from((low..=high).contains(&(sign * is(&found.recommended))));
    }
    assert!(better < 0.8 * observed, "{better} {observed}");
    assert!(covered as f64 > 0.75 * seeds as f64, "{covered} of {seeds}");
}

#[test]
fn a_maximized_metric_gives_the_mirror_image() {
    let (least, most) = (plane(false, 8), plane(true, 8));
    let (one, other) = (noisy(&least, 25), noisy(&most, 25));
    let (one, other) = (recommended(&least, &one), recommended(&most, &other));
    assert_eq!(one.recommended.trial, other.recommended.trial);
    assert_eq!(one.observed.trial, other.observed.trial);
    let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
    assert!(close(one.recommended.mean, -other.recommended.mean), "{one:?} {other:?}");
    assert!(close(one.recommended.low, -other.recommended.high) && close(one.noise, other.noise));
}

#[test]
fn only_finished_trials_within_every_limit_are_recommended() {
    let mut study = plane(false, 5);
    study.constraints =
        vec![Constraint { metric: "latency".to_owned(), side: Side::AtMost, limit: 0.5 }];
    let mut history = noisy(&study, 40);
    // The limit forbids the valley's minimum.
    for trial in &mut history.trials {
        trial.constrained = vec![Some(1.0 - at(&trial.point, 0))];
    }
    let first = recommended(&study, &history).recommended.trial as usize;
    assert!(at(&history.trials[first].point, 0) >= 0.5);
    for outcome in [Outcome::Failed, Outcome::Pending, Outcome::Pruned(-0.1)] {
        let mut history = history.clone();
        history.trials[first].outcome = outcome;
        assert_ne!(recommended(&study, &history).recommended.trial, first as u64, "{outcome:?}");
    }
    history.trials.iter_mut().for_each(|trial| trial.constrained = vec![None]);
    let surrogate = Surrogate::of(&study, &history).unwrap();
    assert_eq!(surrogate.recommendation(None, |_| true), Err(Unexplained::NoneCounts));
    history.trials.truncate(3);
    let few = Surrogate::of(&study, &history).unwrap_err();
    assert_eq!(few, Unexplained::TooFew { have: 3, need: 4 });
}

#[test]
fn repeats_of_a_point_have_one_mean_and_the_best_of_them_is_named() {
    let study = plane(false, 6);
    let mut history = noisy(&study, 6);
    let best = Point { values: vec![json!(0.3), json!(0.0)] };
    for value in [0.05, -0.2, 0.1, -0.2, 0.0] {
        let outcome = Outcome::Value(value);
        history.trials.push(Trial { outcome, ..Trial::pending(best.clone(), None) });
    }
    let found = recommended(&study, &history);
    assert_eq!((found.recommended.trial, found.observed.trial), (7, 7), "{found:?}");
    assert_eq!(found.comparison, None);
    // A sweep's best run is the one that ended first.
    let surrogate = Surrogate::of(&study, &history).unwrap();
    let found = surrogate.recommendation(Some(9), |_| true).unwrap();
    assert_eq!((found.recommended.trial, found.observed.trial), (9, 9), "{found:?}");
    let flat = trials(&study, 9, |_| 2.5);
    let found = recommended(&study, &flat);
    assert!(found.recommended.trial == 0 && (found.recommended.mean - 2.5).abs() < 1e-9);
}

#[test]
fn without_noise_the_best_logged_value_is_recommended() {
    for seed in 0..10 {
        let study = plane(seed % 2 == 1, seed);
        let sign = if study.maximize { -1.0 } else { 1.0 };
        let history = trials(&study, 40, |point| sign * truth(point));
        let found = recommended(&study, &history);
        let lost = sign * (found.recommended.value - found.observed.value);
        assert!((0.0..2e-3).contains(&lost), "{found:?}");
    }
}

#[test]
fn a_long_history_recommends_a_trial_that_the_model_left_out() {
    let study = plane(false, 7);
    let history = noisy(&study, 700);
    let found = recommended(&study, &history);
    let is = truth(&history.trials[found.recommended.trial as usize].point);
    assert!(is < 0.03, "{is} {found:?}");
}
