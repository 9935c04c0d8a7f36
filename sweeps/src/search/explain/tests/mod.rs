//! Tests explanations of functions whose importances and curves are known.

mod coverage;
mod recommended;
mod trials;

use serde_json::{Value, json};

use super::*;
use crate::{
    point::Point,
    search::{Constraint, Method, Side, propose},
    space::{Condition, Distribution, Law, Parameter, Space},
};

fn uniform(min: f64, max: f64) -> Distribution {
    Distribution::Real { law: Law::Uniform { min, max }, quantum: None }
}

fn one_of(values: &[Value]) -> Distribution {
    Distribution::Categorical { values: values.to_vec(), probabilities: None }
}

fn study(axes: Vec<(&str, Distribution)>) -> Study {
    let parameter = |(name, distribution): (&str, Distribution)| {
        Parameter::new(vec![name.to_owned()], distribution)
    };
    let space = Space { parameters: axes.into_iter().map(parameter).collect() };
    Study::new(Method::Random, space, 5)
}

/// Runs trials by the study's own method.
fn trials(study: &Study, count: u64, f: impl Fn(&Point) -> f64) -> History {
    let mut history = History::default();
    for number in 0..count {
        let suggestion = propose(study, number, &history).unwrap();
        let outcome = Outcome::Value(f(&suggestion.point));
        history.trials.push(Trial { outcome, ..Trial::pending(suggestion.point, suggestion.fit) });
    }
    history
}

fn explain(
    study: &Study,
    history: &History,
    wanted: &[String],
) -> Result<Explanation, Unexplained> {
    Surrogate::of(study, history)?.explain(wanted)
}

fn at(point: &Point, index: usize) -> f64 {
    point.values[index].as_f64().unwrap()
}

fn importance<'a>(explanation: &'a Explanation, name: &str) -> &'a Importance {
    explanation.importances.iter().find(|importance| importance.parameter == name).unwrap()
}

