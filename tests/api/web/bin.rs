//! Tests the bin over HTTP: what a deletion hides, what the bin lists, and what comes back.

use record::ids::HOME;
use serde_json::json;

use super::{ask, get, problem, send, sent};
use crate::{
    lab::{Lab, RANDOM},
    wandb::http::Caller,
};

#[tokio::test(flavor = "multi_thread")]
async fn deleted_runs_and_sweeps_are_in_the_bin_of_their_project_and_come_back() {
    let mut lab = Lab::start().await;
    let caller = Caller::new(&lab, None);
    let sweep = lab.create(&format!("{RANDOM}\nproject: digits\n")).await.id;
    let other = lab.create(&format!("{RANDOM}\nproject: faces\n")).await.id;
    let mut agent = lab.agent("one", &sweep);
    let start = agent.ask().await;
    let refused = send(&caller, "POST", "/bin/runs", &json!({ "runs": [start.run] }).to_string());
    assert!(problem(&refused, 409).contains("only a run that is over"));
    agent.log(&start, 0, "val/loss", &[1.0]).await.unwrap();
    agent.end(&start, "finished").await.unwrap();
    let deleted = sent(&caller, "POST", "/bin/runs", &json!({ "runs": [start.run] }));
    problem(&ask(&caller, &format!("/runs/{}", start.run)), 404);

    let bin = |project: &str| get(&caller, &format!("/projects/{HOME}/{project}/bin"));
    let item = &bin("digits")["items"][0];
    assert_eq!(
        (&item["kind"], &item["id"], &item["sweep"]),
        (&json!("run"), &json!(start.run), &json!(sweep))
    );
    assert_eq!(
        (&item["who"], &item["purge_ms"]),
        (&json!("the administrator"), &deleted["purge_ms"])
    );
    assert!(item["bytes"].as_u64().unwrap() > 0, "{item}");
    assert_eq!(bin("faces"), json!({ "items": [] }));

    let restored = sent(&caller, "POST", "/bin/restore", &json!({ "ids": [start.run] }));
    assert_eq!(restored, json!({ "items": [{ "id": start.run, "renamed": null }] }));
    assert_eq!(get(&caller, &format!("/runs/{}", start.run))["id"], json!(start.run));
    let storage = get(&caller, &format!("/runs/{}/storage", start.run));
    assert!(storage["rows"].as_u64().unwrap() > 0, "{storage}");
    assert_eq!((&storage["files"], &storage["checkpoints"]), (&json!(0), &json!(0)));

    problem(&send(&caller, "POST", &format!("/bin/sweeps/{other}"), ""), 409);
    sent(&caller, "POST", &format!("/sweeps/{other}/cancel"), &json!(null));
    sent(&caller, "POST", &format!("/bin/sweeps/{other}"), &json!(null));
    let item = &bin("faces")["items"][0];
    assert_eq!(
        (&item["kind"], &item["id"], &item["sweep"]),
        (&json!("sweep"), &json!(other), &json!(null))
    );
    sent(&caller, "POST", "/bin/restore", &json!({ "ids": [other] }));
    assert_eq!(get(&caller, &format!("/sweeps/{other}"))["id"], json!(other));
}
