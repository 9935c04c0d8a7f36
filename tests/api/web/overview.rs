//! Tests the first page: what runs now, and what needs a person.

use serde_json::json;

use super::get;
use crate::{
    lab::{Lab, RANDOM},
    wandb::http::Caller,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_overview_shows_what_runs_and_what_needs_a_person() {
    let mut lab = Lab::start().await;
    let caller = Caller::new(&lab, None);
    let empty = get(&caller, "/overview");
    assert_eq!((&empty["runs"], &empty["attention"]), (&json!([]), &json!([])));
    let sweep = lab.create(&format!("{RANDOM}\nproject: digits\n")).await.id;
    let mut agent = lab.agent("one", &sweep);
    let first = agent.ask().await;
    agent.log(&first, 0, "val/loss", &[2.0]).await.unwrap();
    agent.fail(&first, "diverged", 100).await.unwrap();
    let second = agent.ask().await;
    agent.log(&second, 0, "val/loss", &[1.0, f64::NAN]).await.unwrap();
    let found = get(&caller, "/overview");
    assert_eq!((&found["running"], &found["queued"]), (&json!(1), &json!(0)));
    assert_eq!(found["projects"][0]["name"], "digits");
    assert_eq!(found["sweeps"][0]["id"], json!(sweep));
    assert_eq!(
        (&found["runs"][0]["id"], &found["runs"][0]["config"]),
        (&json!(second.run), &json!({}))
    );
    let agent = &found["agents"][0];
    assert_eq!((&agent["name"], &agent["slots"]), (&json!("one"), &json!(1)));
    assert_eq!(get(&caller, "/fleet")["agents"][0]["host"], "lab");
    let attention = found["attention"].as_array().unwrap();
    let kinds: Vec<_> = attention.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["nan", "failed"], "{attention:?}");
    assert_eq!(attention[0]["text"], "the last value of `val/loss` is NaN");
    assert_eq!(
        (&attention[0]["run"], &attention[1]["run"]),
        (&json!(second.run), &json!(first.run))
    );
    assert!(attention[1]["text"].as_str().unwrap().contains("no data folder"), "{attention:?}");
    let spans = |query: &str| get(&caller, &format!("/fleet/timeline{query}"))["spans"].clone();
    let all = spans("");
    let runs: Vec<_> = all.as_array().unwrap().iter().map(|span| &span["run"]).collect();
    assert_eq!(runs, [&json!(second.run), &json!(first.run)]);
    assert_eq!((&all[0]["to_ms"], &all[1]["state"]), (&json!(null), &json!("failed")));
    let ended = all[1]["to_ms"].as_i64().unwrap();
    assert_eq!(spans(&format!("?from_ms={}", ended + 1))[0]["run"], json!(second.run));
    assert_eq!(spans("?from_ms=0&to_ms=1000"), json!([]));
    lab.shutdown().await;
}
