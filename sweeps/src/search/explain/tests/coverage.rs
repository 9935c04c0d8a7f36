//! Checks the coverage of intervals: they hold about the same share of new trials as of the
//! held-out trials that the surrogate counted.

use super::*;
use crate::rng::{Purpose, Stream};

/// The number of trials that no surrogate has seen.
const FRESH: u64 = 400;

/// The metric of a simulated program: a function of two parameters and of noise.
type Measured = fn(f64, f64, &mut Stream) -> f64;

fn square(x: f64) -> f64 {
    x * x
}

/// Returns a smooth function with Student's noise of two degrees, whose variance is infinite.
fn student(a: f64, b: f64, noise: &mut Stream) -> f64 {
    let chi = square(noise.normal()) + square(noise.normal());
    square(a - 0.4) + 0.3 * b + 0.05 * noise.normal() / (chi / 2.0).sqrt()
}

/// Returns a loss with multiplicative log-normal noise.
fn log_normal(a: f64, b: f64, noise: &mut Stream) -> f64 {
    (0.1 + square(a - 0.3) + 0.2 * b) * libm::exp(0.6 * noise.normal())
}

/// Returns a loss that is larger by powers of ten if `a` is above 0.8.
fn diverging(a: f64, b: f64, noise: &mut Stream) -> f64 {
    let diverged = if a > 0.8 { libm::pow(10.0, 30.0 * (a - 0.8) + noise.normal()) } else { 0.0 };
    0.2 + square(a - 0.5) + 0.1 * b + 0.02 * noise.normal() + diverged
}

/// Returns a function without any noise.
fn exact(a: f64, b: f64, _: &mut Stream) -> f64 {
    libm::sin(5.0 * a) * (1.0 + b)
}

const ALL: [(&str, Measured); 4] =
    [("student", student), ("log-normal", log_normal), ("diverging", diverging), ("exact", exact)];

fn sweep(maximize: bool, seed: u64) -> Study {
    let axes = vec![("a", uniform(0.0, 1.0)), ("b", uniform(0.0, 1.0))];
    Study { maximize, seed, ..study(axes) }
}

/// Measures trials at points that the study proposes.
fn measured(study: &Study, count: u64, measure: Measured, noise: &mut Stream) -> History {
    let sign = if study.maximize { -1.0 } else { 1.0 };
    let mut history = History::default();
    for number in 0..count {
        let point = propose(study, number, &history).unwrap().point;
        let outcome = Outcome::Value(sign * measure(at(&point, 0), at(&point, 1), noise));
        history.trials.push(Trial { outcome, ..Trial::pending(point, None) });
    }
    history
}

fn value(trial: &Trial) -> f64 {
    match trial.outcome {
        Outcome::Value(value) => value,
        other => panic!("{other:?}"),
    }
}

/// Returns the share of the fresh trials whose value lies in the interval for their own point.
fn share_of_fresh(surrogate: &Surrogate, fresh: &History) -> f64 {
    let holds = |trial: &&Trial| {
        let point = surrogate.axes().coordinates(&trial.point).unwrap();
        let (low, high) =
            surrogate.ends(surrogate.checked().intervals.of_trials(&surrogate.posterior, &[point]));
        (low..=high).contains(&value(trial))
    };
    fresh.trials.iter().filter(holds).count() as f64 / fresh.trials.len() as f64
}

#[test]
fn fresh_trials_lie_in_their_intervals_as_often_as_was_counted() {
    for (name, measure) in ALL {
        for count in [24, 60, 150] {
            // The test averages over several sweeps of the same kind, since the coverage of a
            // single sweep is uncertain.
            let (mut counted, mut held_out, mut fresh_share) = (0, 0, 0.0);
            let seeds = 5;
            for seed in 0..seeds {
                let study = sweep(seed % 2 == 1, seed);
                let mut noise = Stream::new(seed, count, Purpose::Draw);
                let history = measured(&study, count, measure, &mut noise);
                let surrogate = Surrogate::of(&study, &history).unwrap();
                let Coverage { covered, held_out: of } = surrogate.checked().intervals.coverage();
                (counted, held_out) = (counted + covered, held_out + of);
                let fresh =
                    measured(&sweep(study.maximize, 1000 + seed), FRESH, measure, &mut noise);
                fresh_share += share_of_fresh(&surrogate, &fresh) / seeds as f64;
            }
            let counted = counted as f64 / held_out as f64;
            // Few trials show less of a heavy tail than there is, so the allowed error is larger.
            let error = if count < 60 { 0.09 } else { 0.07 };
            assert!(
                (counted - fresh_share).abs() < error,
                "{name} {count}: {counted:.3}, {fresh_share:.3}"
            );
        }
    }
}
