//! Tests the search as a whole: properties that hold for every space and history, and that `bayes`
//! beats random search on two problems.

mod informed;
mod wanted;

use proptest::{prelude::*, test_runner::RngSeed};
use serde_json::{Value, json};

use super::*;
use crate::{
    history::{Outcome, Trial},
    point::Point,
    space::{Distribution, Law, Parameter, Quantum},
};

fn study(method: Method, axes: Vec<(&str, Distribution)>, seed: u64) -> Study {
    let parameter = |(name, distribution): (&str, Distribution)| {
        Parameter::new(vec![name.to_owned()], distribution)
    };
    let space = Space { parameters: axes.into_iter().map(parameter).collect() };
    Study::new(method, space, seed)
}

fn uniform(min: f64, max: f64) -> Distribution {
    Distribution::Real { law: Law::Uniform { min, max }, quantum: None }
}

fn log_uniform(min: f64, max: f64) -> Distribution {
    let law = Law::LogUniform { min_ln: libm::log(min), max_ln: libm::log(max) };
    Distribution::Real { law, quantum: None }
}

fn one_of(values: &[Value]) -> Distribution {
    Distribution::Categorical { values: values.to_vec(), probabilities: None }
}

fn mixed() -> Vec<(&'static str, Distribution)> {
    vec![
        ("lr", log_uniform(1e-6, 1.0)),
        ("optimizer", one_of(&[json!("sgd"), json!("adam"), json!("rmsprop")])),
        ("layers", Distribution::IntUniform { min: 1, max: 10 }),
        ("batch", one_of(&[json!(16), json!(32), json!(64), json!(128)])),
        (
            "dropout",
            Distribution::Real {
                law: Law::Uniform { min: 0.0, max: 0.8 },
                quantum: Some(Quantum { step: 0.1, integer: false }),
            },
        ),
        ("seed", Distribution::Constant(json!(7))),
    ]
}

fn number(point: &Point, index: usize) -> f64 {
    point.values[index].as_f64().unwrap()
}

/// Returns a validation loss. The valley of this loss in the logarithm of the learning rate moves
/// with the optimiser and the batch size.
fn loss(point: &Point) -> f64 {
    let (centre, offset) = match point.values[1].as_str().unwrap() {
        "sgd" => (-1.0, 0.05),
        "adam" => (-3.0, 0.0),
        _ => (-3.2, 0.03),
    };
    let valley =
        libm::log10(number(point, 0)) - centre - 0.5 * libm::log10(number(point, 3) / 64.0);
    let layers = number(point, 2) - 5.0;
    let dropout = number(point, 4) - 0.2;
    0.25 + offset + 1.0 - libm::exp(-0.5 * valley * valley)
        + 0.015 * layers * layers
        + 0.3 * dropout * dropout
}

fn branin(point: &Point) -> f64 {
    let (x, y) = (number(point, 0), number(point, 1));
    let pi = std::f64::consts::PI;
    let bowl = y - 5.1 / (4.0 * pi * pi) * x * x + 5.0 / pi * x - 6.0;
    bowl * bowl + 10.0 * (1.0 - 1.0 / (8.0 * pi)) * libm::cos(x) + 10.0
}

/// Runs one trial after the other. Each trial has its outcome before the search proposes the next
/// point.
fn run(study: &Study, budget: u64, objective: impl Fn(&Point) -> f64) -> History {
    let mut history = History::default();
    for number in 0..budget {
        let Ok(suggestion) = propose(study, number, &history) else {
            break;
        };
        let outcome = Outcome::Value(objective(&suggestion.point));
        history.trials.push(Trial { outcome, ..Trial::pending(suggestion.point, suggestion.fit) });
    }
    history
}

fn best(history: &History) -> f64 {
    let value = |trial: &Trial| match trial.outcome {
        Outcome::Value(value) => value,
        _ => f64::INFINITY,
    };
    history.trials.iter().map(value).fold(f64::INFINITY, f64::min)
}

