//! Tests lists of sweeps, one sweep with everything, and what people do to a sweep.

use serde_json::json;

use super::{ask, get, problem, send, sent};
use crate::{
    lab::{GRID, Lab, RANDOM},
    wandb::http::Caller,
};

const SPACE: &str = "
method: random
program: train
seed: 18446744073709551615
name: many
project: digits
metric: {name: acc, goal: maximize, target: 0.9}
early_terminate: {type: hyperband, min_iter: 3}
constraints: [{metric: latency, max: 5}]
parameters:
  lr: {distribution: log_uniform_values, min: 1.0e-4, max: 1.0e-1}
  layers: {min: 1, max: 4}
  optimizer: {parameters: {name: {values: [adam, sgd]}}}
  epochs: {value: 3}
";

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_shows_its_space_and_its_best_run() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(SPACE).await.id;
    let caller = Caller::new(&lab, None);
    let shown = get(&caller, &format!("/sweeps/{sweep}"));
    for (key, value) in [
        ("name", json!("many")),
        ("project", json!("digits")),
        ("state", json!("pending")),
        ("metric", json!("acc")),
        ("maximize", json!(true)),
        ("target", json!(0.9)),
        ("seed", json!("18446744073709551615")),
        ("limits", json!([{ "metric": "latency", "min": null, "max": 5.0 }])),
        ("best_run", json!(null)),
    ] {
        assert_eq!(shown[key], value, "{key}");
    }
    let parameters = shown["parameters"].as_array().unwrap();
    let near = |value: &serde_json::Value, wanted: f64| {
        (value.as_f64().unwrap() / wanted - 1.0).abs() < 1e-9
    };
    assert!(near(&parameters[0]["low"], 1e-4) && near(&parameters[0]["high"], 1e-1));
    assert_eq!(
        (&parameters[0]["kind"], &parameters[0]["scale"]),
        (&json!("number"), &json!("log"))
    );
    let parameter = |kind: &str, low, high, values| {
        json!({
            "kind": kind, "scale": "linear", "low": low, "high": high, "values": values
        })
    };
    for (at, name, mut expected) in [
        (1, "layers", parameter("integer", json!(1.0), json!(4.0), json!([]))),
        (
            2,
            "optimizer.name",
            parameter("categorical", json!(null), json!(null), json!(["adam", "sgd"])),
        ),
        (3, "epochs", parameter("constant", json!(null), json!(null), json!([3]))),
    ] {
        expected["name"] = json!(name);
        assert_eq!(parameters[at], expected);
    }
    problem(&ask(&caller, "/sweeps/none1234"), 404);
    lab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sweeps_of_a_project_are_paged_and_take_orders() {
    let mut lab = Lab::start().await;
    let caller = Caller::new(&lab, None);
    let mut ids = Vec::new();
    for yaml in [RANDOM, GRID, RANDOM] {
        ids.insert(0, lab.create(&format!("{yaml}\nproject: digits\n")).await.id);
    }
    lab.create(&format!("{GRID}\nproject: other\n")).await;
    let team = "home";
    let list = |query: &str| get(&caller, &format!("/projects/{team}/digits/sweeps{query}"));
    let of = |found: &serde_json::Value| {
        let sweeps = found["sweeps"].as_array().unwrap().iter();
        sweeps.map(|sweep| sweep["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let all = list("");
    assert_eq!((of(&all), &all["total"]), (ids.clone(), &json!(3)));
    let page = list("?from=1&limit=1");
    assert_eq!((of(&page), &page["total"]), (vec![ids[1].clone()], &json!(3)));
    assert_eq!(page["sweeps"][0]["trials_bound"], 12);

    let path = format!("/sweeps/{}", ids[0]);
    let act = |deed: &str| sent(&caller, "POST", &format!("{path}/{deed}"), &json!({}));
    assert_eq!(act("pause")["state"], "paused");
    assert_eq!(act("resume")["state"], "running");
    let mut agent = lab.agent("one", &ids[0]);
    let start = agent.ask().await;
    agent.fail(&start, "diverged", 100).await.unwrap();
    let before = get(&caller, &path);
    assert_eq!(before["counts"]["failed"], 1, "{before}");
    assert_eq!(act("retry")["counts"]["queued"], 1);
    assert_eq!(act("cancel")["state"], "cancelled");
    let refused = problem(&send(&caller, "POST", &format!("{path}/pause"), ""), 409);
    assert!(refused.contains("cancelled"), "{refused}");
    problem(&send(&caller, "POST", &format!("{path}/explode"), ""), 404);
    lab.shutdown().await;
}
