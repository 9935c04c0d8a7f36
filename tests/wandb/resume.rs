//! Processes that go on with a run, and processes that log it anew.

use std::process::{Output, Stdio};

use serde_json::Value;
use tests::{Lab, wait_for};

use crate::client::{history, python, run, said, script, shown};

/// Returns the values of a run's history, after a check that the steps count up.
fn values(lab: &Lab, name: &str) -> Vec<u64> {
    let rows = history(lab, name);
    for (step, row) in rows.iter().enumerate() {
        assert_eq!(row["step"], step, "{row:#}");
    }
    rows.iter().map(|row| row["values"]["value"].as_u64().unwrap()).collect()
}

fn log(lab: &Lab, args: &[&str]) -> Output {
    script(lab, "steps.py").args(args).output().unwrap()
}

#[test]
fn a_resumed_run_goes_on_and_a_repeated_one_begins_anew() {
    let lab = Lab::with_controller();
    let first = log(&lab, &["again", "0", "30"]);
    assert!(first.status.success(), "{}", said(&first));
    let second = log(&lab, &["again", "30", "50", "must"]);
    assert!(second.status.success(), "{}", said(&second));
    assert_eq!(values(&lab, "again"), (0..50).collect::<Vec<_>>());
    let view = shown(&lab, "again");
    assert_eq!((&view["attempt"], &view["state"]), (&2.into(), &"finished".into()), "{view:#}");
    let logs = String::from_utf8(lab.sweep(&["logs", "again"]).stdout).unwrap();
    assert_eq!(logs.matches("logged from").count(), 2, "{logs}");

    // Without `resume`, the client logs the run again from its start.
    let third = log(&lab, &["again", "7", "17"]);
    assert!(third.status.success(), "{}", said(&third));
    assert_eq!(values(&lab, "again"), (7..17).collect::<Vec<_>>());
    assert_eq!(shown(&lab, "again")["summary"]["first"], 7);

    let refused = log(&lab, &["again", "0", "1", "never"]);
    assert!(!refused.status.success(), "{}", said(&refused));
    assert_eq!(values(&lab, "again").len(), 10);
    let missing = log(&lab, &["nowhere", "0", "1", "must"]);
    assert!(!missing.status.success(), "{}", said(&missing));
}

/// Logs to a run with a script that is killed, and then with another script. Returns the numbers of
/// rows before and after the second script, which logs 20.
fn kill_and_log(second: &[&str]) -> (usize, usize) {
    let lab = Lab::with_controller();
    let mut killed = script(&lab, "slow.py");
    killed.args(["killed", "100000"]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut killed = killed.spawn().unwrap();
    wait_for("rows", || (logged(&lab, "killed") > 0).then_some(()));
    killed.kill().unwrap();
    killed.wait().unwrap();
    let before = logged(&lab, "killed");
    // The run still counts as running.
    let second = log(&lab, second);
    assert!(second.status.success(), "{}", said(&second));
    (before, logged(&lab, "killed"))
}

#[test]
fn a_killed_script_is_resumed_at_once() {
    let (before, after) = kill_and_log(&["killed", "1000000", "1000020", "must"]);
    assert!(after >= before + 20, "{after} after {before}");
}

#[test]
fn a_killed_script_is_repeated_at_once() {
    let (_, after) = kill_and_log(&["killed", "1000000", "1000020"]);
    assert_eq!(after, 20);
}

fn logged(lab: &Lab, name: &str) -> usize {
    let output = lab.sweep(&["run", "history", name, "--json"]);
    let rows: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap_or_default();
    rows.len()
}

#[test]
fn a_script_that_fails_is_a_failed_run() {
    let lab = Lab::with_controller();
    let failing = "import wandb, sys; wandb.init(project='p', id='broken'); sys.exit(3)";
    let output = python(&lab).args(["-c", failing]).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let view = shown(&lab, "broken");
    assert_eq!(
        (&view["state"], &view["outcome"]["exit_code"]),
        (&"failed".into(), &3.into()),
        "{view:#}"
    );
}

#[test]
fn forks_and_rewinds_are_refused() {
    let lab = Lab::with_controller();
    run(&mut script(&lab, "forks.py"));
}