#[test]
fn what_comes_next_is_what_the_search_then_proposes() {
    for method in [Method::Grid, Method::Random, Method::Sobol, Method::Bayes] {
        let study = study(method, vec![("a", one_of(&[json!(1), json!(2), json!(3)]))], 3);
        let mut history = run(&study, 1, |point| number(point, 0));
        let next = ahead(&study, 1, history.clone(), 2);
        assert_eq!(next.len(), 2, "{method:?}");
        for (index, expected) in next.iter().enumerate() {
            let number = 1 + index as u64;
            let found = propose(&study, number, &history).unwrap();
            assert_eq!(found, *expected, "{method:?}");
            history.trials.push(Trial::pending(found.point, found.fit));
        }
        let more = ahead(&study, 3, history, 2).len();
        let is_finite = bound(method, &study.space).is_some();
        assert_eq!(more, if is_finite { 0 } else { 2 }, "{method:?}");
    }
    let study = study(Method::Bayes, mixed(), 3);
    let mut history = run(&study, 12, loss);
    let next = ahead(&study, 12, history.clone(), 3);
    assert!(next.iter().all(|next| matches!(next.origin, Origin::Model { .. })));
    for (index, expected) in next.into_iter().enumerate() {
        let found = propose(&study, 12 + index as u64, &history).unwrap();
        assert_eq!(found, expected);
        history.trials.push(Trial::pending(found.point, found.fit));
    }
}

