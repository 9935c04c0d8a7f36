//! Tests the points that people want tried: every method tries them first, in their order, and each
//! suggestion can be computed again.

use proto::v1::{ReplayTrials, Run, Sweep};
use serde_json::{Value, json};

use crate::lab::{FakeAgent, Lab};

/// Returns a sweep with two points in its configuration.
fn yaml(method: &str) -> String {
    format!(
        "method: {method}\nprogram: train\nrun_cap: 9\nmetric: {{name: val/loss}}\npoints:\n  - \
         {{a: 3, b: y}}\n  - {{a: 1, b: z}}\nparameters:\n  a: {{values: [1, 2, 3]}}\n  b: \
         {{values: [w, x, y, z]}}\n"
    )
}

fn config(run: &Run) -> Value {
    serde_json::from_str(&run.config_json).unwrap()
}

fn origin(run: &Run) -> Value {
    let suggestion: Value = serde_json::from_str(&run.suggestion_json).unwrap();
    suggestion["origin"].clone()
}

/// Checks that every suggestion of a sweep comes out the same again.
async fn replays(lab: &mut Lab, sweep: &Sweep, trials: u64) {
    let all = ReplayTrials { sweep: sweep.id.clone(), trials: Vec::new() };
    let replayed = lab.sweeps.replay(all).await.unwrap().into_inner();
    assert_eq!((replayed.equal, replayed.different), (trials, vec![]));
}

/// Runs trials and returns them.
async fn trials(lab: &mut Lab, agent: &mut FakeAgent, count: u64) -> Vec<Run> {
    let mut all = Vec::new();
    for trial in 0..count {
        let start = agent.trial(0.5 + trial as f64).await;
        all.push(lab.run(&start.run).await);
    }
    all
}

#[tokio::test]
async fn every_method_tries_the_points_of_the_configuration_first() {
    let mut lab = Lab::start().await;
    for method in ["grid", "random", "sobol", "bayes"] {
        let sweep = lab.create(&yaml(method)).await;
        let mut agent = lab.agent(method, &sweep.id);
        let runs = trials(&mut lab, &mut agent, 9).await;
        assert_eq!(config(&runs[0]), json!({"a": 3, "b": "y"}), "{method}");
        assert_eq!(config(&runs[1]), json!({"a": 1, "b": "z"}), "{method}");
        for (index, run) in runs.iter().enumerate() {
            let is_listed = origin(run) == json!({"kind": "listed", "index": index});
            assert_eq!(is_listed, index < 2, "{method} {}", run.suggestion_json);
        }
        if matches!(method, "grid" | "bayes") {
            let again = runs[2..].iter().any(|run| config(run) == config(&runs[0]));
            assert!(!again, "{method}");
        }
        assert_eq!(lab.sweep(&sweep.id).await.state, "finished");
        replays(&mut lab, &sweep, 9).await;
    }
}
