//! Kills the controller in the middle of a sweep: trials continue, and no logged row is missing.

use std::{thread::sleep, time::Duration};

use serde_json::Value;
use tests::{Lab, wait_for};

const STEPS: usize = 40;

/// Runs a sweep of `program`, which logs `loss` at steps 0 to 39, 20 ms apart, through two outages
/// of the controller.
fn survive(program: &str) -> (Lab, Vec<Value>) {
    let mut lab = Lab::with_controller();
    let sweep = lab.create(&format!(
        "
program: '{program}'
command: ['${{env}}', '${{program}}']
method: random
run_cap: 20
seed: 7
metric: {{name: loss, goal: minimize}}
parameters:
  x: {{min: 0.0, max: 1.0}}
"
    ));
    let agent = lab.agent(&sweep, &["--slots", "4"]);
    for finished in [4, 10] {
        wait_for("trials to finish", || {
            let runs = lab.runs(&sweep);
            let done = runs.iter().filter(|run| run["state"] == "finished").count();
            (done >= finished).then_some(())
        });
        lab.kill_controller();
        sleep(Duration::from_millis(700));
        lab.start_controller();
    }
    let (code, said) = agent.wait();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(lab.state(&sweep), "finished");
    let runs = lab.runs(&sweep);
    assert_eq!(runs.len(), 20);
    for run in &runs {
        assert_eq!(run["state"], "finished", "{run}");
        assert_eq!(run["attempt"], 1, "no attempt was lost: {run}");
        assert_eq!(run["rows"].as_u64(), Some(STEPS as u64), "every row is there, once: {run}");
        assert_eq!(run["summary"]["step"].as_u64(), Some(STEPS as u64 - 1), "{run}");
        let x = run["params"]["x"].as_f64().unwrap();
        assert_eq!(run["value"].as_f64(), Some(x), "the best of the history: {run}");
    }
    let numbers: Vec<&Value> = runs.iter().map(|run| &run["trial"]).collect();
    assert_eq!(numbers, (0..20).map(Value::from).collect::<Vec<_>>().iter().collect::<Vec<_>>());
    (lab, runs)
}

#[test]
fn programs_that_print_rows_lose_nothing() {
    let script = format!(
        r#"#!/usr/bin/env python3
import json, os, time
x = json.loads(os.environ["BESOM_PARAMS"])["x"]
for step in range({STEPS}):
    print(json.dumps({{"step": step, "loss": x + abs(step - 20)}}), flush=True)
    time.sleep(0.02)
"#
    );
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trial.py");
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    survive(&path.to_string_lossy());
}

#[test]
fn programs_with_the_sdk_lose_nothing() {
    let (lab, runs) = survive(&tests::program("sdk_trainer").to_string_lossy());
    for run in &runs {
        let id = run["id"].as_str().unwrap();
        let files = lab.json(&["run", "files", id, "--json"]);
        let kinds: Vec<&Value> =
            files.as_array().unwrap().iter().map(|file| &file["kind"]).collect();
        assert_eq!(kinds, ["image", "image", "image", "image", "file"], "{files}");
        let target = lab.dir().join("downloads").join(id);
        let got =
            lab.sweep(&["run", "files", id, "--get", "*", "--to", &target.display().to_string()]);
        assert!(got.status.success(), "{got:?}");
        let x = run["params"]["x"].as_f64().unwrap();
        assert_eq!(
            std::fs::read_to_string(target.join("models/last.txt")).unwrap(),
            format!("x = {x}")
        );
    }
}

/// A program that prints a row every 20 ms for about two seconds.
const PRINTER: &str = "for step in $(seq 0 99); do echo '{\"loss\": '$step'}'; sleep 0.02; done";

#[test]
fn an_agent_killed_during_an_outage_sends_everything_afterwards() {
    let mut lab = Lab::with_controller();
    lab.write("trial.sh", PRINTER);
    let sweep = lab.create(
        "{method: grid, metric: {name: loss}, parameters: {x: {values: [1, 2, 3]}}, command: [sh, \
        trial.sh]}",
    );
    let mut agent = lab.agent(&sweep, &["--slots", "3"]);
    let started =
        || lab.runs(&sweep).iter().filter(|run| run["rows"].as_u64() > Some(5)).count() == 3;
    wait_for("three trials to log", || started().then_some(()));
    lab.kill_controller();
    agent.kill();
    let agent = lab.agent_in(agent.data.clone(), &sweep, &["--slots", "3"]);
    let waits = || agent.said().contains("no answer from the controller").then_some(());
    wait_for("it to say what it waits for", waits);
    sleep(Duration::from_secs(2));
    lab.start_controller();
    let (code, said) = agent.wait();
    assert_eq!(code, Some(0), "{said}");
    for run in lab.runs(&sweep) {
        assert_eq!(run["state"], "finished", "{run}");
        assert_eq!((run["attempt"].as_u64(), run["rows"].as_u64()), (Some(1), Some(100)), "{run}");
    }
}
