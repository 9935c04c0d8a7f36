//! Kills trainers that log files. Every file that a call accepted reaches the controller. The agent
//! sends the files of a trial, and `sweep sync` sends the files of a run outside sweeps.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use record::Value;
use tests::{Lab, program, rows, wait_for};

/// The number of steps before the first kill. If the first kill is the controller's, the trainer
/// makes the same number of further steps before it is killed.
const STEPS: u64 = 50;

/// The file in which the program `sdk_files` reports its progress.
struct Side(PathBuf);

impl Side {
    fn new(lab: &Lab) -> Self {
        Self(lab.dir().join("side"))
    }

    fn lines(&self) -> Vec<String> {
        fs::read_to_string(&self.0).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// Returns the trainer's process and run.
    fn who(&self) -> (String, String) {
        let lines = self.lines();
        let (process, run) = lines[0].split_once(' ').unwrap();
        (process.to_owned(), run.to_owned())
    }

    /// Returns the number of steps whose files were accepted.
    fn steps(&self) -> u64 {
        self.lines().len().saturating_sub(1) as u64
    }

    fn wait(&self, steps: u64) {
        wait_for("files to be logged", || (self.steps() >= steps).then_some(()));
    }

    /// Kills the trainer. If `away`, the controller is killed first, and the trainer logs without
    /// it.
    fn kill(&self, lab: &mut Lab, away: bool) {
        self.wait(STEPS);
        if away {
            lab.kill_controller();
            self.wait(self.steps() + STEPS);
        }
        let killed = Command::new("kill").args(["-KILL", &self.who().0]).status().unwrap();
        assert!(killed.success());
    }
}

/// Checks that the files and versions of the first `steps` steps can be downloaded and are right.
/// No picture that a row names may be missing.
fn has_all(lab: &Lab, run: &str, steps: u64) {
    let target = lab.dir().join("downloads");
    let to = target.display().to_string();
    let got = lab.sweep(&["run", "files", run, "--get", "*", "--to", &to]);
    assert!(got.status.success(), "{got:?}");
    for step in 0..steps {
        let model = fs::read_to_string(target.join(format!("models/{step}.txt"))).ok();
        assert_eq!(model, Some(format!("step {step}")), "the last of {steps} steps was taken");
    }
    let is_picture = |path: &Path| path.extension().is_some_and(|name| name == "png");
    let pictures = fs::read_dir(target.join("media/images")).unwrap();
    let pictures =
        pictures.filter(|entry| is_picture(&entry.as_ref().unwrap().path())).count() as u64;
    assert!(pictures >= steps, "{pictures} pictures of {steps} steps");
    for version in 0..steps.div_ceil(10) {
        let (name, to) = (format!("checkpoint:v{version}"), target.join(format!("v{version}")));
        let got = lab.sweep(&["artifact", "get", &name, "--to", &to.display().to_string()]);
        assert!(got.status.success(), "{got:?}");
        let model = fs::read_to_string(to.join("model.txt")).unwrap();
        assert_eq!(
            model,
            format!("step {}", 10 * version),
            "versions in the order of the steps, each once"
        );
    }
    let history = rows::read(lab, run, "history");
    assert!(!history.is_empty());
    for row in history {
        let Value::Json(picture) = &row.values[0].1 else { panic!("{row:?}") };
        let picture: serde_json::Value = serde_json::from_str(picture).unwrap();
        assert!(target.join(picture["path"].as_str().unwrap()).exists(), "{picture}");
    }
}

#[test]
fn a_killed_trial_leaves_its_files_to_its_agent() {
    for away in [false, true] {
        let mut lab = Lab::with_controller();
        let side = Side::new(&lab);
        let sweep = lab.create(&format!(
            "{{method: grid, metric: {{name: loss}}, parameters: {{x: {{values: [1]}}}}, command: \
            ['{}', '{}']}}",
            program("sdk_files").display(),
            side.0.display()
        ));
        let agent = lab.agent(&sweep, &[]);
        let data = agent.data.clone();
        side.kill(&mut lab, away);
        let steps = side.steps();
        if away {
            lab.start_controller();
        }
        let (_, said) = agent.wait();
        let run = lab.runs(&sweep).remove(0);
        assert_eq!((&run["state"], &run["attempt"]), (&"failed".into(), &1.into()), "{run} {said}");
        has_all(&lab, &side.who().1, steps);
        assert!(
            !data.join("runs").join(side.who().1).exists(),
            "files that were sent are not kept: {said}"
        );
    }
}

#[test]
fn a_killed_run_outside_a_sweep_is_synced_with_its_files() {
    for away in [false, true] {
        let mut lab = Lab::with_controller();
        let side = Side::new(&lab);
        let data = lab.dir().join("trainer");
        let mut trainer =
            lab.command("sdk_files").arg(&side.0).env("BESOM_DATA", &data).spawn().unwrap();
        side.kill(&mut lab, away);
        trainer.wait().unwrap();
        if away {
            lab.start_controller();
        }
        let (_, run) = side.who();
        let folder = data.join("runs").join(&run).join("1").display().to_string();
        for _ in 0..2 {
            let synced = lab.json(&["sync", &folder, "--json"]);
            assert_eq!(
                (&synced[0]["run"], &synced[0]["state"]),
                (&run.as_str().into(), &"crashed".into())
            );
            has_all(&lab, &run, side.steps());
        }
    }
}