/// Returns the mean over five seeds of the best value of 30 trials, first for `bayes`, then for
/// `random`.
fn duel(
    axes: fn() -> Vec<(&'static str, Distribution)>,
    objective: fn(&Point) -> f64,
) -> (f64, f64) {
    let mean = |method: Method| {
        let of_seed = |seed: u64| best(&run(&study(method, axes(), seed), 30, objective));
        (0..5).map(of_seed).sum::<f64>() / 5.0
    };
    (mean(Method::Bayes), mean(Method::Random))
}

#[test]
fn bayes_beats_random_on_branin() {
    let (bayes, random) =
        duel(|| vec![("x", uniform(-5.0, 10.0)), ("y", uniform(0.0, 15.0))], branin);
    let optimum = 0.397887;
    assert!(
        bayes - optimum < 0.05 && bayes - optimum < 0.1 * (random - optimum),
        "{bayes} {random}"
    );
}

#[test]
fn bayes_beats_random_on_a_mixed_space() {
    let (bayes, random) = duel(mixed, loss);
    assert!(bayes - 0.25 < 0.01 && bayes - 0.25 < 0.2 * (random - 0.25), "{bayes} {random}");
}

#[test]
fn maximising_mirrors_minimising() {
    let down = study(Method::Bayes, mixed(), 3);
    let up = Study { maximize: true, ..down.clone() };
    let (down, up) = (run(&down, 12, loss), run(&up, 12, |point| -loss(point)));
    for (a, b) in down.trials.iter().zip(&up.trials) {
        assert_eq!((&a.point, &a.fit), (&b.point, &b.fit));
    }
}

#[test]
fn every_suggestion_can_be_replayed_to_the_bit() {
    let study = study(Method::Bayes, mixed(), 5);
    let mut history = run(&study, 14, loss);
    history.trials[9].outcome = Outcome::Failed;
    for trial in &mut history.trials[12..] {
        trial.outcome = Outcome::Pending;
    }
    let first = propose(&study, 14, &history).unwrap();
    // The history is rebuilt from JSON, trial by trial: no other state may affect the suggestion.
    let mut again = History::default();
    for trial in &history.trials {
        let point = Point::from_json(&study.space, &trial.point.to_json(&study.space)).unwrap();
        again.trials.push(Trial { point, ..trial.clone() });
    }
    let second = propose(&study, 14, &again).unwrap();
    assert_eq!(first, second);
    let bits = |suggestion: &Suggestion| {
        suggestion
            .fit
            .as_ref()
            .unwrap()
            .log_hyperparameters
            .iter()
            .map(|x| x.to_bits())
            .collect::<Vec<u64>>()
    };
    assert_eq!(bits(&first), bits(&second));
    assert!(matches!(first.origin, Origin::Model { .. }));
}

/// These values must never change, on any machine or with any version of any library, since a
/// replay computes the points of old sweeps again.
#[test]
fn the_random_stream_is_fixed() {
    let mut axes = mixed();
    axes.push((
        "noise",
        Distribution::Real { law: Law::LogNormal { mu: -1.0, sigma: 2.0 }, quantum: None },
    ));
    axes.push((
        "momentum",
        Distribution::Real { law: Law::Beta { a: 2.0, b: 0.7 }, quantum: None },
    ));
    let study = study(Method::Random, axes, 42);
    let points: Vec<String> = (0..3)
        .map(|n| {
            propose(&study, n, &History::default()).unwrap().point.to_json(&study.space).to_string()
        })
        .collect();
    let expected = [
        "{\"lr\":0.25682675814826955,\"optimizer\":\"rmsprop\",\"layers\":5,\"batch\":16,\
         \"dropout\":0.6,\"seed\":7,\"noise\":1.177931133513046,\"momentum\":0.5656817098064346}",
        "{\"lr\":0.10671210654038987,\"optimizer\":\"adam\",\"layers\":9,\"batch\":128,\
         \"dropout\":0.6,\"seed\":7,\"noise\":0.8535345538199264,\"momentum\":0.2703361740548016}",
        "{\"lr\":0.003167412648919955,\"optimizer\":\"rmsprop\",\"layers\":5,\"batch\":32,\
         \"dropout\":0.4,\"seed\":7,\"noise\":0.5490650123272064,\"momentum\":0.4647041503503581}",
    ];
    assert_eq!(points, expected);
}

#[test]
fn first_trials_differ_and_later_ones_keep_away_from_pending() {
    let study = study(Method::Bayes, vec![("x", uniform(0.0, 1.0)), ("y", uniform(0.0, 1.0))], 1);
    let mut history = run(&study, 10, |point| {
        (number(point, 0) - 0.3) * (number(point, 0) - 0.3)
            + (number(point, 1) - 0.6) * (number(point, 1) - 0.6)
    });
    for trial in 10..18 {
        let suggestion = propose(&study, trial, &history).unwrap();
        for other in &history.trials {
            let apart = (number(&suggestion.point, 0) - number(&other.point, 0)).abs()
                + (number(&suggestion.point, 1) - number(&other.point, 1)).abs();
            assert!(apart > 1e-3, "trial {trial}: {suggestion:?} {:?}", other.point);
        }
        history.trials.push(Trial::pending(suggestion.point, suggestion.fit));
    }
}

#[test]
fn agents_that_start_together_get_different_points() {
    let study = study(Method::Bayes, mixed(), 8);
    let mut history = History::default();
    for trial in 0..40 {
        let suggestion = propose(&study, trial, &history).unwrap();
        assert_eq!(suggestion.origin, Origin::Initial);
        assert!(history.trials.iter().all(|other| other.point != suggestion.point));
        history.trials.push(Trial::pending(suggestion.point, None));
    }
}

#[test]
fn bayes_covers_a_finite_space_once() {
    let axes = vec![
        ("a", one_of(&[json!(1), json!(0), json!(1.0), json!(false), json!(null)])),
        ("b", Distribution::IntUniform { min: -2, max: 1 }),
        (
            "c",
            Distribution::Real {
                law: Law::Uniform { min: 1.0, max: 10.5 },
                quantum: Some(Quantum { step: 4.0, integer: true }),
            },
        ),
        ("d", Distribution::Constant(json!("fixed"))),
    ];
    let study = study(Method::Bayes, axes, 2);
    assert_eq!(bound(Method::Bayes, &study.space), Some(4 * 4 * 2));
    // The outcomes have only two values, so a model without memory would propose the same points
    // again.
    let history = run(&study, 100, |point| if number(point, 1) > 0.0 { 0.0 } else { 1.0 });
    let mut points: Vec<String> = history
        .trials
        .iter()
        .map(|trial| trial.point.values.iter().map(|v| v.to_string() + ",").collect())
        .collect();
    assert_eq!(points.len(), 32);
    points.sort();
    points.dedup();
    assert_eq!(points.len(), 32);
    assert_eq!(propose(&study, 32, &history), Err(Exhausted));
}

#[test]
fn a_large_finite_space_is_not_left_before_it_is_covered() {
    let study = study(
        Method::Bayes,
        vec![
            ("a", Distribution::IntUniform { min: 1, max: 60 }),
            ("b", Distribution::IntUniform { min: 1, max: 50 }),
        ],
        2,
    );
    let mut history = History::default();
    for a in 1..=60 {
        for b in 1..=50 {
            let outcome = Outcome::Value(f64::from(a * b));
            history.trials.push(Trial {
                outcome,
                ..Trial::pending(Point { values: vec![json!(a), json!(b)] }, None)
            });
        }
    }
    let last = history.trials.remove(1234);
    assert_eq!(propose(&study, 2999, &history).unwrap().point, last.point);
    history.trials.push(last);
    assert_eq!(propose(&study, 3000, &history), Err(Exhausted));
}

#[test]
fn a_space_of_constants_is_one_point() {
    let study = study(Method::Bayes, vec![("a", Distribution::Constant(json!([1])))], 0);
    let history = run(&study, 9, |_| 1.0);
    assert_eq!(history.trials.len(), 1);
    assert_eq!(history.trials[0].point.values, [json!([1])]);
}

#[test]
fn suggestions_survive_json() {
    let study = study(Method::Bayes, mixed(), 1);
    let mut history = run(&study, 9, loss);
    history.trials[3].outcome = Outcome::Value(f64::MAX);
    let suggestion = propose(&study, 9, &history).unwrap();
    let origin = serde_json::to_string(&suggestion.origin).unwrap();
    assert_eq!(serde_json::from_str::<Origin>(&origin).unwrap(), suggestion.origin);
    let fit = serde_json::to_string(&suggestion.fit).unwrap();
    assert_eq!(serde_json::from_str::<Option<Fit>>(&fit).unwrap(), suggestion.fit);
}

#[test]
fn the_engine_names_version_and_instructions() {
    let engine = engine();
    assert!(
        engine.starts_with(env!("CARGO_PKG_VERSION"))
            && engine.len() > env!("CARGO_PKG_VERSION").len() + 1
    );
}

fn any_law() -> impl Strategy<Value = Law> {
    let limits = || (-20.0..20.0, 0.01..30.0);
    let scale = || prop_oneof![0.01..10.0, Just(1e6), Just(1e-6)];
    prop_oneof![
        limits().prop_map(|(min, span)| Law::Uniform { min, max: min + span }),
        Just(Law::Uniform { min: -1e308, max: 1e308 }),
        limits().prop_map(|(min, span)| Law::LogUniform { min_ln: min, max_ln: min + span }),
        limits().prop_map(|(min, span)| Law::InvLogUniform { min_ln: min, max_ln: min + span }),
        (-9.0..9.0, scale()).prop_map(|(mu, sigma)| Law::Normal { mu, sigma }),
        (-9.0..9.0, scale()).prop_map(|(mu, sigma)| Law::LogNormal { mu, sigma }),
        (scale(), scale()).prop_map(|(a, b)| Law::Beta { a, b }),
    ]
}

fn any_distribution() -> impl Strategy<Value = Distribution> {
    let values = || {
        prop::sample::subsequence(
            vec![
                json!(0),
                json!(1),
                json!(1.0),
                json!("a"),
                json!(null),
                json!([1, 2]),
                json!(true),
                json!(0.5),
            ],
            1..8,
        )
    };
    let quantum = (prop_oneof![0.01..3.0, Just(1.0), Just(1e-9)], any::<bool>());
    let quantum = prop::option::of(quantum.prop_map(|(step, integer)| Quantum { step, integer }));
    prop_oneof![
        1 => Just(Distribution::Constant(json!({"x": 1}))),
        3 => values().prop_map(|values| Distribution::Categorical { values, probabilities: None }),
        1 => values().prop_map(|values| {
            let mut probabilities = vec![0.0; values.len()];
            probabilities[0] = 0.25;
            *probabilities.last_mut().unwrap() += 0.75;
            Distribution::Categorical { values, probabilities: Some(probabilities) }
        }),
        2 => (-5_i64..5, 0_i64..40)
            .prop_map(|(min, span)| Distribution::IntUniform { min, max: min + span }),
        1 => Just(Distribution::IntUniform { min: i64::MIN, max: i64::MAX }),
        5 => (any_law(), quantum).prop_map(|(law, quantum)| Distribution::Real { law, quantum }),
    ]
}

/// Draws outcomes, many of them extreme, missing or not a number.
fn any_outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        4 => (-1.0..1.0).prop_map(Outcome::Value),
        2 => Just(Outcome::Value(0.125)),
        1 => Just(Outcome::Value(1e300)),
        1 => Just(Outcome::Value(-1e300)),
        1 => Just(Outcome::Value(1e-310)),
        1 => Just(Outcome::Value(f64::NAN)),
        2 => Just(Outcome::Pending),
        2 => Just(Outcome::Failed),
    ]
}

