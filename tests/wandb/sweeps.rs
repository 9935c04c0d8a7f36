//! Sweeps that W&B's client creates, and agents of W&B that work on them.

use std::{
    collections::BTreeSet,
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use tests::{Lab, wait_for};

use crate::client::{environment, python, run, said, script, shown};

/// Returns a command of W&B's command line.
pub(crate) fn wandb(lab: &Lab, args: &[&str]) -> Command {
    let mut command = python(lab);
    command.args(["-m", "wandb"]).args(args);
    command
}

/// Returns the values of the parameter `x` of all finished runs.
fn finished(lab: &Lab, sweep: &str) -> Vec<u64> {
    let runs = lab.runs(sweep);
    let is_finished = |run: &&Value| run["state"] == "finished";
    let mut all: Vec<u64> =
        runs.iter().filter(is_finished).map(|run| run["params"]["x"].as_u64().unwrap()).collect();
    all.sort_unstable();
    all
}

#[test]
fn a_function_is_swept() {
    let lab = Lab::with_controller();
    let told = run(&mut script(&lab, "function.py"));
    let sweep = told.lines().find_map(|line| line.strip_prefix("sweep ")).unwrap();
    let view = lab.json(&["show", sweep, "--json"]);
    assert_eq!(lab.state(sweep), "finished", "{view:#}");
    let runs = lab.runs(sweep);
    let values: BTreeSet<String> = runs.iter().map(|run| run["value"].to_string()).collect();
    assert_eq!(values, ["0.05", "0.1", "0.2"].map(str::to_owned).into(), "{runs:#?}");
    assert!(runs.iter().all(|run| run["state"] == "finished"), "{runs:#?}");
}

/// A sweep gets another name, has prior runs, and a run joins it without an agent.
#[test]
fn a_sweep_is_renamed_and_has_runs_that_are_no_trials() {
    let lab = Lab::with_controller();
    let output = script(&lab, "sweep_edits.py").output().unwrap();
    let told = said(&output);
    assert!(output.status.success() && !told.contains("Malformed sweep config"), "{told}");
    if told.contains("this client cannot rename a sweep") {
        // A client before 0.31.0.
        return;
    }
    let sweep = told.lines().find_map(|line| line.strip_prefix("sweep ")).unwrap();
    let view = &lab.json(&["show", sweep, "--json"])["sweep"];
    assert_eq!((&view["name"], &view["earlier_trials"]), (&"second".into(), &2.into()), "{view:#}");
    let nearest = (0.3_f64 - 0.25).powi(2);
    assert_eq!(view["repeats"], json!({"sweep": "", "value": nearest}), "{view:#}");
    assert!(lab.runs(sweep).is_empty(), "no run of the script is a trial");
    let note = shown(&lab, "astray")["note"].to_string();
    assert!(note.contains("the sweep `elsewher`, which `edits` does not have"), "{note}");
}

/// Agents of W&B and of Besom share a grid. The controller is killed meanwhile.
#[test]
fn both_kinds_of_agents_run_each_point_of_a_grid_once() {
    share_a_grid(Fleet { theirs: 2, ours: 1, points: 12, kills: 1 });
}

#[test]
#[ignore = "takes a quarter of an hour"]
fn a_fleet_of_both_kinds_of_agents_runs_each_point_of_a_grid_once() {
    for kills in [0, 3] {
        share_a_grid(Fleet { theirs: 8, ours: 2, points: 300, kills });
    }
}

/// Agents that share a grid.
struct Fleet {
    /// The number of W&B's agents.
    theirs: usize,
    /// The number of Besom's agents.
    ours: usize,
    points: u64,
    /// How often the controller is killed meanwhile.
    kills: u64,
}

fn share_a_grid(fleet: Fleet) {
    let Fleet { theirs, ours, points, kills } = fleet;
    let mut lab = Lab::with_controller();
    lab.write(
        "train.py",
        "import sys, wandb\nwith wandb.init() as run:\n    run.log({'loss': run.config.x})\n",
    );
    let grid = format!(
        "program: train.py\nmethod: grid\nproject: grids\nmetric: {{name: loss}}\n\
        parameters: {{x: {{min: 1, max: {points}}}}}\n"
    );
    lab.write("grid.yaml", &grid);
    let created = wandb(&lab, &["sweep", "grid.yaml"]).output().unwrap();
    assert!(created.status.success(), "{}", said(&created));
    let text = said(&created);
    let path = text.split("wandb agent ").nth(1).and_then(|rest| rest.split_whitespace().next());
    let path = path
        .unwrap_or_else(|| panic!("{text}"))
        .trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    let sweep = path.rsplit('/').next().unwrap().to_owned();
    let mut agents: Vec<_> = (0..theirs)
        .map(|_| {
            let mut agent = wandb(&lab, &["agent", path]);
            agent.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        })
        .collect();
    for number in 0..ours {
        let mut own = lab.command("agent");
        let state = format!("agent-{number}");
        environment(&lab, &mut own).args([path, "--slots", "1", "--data", &state]);
        agents.push(own.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    }
    for kill in 1..=kills {
        let enough = (points / (kills + 2) * kill) as usize;
        while finished(&lab, &sweep).len() < enough {
            std::thread::sleep(Duration::from_millis(200));
        }
        lab.kill_controller();
        lab.start_controller();
    }
    for agent in &mut agents {
        assert!(agent.wait().unwrap().success());
    }
    let runs = lab.runs(&sweep);
    assert_eq!(finished(&lab, &sweep), (1..=points).collect::<Vec<_>>(), "{runs:#?}");
    assert_eq!(runs.len() as u64, points);
    assert_eq!(lab.state(&sweep), "finished");
}

#[test]
fn wandb_changes_the_state_of_a_sweep() {
    let mut lab = Lab::with_controller();
    let sweep = lab.create(
        "{project: states, method: random, command: [sleep, '600'], \
            parameters: {x: {min: 0, max: 9}}}",
    );
    let agent = lab.agent(&sweep, &["--slots", "1"]);
    wait_for("a trial", || (lab.state(&sweep) == "running").then_some(()));
    let path = format!("home/states/{sweep}");
    for (flag, expected) in
        [("--pause", "paused"), ("--resume", "running"), ("--cancel", "cancelled")]
    {
        let changed = wandb(&lab, &["sweep", flag, &path]).output().unwrap();
        assert!(changed.status.success(), "{flag}: {}", said(&changed));
        assert_eq!(lab.state(&sweep), expected, "{flag}: {}", said(&changed));
    }
    agent.wait();
}
