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

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_extends_a_sweep_and_retries_chosen_trials() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(&format!("{RANDOM}\nrun_cap: 2\n")).await;
    let mut agent = lab.agent("one", &sweep.id);
    let mut failed = Vec::new();
    for _ in 0..2 {
        let start = agent.ask().await;
        agent.end(&start, "failed").await.unwrap();
        failed.push(start.run);
    }
    let caller = Caller::new(&lab, None);
    let path = format!("/sweeps/{}", sweep.id);
    let extended =
        sent(&caller, "POST", &format!("{path}/extend"), &json!({ "runs": 20, "key": "k" }));
    assert_eq!(extended["state"], "running");
    let caps = [&extended["run_cap"], &extended["raised_cap"], &extended["trials_bound"]];
    assert_eq!(caps, [&json!(2), &json!(22), &json!(22)]);
    let again =
        sent(&caller, "POST", &format!("{path}/extend"), &json!({ "runs": 20, "key": "k" }));
    assert_eq!(again["raised_cap"], 22);
    let wrong = problem(&send(&caller, "POST", &format!("{path}/extend"), ""), 400);
    assert!(wrong.contains("runs"), "{wrong}");
    problem(&send(&caller, "POST", &format!("{path}/extend"), r#"{"runs": 0}"#), 400);

    let one = sent(&caller, "POST", &format!("{path}/retry"), &json!({ "runs": [failed[1]] }));
    assert_eq!((&one["counts"]["queued"], &one["counts"]["failed"]), (&json!(1), &json!(1)));
    let rest = sent(&caller, "POST", &format!("{path}/retry"), &json!({}));
    assert_eq!((&rest["counts"]["queued"], &rest["counts"]["failed"]), (&json!(2), &json!(0)));
    let refused =
        problem(&send(&caller, "POST", &format!("{path}/retry"), r#"{"runs": ["x"]}"#), 404);
    assert!(refused.contains("`x`"), "{refused}");
    lab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_gets_every_problem_with_its_place_and_then_becomes_a_sweep() {
    let mut lab = Lab::start().await;
    lab.create(&format!("{RANDOM}\nproject: digits\n")).await;
    let caller = Caller::new(&lab, None);
    let team = "home";
    let path = format!("/projects/{team}/digits/sweeps");
    let ask = |body: serde_json::Value| sent(&caller, "POST", &path, &body);
    let wrong =
        "method: random\nprogram: p\nparameters:\n  lr: {min: 2, max: 1}\n  b: {}\nrun_cap: 0\n";
    let answer = ask(json!({ "yaml": wrong }));
    assert_eq!(answer["sweep"], json!(null));
    let problems = answer["problems"].as_array().unwrap();
    let errors: Vec<_> = problems.iter().filter(|one| one["severity"] == "error").collect();
    assert!(errors.len() >= 3, "{answer}");
    let cap = errors.iter().find(|one| one["text"] == "run_cap: 0").unwrap();
    assert_eq!((&cap["line"], &cap["first"], &cap["last"]), (&json!(6), &json!(10), &json!(10)));

    let yaml = format!("{RANDOM}\nname: copy\nproject: elsewhere\n");
    let only = ask(json!({ "yaml": yaml, "check": true }));
    assert_eq!((&only["sweep"], &only["problems"]), (&json!(null), &json!([])));
    let made = ask(json!({ "yaml": yaml, "key": "once" }));
    // The project of the address counts, not that of the configuration.
    assert_eq!(
        (&made["sweep"]["name"], &made["sweep"]["project"]),
        (&json!("copy"), &json!("digits"))
    );
    assert_eq!(made["sweep"]["yaml"], yaml);
    let again = ask(json!({ "yaml": yaml, "key": "once" }));
    assert_eq!(again["sweep"]["id"], made["sweep"]["id"]);
    assert_eq!(get(&caller, &path)["total"], 2);
    lab.shutdown().await;
}