/// Returns whether a value is one that its distribution can give.
fn is_inside(distribution: &Distribution, value: &Value) -> bool {
    match distribution {
        Distribution::Constant(constant) => value == constant,
        Distribution::Categorical { values, .. } => values.contains(value),
        Distribution::IntUniform { min, max } => {
            value.as_i64().is_some_and(|x| (*min..=*max).contains(&x))
        }
        Distribution::Real { law, quantum } => {
            let outside = |quantum: &Quantum| quantum.inside(law).is_none();
            let slack = quantum.filter(outside).map_or(0.0, |quantum| quantum.step / 2.0);
            let x = value.as_f64().unwrap();
            let (low, high) = law.limits().unwrap_or((law.quantile(0.0), law.quantile(1.0)));
            let rounding = 1e-9 * (x.abs() + quantum.map_or(0.0, |quantum| quantum.step));
            x >= low - slack - rounding && x <= high + slack + rounding
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 60,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_suggestion_lies_in_the_space(
        axes in prop::collection::vec(any_distribution(), 1..7),
        outcomes in prop::collection::vec(any_outcome(), 0..16),
        impute in prop_oneof![Just(Impute::Worst), Just(Impute::Best), Just(Impute::Latest)],
        maximize in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let parameters = axes
            .into_iter()
            .enumerate()
            .map(|(index, distribution)| Parameter::new(vec![format!("p{index}")], distribution))
            .collect();
        let study =
            Study { maximize, impute, ..Study::new(Method::Bayes, Space { parameters }, seed) };
        let by_chance = Study { method: Method::Random, ..study.clone() };
        let mut history = History::default();
        for (number, outcome) in outcomes.iter().chain([&Outcome::Pending]).enumerate() {
            let Ok(suggestion) = propose(&study, number as u64, &history) else {
                prop_assert!(
                    bound(Method::Bayes, &study.space)
                        .is_some_and(|points| points <= number as u64)
                );
                break;
            };
            for (parameter, value) in study.space.parameters.iter().zip(&suggestion.point.values) {
                prop_assert!(
                    is_inside(&parameter.distribution, value),
                    "{:?} {}",
                    parameter.distribution,
                    value
                );
            }
            if let Origin::Model { mean, deviation, improvement } = suggestion.origin {
                prop_assert!(mean.is_finite() && deviation >= 0.0 && improvement >= 0.0);
                prop_assert!(deviation.is_finite() && improvement.is_finite());
            }
            // Every third point is not the suggestion: it can be a repetition or a point from
            // before an edit of the space.
            let elsewhere = propose(&by_chance, number as u64 / 2, &history).unwrap().point;
            let point = if number % 3 == 2 { elsewhere } else { suggestion.point };
            history
                .trials
                .push(Trial { outcome: *outcome, ..Trial::pending(point, suggestion.fit) });
        }
    }
}
