//! Tests what an explanation says about single trials: their predictions, and their lines along a
//! parameter.

use super::*;

#[test]
fn each_trial_is_predicted_by_the_others() {
    let study = study(vec![("a", uniform(0.0, 1.0)), ("b", uniform(0.0, 1.0))]);
    let mut history = trials(&study, 40, |point| at(point, 0) + 0.3 * at(point, 1));
    history.trials[3].outcome = Outcome::Value(9.0);
    history.trials[5].outcome = Outcome::Failed;
    history.trials[7].outcome = Outcome::Pending;
    let explanation = explain(&study, &history, &[]).unwrap();
    assert_eq!((explanation.ended, explanation.trials), (39, 38));
    let all = &explanation.predictions;
    let known: Vec<u64> = (0..40).filter(|number| ![5, 7].contains(number)).collect();
    assert_eq!(all.iter().map(|one| one.trial).collect::<Vec<_>>(), known);
    for one in all {
        let trial = &history.trials[one.trial as usize];
        assert_eq!(trial.outcome, Outcome::Value(one.value));
        let inside = one.low <= one.value && one.value <= one.high;
        assert!(inside == one.covered && one.low <= one.mean && one.mean <= one.high, "{one:?}");
    }
    let covered = all.iter().filter(|one| one.covered).count();
    assert_eq!((covered, all.len()), (explanation.coverage.covered, explanation.coverage.held_out));
    let wrong = all.iter().find(|one| one.trial == 3).unwrap();
    assert!(!wrong.covered && wrong.mean < 3.0, "the trial itself was left out: {wrong:?}");
}

#[test]
fn lines_of_trials_show_an_interaction_that_the_average_hides() {
    let study = study(vec![("a", uniform(-1.0, 1.0)), ("b", uniform(-1.0, 1.0))]);
    let history = trials(&study, 80, |point| at(point, 0) * at(point, 1));
    let found = Surrogate::of(&study, &history).unwrap().individuals("a").unwrap();
    assert_eq!((found.parameter.as_str(), found.lines.len()), ("a", 29));
    let best = found.lines.iter().take(12).map(|line| {
        let point = &history.trials[line.trial as usize].point;
        at(point, 0) * at(point, 1)
    });
    assert!(best.collect::<Vec<_>>().is_sorted(), "the best come first");
    for line in &found.lines {
        let b = at(&history.trials[line.trial as usize].point, 1);
        let slope = (line.means[32] - line.means[0]) / 2.0;
        assert!((slope - b).abs() < 0.1, "{slope} {b}");
    }
    let unknown = Surrogate::of(&study, &history).unwrap().individuals("c");
    assert!(matches!(unknown, Err(Unexplained::Unknown { .. })));
}

#[test]
fn a_trial_without_the_parameter_has_no_line() {
    let mut momentum = Parameter::new(vec!["momentum".to_owned()], uniform(0.0, 1.0));
    momentum.condition = Some(Condition { parent: 0, values: vec![json!("sgd")] });
    let choice = one_of(&[json!("sgd"), json!("adam")]);
    let space =
        Space { parameters: vec![Parameter::new(vec!["optimizer".to_owned()], choice), momentum] };
    let study = Study::new(Method::Random, space, 5);
    let is_sgd = |point: &Point| point.values[0] == json!("sgd");
    let history = trials(&study, 40, |point| if is_sgd(point) { at(point, 1) } else { 2.0 });
    let surrogate = Surrogate::of(&study, &history).unwrap();
    let lines = surrogate.individuals("momentum").unwrap().lines;
    assert!(!lines.is_empty());
    assert!(lines.iter().all(|line| is_sgd(&history.trials[line.trial as usize].point)));
    let all = surrogate.individuals("optimizer").unwrap();
    assert_eq!((all.values, all.lines.len()), (vec![json!("sgd"), json!("adam")], 26));
}