#[test]
fn shares_of_a_sum_are_those_of_its_terms() {
    let study =
        study(vec![("b", uniform(0.0, 1.0)), ("c", uniform(0.0, 1.0)), ("a", uniform(0.0, 1.0))]);
    let history = trials(&study, 60, |point| 10.0 * at(point, 2) + 3.0 * at(point, 0));
    let explanation = explain(&study, &history, &[]).unwrap();
    let names: Vec<&str> =
        explanation.importances.iter().map(|one| one.parameter.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    for (name, share) in [("a", 100.0 / 109.0), ("b", 9.0 / 109.0), ("c", 0.0)] {
        let found = importance(&explanation, name);
        assert!(
            (found.total - share).abs() < 0.02 && (found.alone - share).abs() < 0.02,
            "{found:?}"
        );
        assert!(
            found.low <= found.total && found.total <= found.high && found.high < found.low + 0.1,
            "{found:?}"
        );
    }
    assert!(explanation.accuracy > 0.95 && explanation.trials == 60, "{explanation:?}");
    assert_eq!((explanation.curves.len(), &explanation.surface), (3, &None));
    assert_eq!(explanation, explain(&study, &history, &[]).unwrap(), "the same again");
}

#[test]
fn parameters_that_matter_only_together_have_no_share_alone() {
    let study = study(vec![("a", uniform(-1.0, 1.0)), ("b", uniform(-1.0, 1.0))]);
    let history = trials(&study, 80, |point| at(point, 0) * at(point, 1));
    let explanation = explain(&study, &history, &["a".to_owned(), "b".to_owned()]).unwrap();
    for one in &explanation.importances {
        assert!(one.alone < 0.1 && one.total > 0.9, "{one:?}");
    }
    let surface = explanation.surface.unwrap();
    assert_eq!((surface.rows.len(), surface.columns.len(), surface.cells.len()), (12, 12, 144));
    for (index, cell) in surface.cells.iter().enumerate() {
        let (row, column) = (
            surface.rows[index / 12].as_f64().unwrap(),
            surface.columns[index % 12].as_f64().unwrap(),
        );
        let cell = cell.unwrap();
        assert!(
            (cell.mean - row * column).abs() < 0.1 + 2.0 * cell.deviation,
            "{row} {column} {cell:?}"
        );
    }
}

#[test]
fn noise_alone_is_not_predicted() {
    let study = study(vec![("a", uniform(0.0, 1.0)), ("b", uniform(0.0, 1.0))]);
    let history = trials(&study, 40, |point| (at(point, 0) * 1e6).fract());
    let explanation = explain(&study, &history, &[]).unwrap();
    assert!(explanation.accuracy < 0.2, "{explanation:?}");
    let flat = trials(&study, 8, |_| 2.5);
    let explanation = explain(&study, &flat, &[]).unwrap();
    assert!(
        explanation.importances.iter().all(|one| one.total == 0.0) && explanation.accuracy == 0.0
    );
    assert!(explanation.curves[0].points.iter().all(|point| (point.mean - 2.5).abs() < 1e-6));
}

#[test]
fn a_quadratic_has_its_best_value_where_it_is_for_either_goal() {
    for maximize in [false, true] {
        let sign = if maximize { -1.0 } else { 1.0 };
        let study =
            Study { maximize, ..study(vec![("x", uniform(-4.0, 4.0)), ("y", uniform(0.0, 1.0))]) };
        let history = trials(&study, 40, |point| {
            let away = at(point, 0) - 1.0;
            sign * away * away
        });
        let curve = &explain(&study, &history, &["x".to_owned()]).unwrap().curves[0];
        assert_eq!(curve.points.len(), 33);
        let best = curve
            .points
            .iter()
            .min_by(|one, other| (sign * one.mean).total_cmp(&(sign * other.mean)))
            .unwrap();
        assert!(
            (best.value.as_f64().unwrap() - 1.0).abs() < 0.4 && best.mean.abs() < 0.3,
            "{best:?}"
        );
        assert!(
            curve.points.iter().all(|point| point.low <= point.mean && point.mean <= point.high)
        );
    }
}

#[test]
fn the_band_widens_away_from_the_trials() {
    let study = study(vec![("x", uniform(0.0, 1.0))]);
    let mut history = trials(&study, 60, |point| libm::sin(9.0 * at(point, 0)));
    history.trials.retain(|trial| at(&trial.point, 0) < 0.5);
    let curve = Surrogate::of(&study, &history).unwrap().partial_dependence("x").unwrap();
    let width = |x: f64| {
        let point = curve.points.iter().find(|point| point.value.as_f64().unwrap() >= x).unwrap();
        point.high - point.low
    };
    assert!(width(0.95) > 5.0 * width(0.25) && width(0.95) > width(0.6), "{curve:?}");
}

#[test]
fn categories_and_integers_add_up() {
    let categories = [json!("sgd"), json!("adam"), json!("lion")];
    let study = study(vec![
        ("optimizer", one_of(&categories)),
        ("layers", Distribution::IntUniform { min: 1, max: 4 }),
        ("fixed", Distribution::Constant(json!(1))),
    ]);
    let offset = |value: &Value| match value.as_str().unwrap() {
        "sgd" => 4.0,
        "adam" => 1.0,
        _ => 2.0,
    };
    let history = trials(&study, 60, |point| offset(&point.values[0]) + 0.2 * at(point, 1));
    let explanation = explain(&study, &history, &[]).unwrap();
    assert_eq!(explanation.importances.len(), 2, "what never varies is left out");
    // The variances are 14 / 9 for the offsets and 0.05 for the layers.
    let share = (14.0 / 9.0) / (14.0 / 9.0 + 0.05);
    assert!((importance(&explanation, "optimizer").total - share).abs() < 0.02, "{explanation:?}");
    let curve = &explanation.curves[0];
    for (point, category) in curve.points.iter().zip(&categories) {
        assert_eq!(&point.value, category);
        assert!((point.mean - offset(category) - 0.5).abs() < 0.1, "{point:?}");
    }
    let values: Vec<Value> =
        explanation.curves[1].points.iter().map(|point| point.value.clone()).collect();
    assert_eq!(values, [1, 2, 3, 4].map(Value::from));
}

#[test]
fn a_conditional_parameter_is_averaged_where_it_is_active() {
    let mut study = study(vec![
        ("momentum", uniform(0.0, 1.0)),
        ("optimizer", one_of(&[json!("sgd"), json!("adam")])),
    ]);
    study.space.parameters[0].condition = Some(Condition { parent: 1, values: vec![json!("sgd")] });
    let value = |point: &Point| if point.values[1] == "sgd" { 2.0 + at(point, 0) } else { 0.0 };
    let history = trials(&study, 60, value);
    let wanted = ["momentum".to_owned(), "optimizer".to_owned()];
    let explanation = explain(&study, &history, &wanted).unwrap();
    for point in &explanation.curves[0].points {
        assert!((point.mean - 2.0 - point.value.as_f64().unwrap()).abs() < 0.2, "{point:?}");
    }
    let surface = explanation.surface.unwrap();
    assert_eq!(surface.columns, ["sgd", "adam"]);
    assert!(surface.cells.chunks(2).all(|row| row[0].is_some() && row[1].is_none()));
    assert_eq!(explanation.importances[0].parameter, "optimizer");
}

#[test]
fn failures_and_a_diverged_trial_do_not_set_the_scale() {
    let study = study(vec![("a", uniform(0.0, 1.0)), ("b", uniform(0.0, 1.0))]);
    let mut history = trials(&study, 40, |point| at(point, 0));
    history.trials[3].outcome = Outcome::Value(1e6);
    history.trials[4].outcome = Outcome::Failed;
    let explanation = explain(&study, &history, &[]).unwrap();
    assert_eq!((explanation.trials, explanation.importances[0].parameter.as_str()), (39, "a"));
    let points = &explanation.curves[0].points;
    assert!(points.iter().all(|point| point.high <= 1e6), "{points:?}");
    // The surrogate may predict large values near the diverged trial, but not elsewhere.
    let set = points.iter().filter(|point| point.mean > 5.0).count();
    assert!(set <= 2, "{points:?}");
}

#[test]
fn a_failed_explanation_says_why() {
    let study_of_two = study(vec![("learning_rate", uniform(0.0, 1.0)), ("b", uniform(0.0, 1.0))]);
    let mut history = trials(&study_of_two, 5, |point| at(point, 0));
    let ask = |history: &History, names: &[&str]| {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        explain(&study_of_two, history, &names).unwrap_err()
    };
    let known = vec!["learning_rate".to_owned(), "b".to_owned()];
    let near = Some("learning_rate".to_owned());
    assert_eq!(
        ask(&history, &["learning_rte"]),
        Unexplained::Unknown { name: "learning_rte".to_owned(), near, known }
    );
    assert_eq!(ask(&history, &["b", "b"]), Unexplained::TooMany);
    assert_eq!(ask(&history, &["b", "learning_rate", "b"]), Unexplained::TooMany);
    history.trials[0].outcome = Outcome::Failed;
    history.trials[1].outcome = Outcome::Value(f64::NAN);
    assert_eq!(ask(&history, &[]), Unexplained::TooFew { have: 3, need: 4 });
    let fixed = study(vec![("a", Distribution::Constant(json!(1)))]);
    assert_eq!(explain(&fixed, &History::default(), &[]), Err(Unexplained::NothingVaries));
}

#[test]
fn the_incumbent_is_the_best_trial_that_counts() {
    let mut study = study(vec![("a", uniform(0.0, 1.0))]);
    let mut history = trials(&study, 5, |point| at(point, 0));
    for (trial, (outcome, latency)) in history.trials.iter_mut().zip([
        (Outcome::Value(3.0), 1.0),
        (Outcome::Value(1.0), 9.0),
        (Outcome::Value(2.0), 1.0),
        (Outcome::Pruned(0.5), 1.0),
        (Outcome::Failed, 1.0),
    ]) {
        trial.outcome = outcome;
        trial.constrained = vec![Some(latency)];
    }
    assert_eq!(incumbent(&study, &history), Some((1, 1.0)));
    study.constraints =
        vec![Constraint { metric: "latency".to_owned(), side: Side::AtMost, limit: 5.0 }];
    assert_eq!(incumbent(&study, &history), Some((2, 2.0)));
    study.maximize = true;
    assert_eq!(incumbent(&study, &history), Some((0, 3.0)));
    assert_eq!(incumbent(&study, &History::default()), None);
}

#[test]
fn a_warm_start_knows_what_it_repeats() {
    let mut study = study(vec![("a", uniform(0.0, 1.0)), ("b", one_of(&[json!("x"), json!("y")]))]);
    let earlier = |config: Value, value| Earlier { sweep: 0, config, value };
    study.earlier = vec![
        earlier(json!({ "a": 7.0, "b": "x" }), 0.1),
        earlier(json!({ "a": 0.5, "b": "y", "c": 1 }), 0.2),
        earlier(json!({ "a": 0.5, "b": "y" }), 0.3),
    ];
    study.method = Method::Bayes;
    let first = propose(&study, 0, &History::default()).unwrap();
    assert_eq!(repeated_first(&study).map(|trial| trial.value), Some(0.2), "the best lies outside");
    assert_eq!(repeated(&study, &first.point).map(|trial| trial.value), Some(0.2));
    let other = Point { values: vec![json!(0.5), json!("x")] };
    assert_eq!(repeated(&study, &other), None);
    study.earlier.clear();
    assert_eq!((repeated_first(&study), repeated(&study, &first.point)), (None, None));
}

#[test]
fn many_parameters_and_trials_are_explained_too() {
    let names: Vec<String> = (0..20).map(|index| format!("p{index:02}")).collect();
    let study = study(names.iter().map(|name| (name.as_str(), uniform(0.0, 1.0))).collect());
    let history = trials(&study, 400, |point| at(point, 7) + 0.5 * at(point, 13));
    let explanation = explain(&study, &history, &names[6..8]).unwrap();
    assert_eq!(explanation.importances[0].parameter, "p07");
    assert_eq!(explanation.importances[1].parameter, "p13");
    assert!(explanation.surface.is_some());
}
