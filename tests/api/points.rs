//! Tests the points that people want tried: every method tries them first, in their order, and each
//! suggestion can be computed again.

use std::collections::BTreeSet;

use proto::v1::{Change, EnqueuePoints, Enqueued, ReplayTrials, Run, Sweep};
use serde_json::{Value, json};
use tonic::{Code, Status};

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

async fn enqueue(lab: &mut Lab, sweep: &str, yaml: &str, key: &str) -> Result<Enqueued, Status> {
    let (sweep, yaml) = (sweep.to_owned(), yaml.to_owned());
    let (source, idempotency_key) = ("--set".to_owned(), key.to_owned());
    let points = EnqueuePoints { sweep, yaml, source, idempotency_key };
    lab.sweeps.enqueue(points).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn queued_points_come_next_in_their_order_after_a_restart_and_replay() {
    let mut lab = Lab::start().await;
    for method in ["grid", "random", "sobol", "bayes"] {
        let sweep = lab.create(&yaml(method)).await;
        let mut agent = lab.agent(method, &sweep.id);
        // The first point of the configuration is handed out, and the second one waits.
        trials(&mut lab, &mut agent, 1).await;
        let two = "- {a: 2, b: w}\n- {a: 1, b: y}\n";
        for _ in 0..2 {
            let queued = enqueue(&mut lab, &sweep.id, two, "once").await.unwrap();
            assert_eq!(queued.waiting, 2);
            assert_eq!(queued.points_json, [r#"{"a":2,"b":"w"}"#, r#"{"a":1,"b":"y"}"#]);
        }
        assert_eq!(lab.sweep(&sweep.id).await.queued_points, 2);
        trials(&mut lab, &mut agent, 1).await;
        lab.restart().await;
        let mut agent = lab.agent(&format!("{method}-2"), &sweep.id);
        trials(&mut lab, &mut agent, 3).await;
        let late = enqueue(&mut lab, &sweep.id, "{a: 3, b: z}", "").await;
        // The search may have tried this point itself.
        let is_queued = late.is_ok();
        trials(&mut lab, &mut agent, 4).await;
        let runs = lab.list(&sweep.id).await;
        let by_trial = |trial: u64| runs.iter().find(|run| run.trial == Some(trial)).unwrap();
        for (trial, point) in [
            (0, json!({"a": 3, "b": "y"})),
            (1, json!({"a": 2, "b": "w"})),
            (2, json!({"a": 1, "b": "y"})),
            (3, json!({"a": 1, "b": "z"})),
        ] {
            assert_eq!(config(by_trial(trial)), point, "{method} {trial}");
        }
        assert_eq!(origin(by_trial(1)), json!({"kind": "queued"}));
        assert_eq!(origin(by_trial(3)), json!({"kind": "listed", "index": 1}));
        if is_queued {
            assert_eq!(config(by_trial(5)), json!({"a": 3, "b": "z"}), "{method}");
        }
        if matches!(method, "grid" | "bayes") {
            let all: BTreeSet<String> = runs.iter().map(|run| config(run).to_string()).collect();
            assert_eq!(all.len(), 9, "{method}");
        }
        assert_eq!(lab.sweep(&sweep.id).await.queued_points, 0);
        replays(&mut lab, &sweep, 9).await;
    }
}

#[tokio::test]
async fn a_point_that_leaves_a_parameter_out_is_filled_without_a_model() {
    let mut lab = Lab::start().await;
    let wide = yaml("bayes").replace("a: {values: [1, 2, 3]}", "a: {min: 0.0, max: 1.0}");
    let sweep = lab.create(&wide.replace("a: 3", "a: 0.5")).await;
    let mut agent = lab.agent("one", &sweep.id);
    trials(&mut lab, &mut agent, 6).await;
    enqueue(&mut lab, &sweep.id, "a: 0.25\n", "").await.unwrap();
    enqueue(&mut lab, &sweep.id, "a: 0.25\n", "").await.unwrap();
    let runs = trials(&mut lab, &mut agent, 3).await;
    let kind = |run: &Run| origin(run)["kind"].as_str().unwrap().to_owned();
    let kinds: Vec<String> = runs.iter().map(kind).collect();
    assert_eq!(kinds, ["queued", "queued", "model"]);
    assert_eq!((&config(&runs[0])["a"], &config(&runs[1])["a"]), (&json!(0.25), &json!(0.25)));
    assert!(config(&runs[0])["b"].is_string());
    replays(&mut lab, &sweep, 9).await;
}

#[tokio::test]
async fn a_point_that_cannot_be_tried_is_refused_with_the_reason() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(&yaml("random")).await.id;
    let mut agent = lab.agent("one", &sweep);
    let tried = agent.trial(0.5).await.run;
    let refused = |status: Status| (status.code(), status.message().to_owned());
    let wrong = enqueue(&mut lab, &sweep, "a: 4\nc: 1\n", "").await.map_err(refused).unwrap_err();
    assert_eq!(wrong.0, Code::InvalidArgument);
    for part in ["--set:1:4", "`a` is never `4`", "--set:2:1", "no parameter is called `c`"] {
        assert!(wrong.1.contains(part), "{part}: {}", wrong.1);
    }
    enqueue(&mut lab, &sweep, "{a: 2, b: w}", "").await.unwrap();
    let many = "[{a: 1, b: w}, {a: 1, b: x}, {a: 2, b: x}, {a: 2, b: y}, {a: 2, b: z}, {a: 3, b: \
                x}, {a: 3, b: z}, {a: 3, b: w}]";
    for (point, why) in [
        ("{a: 3, b: y}", format!("was tried: it is run `{tried}`")),
        ("[{a: 1, b: x}, {a: 3, b: y}]", "point 2 {\"a\":3,\"b\":\"y\"} was tried".to_owned()),
        ("{a: 2, b: w}", "comes anyway: it waits in the queue".to_owned()),
        ("{a: 1, b: z}", "comes anyway: the configuration has it".to_owned()),
        (many, "has at most 9 trials, and room for 7 more points".to_owned()),
    ] {
        let found = enqueue(&mut lab, &sweep, point, "").await.map_err(refused).unwrap_err();
        assert_eq!(found.0, Code::FailedPrecondition, "{point}");
        assert!(found.1.contains(&why), "{}", found.1);
    }
    assert_eq!(lab.sweep(&sweep).await.queued_points, 1, "a refused call queues nothing");
    lab.change(&sweep, Change::Pause).await.unwrap();
    enqueue(&mut lab, &sweep, "{a: 1, b: w}", "").await.unwrap();
    lab.change(&sweep, Change::Cancel).await.unwrap();
    let over = enqueue(&mut lab, &sweep, "{a: 1, b: x}", "").await.map_err(refused).unwrap_err();
    assert_eq!(over.0, Code::FailedPrecondition);
    assert!(over.1.contains("gets no more trials: a user cancelled it"), "{}", over.1);
    let missing = enqueue(&mut lab, "none1234", "{a: 1}", "").await.unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
}
