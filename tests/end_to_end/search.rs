//! Runs the Bayesian search with two agents and a restarted controller: every suggestion can be
//! computed again from the rows.

use tests::{Lab, wait_for};

const YAML: &str = r#"
command: [sh, -c, 'sleep 0.0$BESOM_PARAM_wait; echo "{\"loss\": $BESOM_PARAM_x}"']
method: bayes
run_cap: 24
seed: 5
metric: {name: loss, goal: minimize}
parameters:
  x: {min: -1.0, max: 3.0}
  wait: {values: [1, 3, 9]}
"#;

#[test]
fn suggestions_are_equal_when_computed_again() {
    let mut lab = Lab::with_controller();
    let sweep = lab.create(YAML);
    let agents = [lab.agent(&sweep, &["--slots", "2"]), lab.agent(&sweep, &["--slots", "1"])];
    wait_for("a model", || (lab.runs(&sweep).len() >= 10).then_some(()));
    lab.kill_controller();
    lab.start_controller();
    for agent in agents {
        let (code, said) = agent.wait();
        assert_eq!(code, Some(0), "{said}");
    }
    let replayed = lab.json(&["show", &sweep, "--replay", "--json"]);
    assert_eq!(replayed["equal"], 24, "{replayed}");
    assert_eq!(replayed["different"].as_array().map(Vec::len), Some(0), "{replayed}");
    let best = lab.json(&["best", &sweep, "--json"]);
    assert!(
        best["value"].as_f64().unwrap() < -0.8,
        "the search goes where the loss is small: {best}"
    );
}
