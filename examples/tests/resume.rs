//! Tests a training whose node is killed twice, at random moments, and which resumes on another
//! node each time. It must end with the same bits in every weight, and with the same curve, as a
//! training without a kill.

#![allow(clippy::unwrap_used)]

use std::{
    thread,
    time::{Duration, Instant},
};

use proto::{
    dial::Dial,
    v1::{Checkpoint, RunRef},
};
use record::Value;
use serde_json::Value as Json;
use tests::{Lab, monotonic_ns, rows, wait_for};
use tokio::runtime::Runtime;

const EPOCHS: u32 = 8;

fn create(lab: &Lab) -> String {
    lab.create(&format!(
        "{{method: grid, metric: {{name: val/loss}}, command: ['{}'], parameters: {{dropout: \
        {{values: [0.2]}}, \
         optimizer: {{value: AdamW}}, hidden: {{value: 16}}, epochs: {{value: {EPOCHS}}}}}}}",
        env!("CARGO_BIN_EXE_mnist")
    ))
}

/// The step and the values of each epoch's row.
type Curve = Vec<(u64, Vec<(String, Value)>)>;

struct Asked {
    runtime: Runtime,
    dial: Dial,
}

impl Asked {
    fn new(lab: &Lab) -> Self {
        let runtime = Runtime::new().unwrap();
        let dial = runtime.block_on(async { Dial::new(&lab.address(), None).unwrap() });
        Self { runtime, dial }
    }

    fn newest(&self, run: &str) -> Option<Checkpoint> {
        let run = RunRef { run: run.to_owned() };
        let listed = self.runtime.block_on(self.dial.checkpoints().list(run)).unwrap().into_inner();
        listed.checkpoints.into_iter().next()
    }

    /// Returns the run's curve, and the attempts whose rows are part of it.
    fn curve(&self, run: &str) -> (Curve, Vec<u32>) {
        let mut rows = self.runtime.block_on(rows::history(&self.dial, run));
        rows.retain(|(_, row)| row.values.iter().any(|(key, _)| key == "val/loss"));
        let mut attempts: Vec<u32> = rows.iter().map(|(attempt, _)| *attempt).collect();
        attempts.dedup();
        (rows.into_iter().map(|(_, row)| (row.step, row.values)).collect(), attempts)
    }
}

/// Kills two nodes of a new training, each at a random moment up to `longest` after the first
/// checkpoint of its attempt. Returns the sweep, or nothing if the training was done before a kill.
fn killed_twice(lab: &mut Lab, asked: &Asked, last_step: u64, longest: Duration) -> Option<String> {
    let sweep = create(lab);
    let mut before = 0;
    for attempt in 1..=2 {
        let mut node = lab.agent(&sweep, &[]);
        let id = run(lab, &sweep)["id"].as_str().unwrap().to_owned();
        wait_for("a checkpoint of this attempt", || {
            asked.newest(&id).filter(|newest| newest.attempt == attempt && newest.step > before)
        });
        thread::sleep(longest.mul_f64((monotonic_ns() % 1000) as f64 / 1000.0));
        node.kill_with_trials();
        before = asked.newest(&id).unwrap().step;
        if before == last_step {
            return None;
        }
    }
    Some(sweep)
}

/// Waits until the only run of a sweep exists, and returns it.
fn run(lab: &Lab, sweep: &str) -> Json {
    wait_for("a run", || lab.runs(sweep).into_iter().next())
}

#[test]
fn a_training_that_loses_its_node_ends_with_the_same_bits() {
    let mut lab = Lab::with_controller();
    let asked = Asked::new(&lab);
    let (calm, begun) = (create(&lab), Instant::now());
    let (_, said) = lab.agent(&calm, &[]).wait();
    let whole = run(&lab, &calm);
    assert_eq!(whole["state"], "finished", "{said}");
    let epoch = begun.elapsed() / EPOCHS;

    // The time of the calm training includes the start of its program, which can be slow. A wait of
    // two such epochs can then outlast the training, so each try waits half as long.
    let last_step = asked.newest(whole["id"].as_str().unwrap()).unwrap().step;
    let sweep = (0..8)
        .find_map(|tries| killed_twice(&mut lab, &asked, last_step, epoch * 2 / (1 << tries)))
        .expect("one of eight trainings is killed twice before its end");
    let (_, said) = lab.agent(&sweep, &[]).wait();
    let resumed = run(&lab, &sweep);
    assert_eq!((&resumed["state"], &resumed["attempt"]), (&"finished".into(), &3.into()), "{said}");

    let [whole_id, id] = [&whole, &resumed].map(|run| run["id"].as_str().unwrap());
    let ((whole_curve, _), (curve, attempts)) = (asked.curve(whole_id), asked.curve(id));
    assert_eq!((curve.len() as u32, attempts), (EPOCHS, vec![1, 2, 3]));
    assert_eq!(curve, whole_curve);
    let [whole_end, end] = [whole_id, id].map(|run| asked.newest(run).unwrap());
    assert_eq!(
        (end.sha256, end.size),
        (whole_end.sha256, whole_end.size),
        "weights, moments and progress"
    );
    assert_eq!(resumed["value"], whole["value"]);
    for key in ["epoch", "train/loss", "val/loss", "val/accuracy", "test/accuracy"] {
        assert_eq!(resumed["summary"][key], whole["summary"][key], "{key}");
    }
}
