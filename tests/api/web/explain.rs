//! Tests what the dashboard learns from the search of a sweep: shared explanations, the points that
//! come next, and the rungs.

use std::time::Duration;

use proto::v1::Start;
use serde_json::{Value, json};

use super::{ask, get, problem};
use crate::{
    lab::{FakeAgent, GRID, Lab, RANDOM},
    wandb::http::Caller,
};

fn two(method: &str) -> String {
    let yaml = RANDOM.replace("method: random", &format!("method: {method}"));
    format!("{yaml}  optimizer: {{values: [adam, sgd]}}\n")
}

fn parameters(start: &Start) -> Value {
    serde_json::from_str(&start.params_json).unwrap()
}

/// Runs trials whose loss depends only on `lr`: it is a valley with its minimum at 0.3.
async fn valley(agent: &mut FakeAgent, count: usize) {
    for _ in 0..count {
        let start = agent.ask().await;
        let value = (parameters(&start)["lr"].as_f64().unwrap() - 0.3).powi(2);
        agent.log(&start, 0, "val/loss", &[value]).await.unwrap();
        agent.end(&start, "finished").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_panels_share_one_explanation_that_is_renewed_after_some_trials() {
    let mut lab = Lab::with(|settings| settings.explain_every = Duration::from_secs(3600)).await;
    let sweep = lab.create(&two("random")).await.id;
    let caller = Caller::new(&lab, None);
    let path = format!("/sweeps/{sweep}/explain");
    let mut agent = lab.agent("one", &sweep);
    valley(&mut agent, 2).await;
    assert!(problem(&ask(&caller, &path), 409).contains("needs 4 trials"));
    valley(&mut agent, 18).await;

    let first = get(&caller, &path);
    assert_eq!((&first["ended"], &first["renews_in_ms"]), (&json!(20), &Value::Null));
    let predictions = first["predictions"].as_array().unwrap();
    assert_eq!(predictions.len(), 20);
    let covered = predictions.iter().filter(|one| one["covered"] == true).count();
    assert_eq!(json!(covered), first["covered"]);

    valley(&mut agent, 4).await;
    let again = get(&caller, &path);
    assert_eq!(again["ended"], 20, "a few trials do not renew it");
    assert!(again["renews_in_ms"].as_u64().unwrap() > 0);
    assert_eq!(again["importances"], first["importances"]);
    let pair = get(&caller, &format!("{path}?parameter=lr&parameter=optimizer"));
    assert_eq!((&pair["ended"], pair["surfaces"].as_array().unwrap().len()), (&json!(20), 1));

    valley(&mut agent, 1).await;
    assert_eq!(get(&caller, &path)["ended"], 25, "many trials do");
    lab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_explanation_is_renewed_after_some_time() {
    let mut lab = Lab::with(|settings| settings.explain_every = Duration::ZERO).await;
    let sweep = lab.create(&two("random")).await.id;
    let caller = Caller::new(&lab, None);
    let path = format!("/sweeps/{sweep}/explain");
    let mut agent = lab.agent("one", &sweep);
    for ended in [6, 7] {
        valley(&mut agent, if ended == 6 { 6 } else { 1 }).await;
        assert_eq!(get(&caller, &path)["ended"], ended);
    }
    let lines = get(&caller, &format!("/sweeps/{sweep}/individuals?parameter=lr"));
    assert_eq!((lines["at"].as_array().unwrap().len(), &lines["parameter"]), (33, &json!("lr")));
    let lines = lines["lines"].as_array().unwrap();
    assert_eq!(lines.len(), 7);
    assert!(lines.iter().all(|line| line["means"].as_array().unwrap().len() == 33));
    let unknown = ask(&caller, &format!("/sweeps/{sweep}/individuals?parameter=lrr"));
    assert!(problem(&unknown, 400).contains("no parameter `lrr`"));
    lab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_agents_get_the_points_that_the_dashboard_shows() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(&two("bayes")).await.id;
    let caller = Caller::new(&lab, None);
    let path = format!("/sweeps/{sweep}/proposals");
    let mut agent = lab.agent("one", &sweep);
    let first = get(&caller, &format!("{path}?count=1"))["proposals"][0].clone();
    assert_eq!((&first["origin"], &first["mean"]), (&json!("initial"), &Value::Null));
    valley(&mut agent, 9).await;
    let pending = agent.ask().await;

    let found = get(&caller, &format!("{path}?count=3"));
    assert_eq!((&found["ended"], &found["pending"]), (&json!(9), &json!(1)));
    let proposals = found["proposals"].as_array().unwrap();
    assert_eq!(proposals.len(), 3);
    for (proposal, trial) in proposals.iter().zip(10..) {
        assert_eq!((&proposal["trial"], &proposal["origin"]), (&json!(trial), &json!("model")));
        for number in ["mean", "deviation", "acquisition"] {
            assert!(proposal[number].is_f64(), "{proposal}");
        }
    }
    assert_eq!(get(&caller, &path)["proposals"].as_array().unwrap()[..3], proposals[..]);
    // Nothing has happened, so agents get these points, in this order.
    for proposal in proposals {
        let start = agent.ask().await;
        assert_eq!(parameters(&start), proposal["values"]);
    }
    let next = get(&caller, &path);
    assert_eq!((&next["pending"], &next["proposals"][0]["trial"]), (&json!(4), &json!(13)));
    agent.log(&pending, 0, "val/loss", &[0.2]).await.unwrap();
    agent.end(&pending, "finished").await.unwrap();
    let later = get(&caller, &path);
    let start = agent.ask().await;
    assert_eq!(parameters(&start), later["proposals"][0]["values"], "the new result counts");
    lab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn points_without_a_model_say_so_and_a_full_sweep_has_none() {
    let mut lab = Lab::start().await;
    let caller = Caller::new(&lab, None);
    let list =
        |sweep: &str, query: &str| get(&caller, &format!("/sweeps/{sweep}/proposals{query}"));
    for (yaml, origin, total) in
        [(two("random"), "random", 10), (two("sobol"), "sobol", 10), (GRID.to_owned(), "grid", 10)]
    {
        let sweep = lab.create(&yaml).await.id;
        let found = list(&sweep, "?count=100");
        let proposals = found["proposals"].as_array().unwrap().clone();
        assert_eq!((proposals.len(), &found["nothing"]), (total, &json!("")), "{origin}");
        let mut agent = lab.agent(origin, &sweep);
        for proposal in &proposals[..2] {
            assert_eq!((&proposal["origin"], &proposal["mean"]), (&json!(origin), &Value::Null));
            assert_eq!(parameters(&agent.ask().await), proposal["values"]);
        }
    }
    let capped = lab.create(&format!("{}run_cap: 2\n", two("random"))).await.id;
    assert_eq!(list(&capped, "")["proposals"].as_array().unwrap().len(), 2);
    let mut agent = lab.agent("capped", &capped);
    valley(&mut agent, 2).await;
    let none = list(&capped, "");
    assert_eq!((&none["proposals"], &none["nothing"]), (&json!([]), &json!("the sweep is over")));
    problem(&ask(&caller, "/sweeps/none1234/proposals"), 404);
    lab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rungs_list_who_went_on_and_curves_count_values() {
    let mut lab = Lab::start().await;
    let rule = "early_terminate: {type: hyperband, min_iter: 1, eta: 3}";
    let sweep = lab.create(&format!("{RANDOM}\n{rule}\n")).await.id;
    let caller = Caller::new(&lab, None);
    let path = format!("/sweeps/{sweep}/rungs");
    assert_eq!(get(&caller, &path), json!({ "rungs": [] }));
    let mut agent = lab.agent("one", &sweep);
    let mut runs = Vec::new();
    for values in [&[1.0, 0.9, 0.8, 0.7][..], &[2.0], &[0.5, f64::NAN, 0.4]] {
        let start = agent.ask().await;
        agent.log(&start, 0, "val/loss", values).await.unwrap();
        agent.end(&start, "finished").await.unwrap();
        runs.push(start.run);
    }
    let found = get(&caller, &path);
    assert_eq!(
        found["rungs"][0],
        json!({
            "iteration": 1, "threshold": 1.0, "went_on": [0, 2], "stopped": [1]
        })
    );
    assert_eq!(found["rungs"][1]["iteration"], 3);
    let asked = json!({ "runs": runs, "keys": ["val/loss"], "x": "count" });
    let series = super::Table::of(&caller, "/series", &asked);
    assert_eq!(series.numbers("x"), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(series.numbers("2.last")[..2], [0.5, 0.4], "a value that is not finite is none");
    problem(&ask(&caller, "/sweeps/none1234/rungs"), 404);
    lab.shutdown().await;
}
