//! Runs the Bayesian search with agents and a killed controller: every suggestion can be computed
//! again from the rows, and queued points come next.

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
    let recommended = &best["recommended"];
    assert_eq!(recommended["observed"]["id"], best["id"], "{best}");
    assert!(recommended["mean"].as_f64().unwrap() < -0.7, "{best}");
    assert!(recommended["params"].is_object() && recommended["noise"].is_number(), "{best}");
}

#[test]
fn queued_points_outlive_a_killed_controller() {
    let mut lab = Lab::with_controller();
    let sweep = lab.create(&YAML.replace("run_cap: 24", "run_cap: 6\npoints: [{x: 0.5, wait: 1}]"));
    let set = ["enqueue", &sweep, "--set", "x=2", "--set", "wait=3", "--json"];
    let queued = lab.json(&set);
    assert_eq!(queued["points"][0]["x"], 2.0, "{queued}");
    let file = lab.write("points.yaml", "- {x: -0.5}\n- {x: 1, wait: 9}\n");
    let file = file.display().to_string();
    assert_eq!(lab.json(&["enqueue", &sweep, "--file", &file, "--json"])["waiting"], 3);
    lab.kill_controller();
    lab.start_controller();
    let again = lab.sweep(&set);
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(!again.status.success() && said.contains("it waits in the queue"), "{said}");
    let wrong = lab.sweep(&["enqueue", &sweep, "--set", "x=2", "--set", "wait=4"]);
    let said = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(!wrong.status.success() && said.contains("--set:2:7"), "{said}");
    let (code, said) = lab.agent(&sweep, &["--slots", "1"]).wait();
    assert_eq!(code, Some(0), "{said}");
    let mut runs = lab.runs(&sweep);
    runs.sort_by_key(|run| run["trial"].as_u64());
    let xs: Vec<f64> = runs.iter().map(|run| run["params"]["x"].as_f64().unwrap()).collect();
    assert_eq!(xs[..4], [2.0, -0.5, 1.0, 0.5]);
    let replayed = lab.json(&["show", &sweep, "--replay", "--json"]);
    assert_eq!((&replayed["equal"], &replayed["different"]), (&6.into(), &Vec::<u8>::new().into()));
}
