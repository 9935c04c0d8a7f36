//! Tests the SDK against a real controller, without the program `agent`: functions as trials, and
//! runs outside sweeps.

use std::collections::BTreeMap;

use tests::Lab;

#[test]
fn functions_run_as_trials() {
    let lab = Lab::with_controller();
    let sweep =
        lab.create("{method: grid, metric: {name: loss}, parameters: {x: {min: 1, max: 4}}}");
    let worked = lab.command("sdk_functions").arg(&sweep).output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&worked.stdout),
        "4\n",
        "{}",
        String::from_utf8_lossy(&worked.stderr)
    );
    assert_eq!(lab.state(&sweep), "finished");
    let runs = lab.runs(&sweep);
    let ends: BTreeMap<i64, (&str, Option<f64>)> = runs
        .iter()
        .map(|run| {
            let x = run["params"]["x"].as_i64().unwrap();
            (x, (run["state"].as_str().unwrap(), run["value"].as_f64()))
        })
        .collect();
    assert_eq!(ends[&1], ("finished", Some(0.0)));
    assert_eq!(ends[&3].0, "failed");
    assert!(
        runs[2]["outcome"]["message"].as_str().unwrap().contains("three is too much"),
        "{}",
        runs[2]
    );
}

#[test]
fn a_run_outside_a_sweep_is_logged() {
    let lab = Lab::with_controller();
    let logged = lab.command("sdk_functions").output().unwrap();
    let id = String::from_utf8(logged.stdout).unwrap();
    let run = lab.json(&["show", id.trim(), "--json"]);
    assert_eq!(run["state"], "finished", "{run}");
    assert_eq!(run["project"], "alone");
    assert_eq!(run["params"]["x"], 2);
    assert_eq!(run["rows"], 2);
    assert_eq!(run["summary"]["loss"], "NaN", "the last value stays as it was");
    assert_eq!(run["summary"]["verdict"], "fine");
}
