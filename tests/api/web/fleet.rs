//! Tests what the dashboard shows of agents: their slots and loads, what waits for them, and how
//! the best values of sweeps improved.

use proto::v1::{AgentGpu, AgentSlot, Change, Gauge};
use serde_json::json;
use tonic::Code;

use super::{get, problem, send, sent};
use crate::{
    lab::{Lab, RANDOM},
    wandb::http::Caller,
};

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_shows_its_slots_their_runs_and_the_load_of_its_gpus() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(&format!("{RANDOM}\nproject: digits\n")).await.id;
    let caller = Caller::new(&lab, None);
    let mut agent = lab.agent("one", &sweep);
    let start = agent.ask().await;
    agent.beat.free = 0;
    agent.heartbeat().await.unwrap();
    // An older agent says less, and is shown as well as it can be.
    let older = get(&caller, "/fleet")["agents"][0].clone();
    assert_eq!((&older["version"], &older["slot_list"]), (&json!(""), &json!([])));
    assert_eq!(older["held"][0]["id"], json!(start.run));

    let gpu = |index| AgentGpu { index, name: "H200".to_owned() };
    let slot = |index, run: &str| AgentSlot { gpus: vec![gpu(index)], run: run.to_owned() };
    agent.beat.version = "1.2.3".to_owned();
    agent.beat.slots = 2;
    agent.beat.slot_list = vec![slot(0, &start.run), slot(3, "")];
    let gauge = |name: &str, value| Gauge { name: name.to_owned(), value };
    agent.beat.gauges = vec![
        gauge("system.cpu_percent", 12.5),
        gauge("system.gpu.3.gpu", 94.0),
        gauge("system.gpu.3.temp", f64::NAN),
        gauge("system.gpu.7.gpu", 1.0),
    ];
    agent.heartbeat().await.unwrap();
    let shown = get(&caller, "/fleet")["agents"][0].clone();
    assert_eq!((&shown["version"], &shown["cpu_percent"]), (&json!("1.2.3"), &json!(12.5)));
    assert_eq!(shown["memory_percent"], json!(null));
    let slots = json!([{ "gpus": [0], "run": start.run }, { "gpus": [3], "run": null }]);
    assert_eq!(shown["slot_list"], slots);
    let held = &shown["held"][0];
    assert_eq!((&held["team"], &held["project"]), (&json!("home"), &json!("digits")));
    let gpus = shown["gpus"].as_array().unwrap();
    let loads: Vec<_> = gpus.iter().map(|gpu| (&gpu["index"], &gpu["busy_percent"])).collect();
    // The GPU 7 belongs to no slot of this agent.
    assert_eq!(loads, [(&json!(0), &json!(null)), (&json!(3), &json!(94.0))]);
    assert_eq!(gpus[1]["celsius"], json!(null), "a gauge may be no number");

    agent.beat.gauges = vec![gauge("system.cpu_percent", 1.0); 1001];
    let refused = agent.heartbeat().await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    lab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_says_why_its_trials_wait() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(&format!("{RANDOM}\nproject: digits\nrun_cap: 3\n")).await.id;
    let caller = Caller::new(&lab, None);
    let waiting = || {
        let found = get(&caller, "/fleet")["waiting"].clone();
        found.as_array().unwrap().first().cloned().unwrap_or_default()
    };
    let alone = waiting();
    assert_eq!((&alone["queued"], &alone["to_create"]), (&json!(0), &json!(3)));
    assert_eq!((&alone["why"], &alone["is_stuck"]), (&json!("no agent serves it"), &json!(true)));
    assert_eq!(alone["advice"], format!("start `agent {sweep}` on a machine"));
    let attention = get(&caller, "/overview")["attention"].clone();
    assert_eq!(attention[0]["kind"], "unserved");
    assert_eq!(attention[0]["text"], "the sweep waits, because no agent serves it");
    assert_eq!(
        (&attention[0]["advice"], &attention[0]["sweep"]),
        (&alone["advice"], &json!(sweep))
    );

    let mut agent = lab.agent("one", &sweep);
    let start = agent.ask().await;
    agent.beat.free = 0;
    agent.heartbeat().await.unwrap();
    let busy = waiting();
    assert_eq!((&busy["why"], &busy["to_create"]), (&json!("its only slot is busy"), &json!(2)));
    assert_eq!(get(&caller, "/overview")["attention"], json!([]));
    lab.change(&sweep, Change::Pause).await.unwrap();
    let paused = waiting();
    assert!(paused["why"].as_str().unwrap().contains("paused"), "{paused}");
    lab.change(&sweep, Change::Stop).await.unwrap();
    assert_eq!(waiting(), json!(null), "a stopped sweep wants nothing");
    agent.end(&start, "finished").await.unwrap();
    lab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_best_value_of_a_sweep_climbs_over_its_ended_trials() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(&format!("{RANDOM}\nproject: digits\nrun_cap: 5\n")).await.id;
    let mut agent = lab.agent("one", &sweep);
    let mut runs = Vec::new();
    for value in [0.9, 0.5, 0.7] {
        runs.push(agent.trial(value).await.run);
    }
    let failed = agent.ask().await;
    agent.log(&failed, 0, "val/loss", &[0.1]).await.unwrap();
    agent.end(&failed, "failed").await.unwrap();
    runs.push(agent.trial(0.4).await.run);
    let caller = Caller::new(&lab, None);
    let empty = lab.create(&format!("{RANDOM}\nproject: digits\n")).await.id;
    let body = json!({ "sweeps": [empty, sweep] });
    let found = sent(&caller, "POST", "/climbs", &body)["climbs"].clone();
    assert_eq!((&found[0]["steps"], &found[0]["best_config"]), (&json!([]), &json!(null)));
    let steps = found[1]["steps"].as_array().unwrap();
    let told: Vec<_> =
        steps.iter().map(|step| (&step["at"]["trials"], &step["value"], &step["run"])).collect();
    let expected = [(1, 0.9, &runs[0]), (2, 0.5, &runs[1]), (5, 0.4, &runs[3])];
    let expected = expected.map(|(at, value, run)| (json!(at), json!(value), json!(run)));
    assert_eq!(told, expected.each_ref().map(|(at, value, run)| (at, value, run)));
    assert_eq!(found[1]["end"]["trials"], 5);
    assert!(found[1]["best_config"]["lr"].is_number(), "{found}");
    let many: Vec<_> = (0..51).map(|number| format!("s{number}")).collect();
    problem(&send(&caller, "POST", "/climbs", &json!({ "sweeps": many }).to_string()), 400);
    problem(&send(&caller, "POST", "/climbs", r#"{"sweeps": ["none1234"]}"#), 404);
    lab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_shows_every_attempt_with_its_agent_and_its_end() {
    let mut lab = Lab::start().await;
    let yaml = format!("{RANDOM}\nproject: digits\nretry: {{error: 1}}\n");
    let sweep = lab.create(&yaml).await.id;
    let mut agent = lab.agent("one", &sweep);
    let first = agent.ask().await;
    agent.log(&first, 0, "val/loss", &[2.0]).await.unwrap();
    agent.fail(&first, "error", 100).await.unwrap();
    let mut other = lab.agent("two", &sweep);
    let again = other.ask().await;
    assert_eq!((&again.run, again.attempt), (&first.run, 2));
    other.log(&again, 0, "val/loss", &[1.0]).await.unwrap();
    let caller = Caller::new(&lab, None);
    let found = get(&caller, &format!("/sweeps/{sweep}/attempts"))["attempts"].clone();
    let attempts = found.as_array().unwrap();
    let told = |at: usize| {
        let attempt = &attempts[at];
        ["number", "agent", "state", "class"].map(|key| attempt[key].clone())
    };
    assert_eq!(told(0), [json!(1), json!("one"), json!("failed"), json!("error")]);
    assert_eq!(told(1), [json!(2), json!("two"), json!("running"), json!(null)]);
    assert_eq!((attempts.len(), &attempts[1]["to_ms"]), (2, &json!(null)));
    assert!(attempts[0]["from_ms"].as_i64() <= attempts[0]["to_ms"].as_i64(), "{found}");
    assert!(attempts[0]["to_ms"].as_i64() <= attempts[1]["from_ms"].as_i64(), "{found}");
    lab.shutdown().await;
}
