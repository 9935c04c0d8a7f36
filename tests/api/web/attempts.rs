//! Tests the attempts of a run and its checkpoints over the dashboard's API, the retry of a trial,
//! and the place of a moment in the console.

use proto::v1::{AgentGpu, AgentSlot, ResumeRun};
use record::{Row, Value, Writer, checkpoint::CheckpointRow};
use serde_json::json;

use super::{ask, get, problem, send, sent};
use crate::{
    lab::{Lab, RANDOM},
    wandb::http::Caller,
};

fn frames(rows: &[Row]) -> Vec<u8> {
    let mut out = Vec::new();
    Writer::default().frame(rows, &mut out);
    out
}

/// Lines that were printed at these times.
fn lines(times: std::ops::Range<i64>) -> Vec<Row> {
    times
        .map(|ms| {
            let values = vec![("stdout".to_owned(), Value::Text(format!("at {ms}")))];
            Row { step: 0, wall_ms: ms, values }
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_attempt_says_how_it_ended_and_where_its_lines_are() {
    let mut lab = Lab::start().await;
    let yaml = format!("{RANDOM}\nretry: {{lost: 3}}\n");
    let sweep = lab.create(&yaml).await.id;
    let mut agent = lab.agent("a", &sweep);
    let first = agent.ask().await;
    agent.append(&first, "console", 0, frames(&lines(100..103))).await.unwrap();
    let content = b"weights";
    let hashed = lab.put(None, content).await;
    let (sha256, size) = (hashed.sha256, hashed.size);
    let row = CheckpointRow { step: 7, sha256, size, history: 0, summary: 0 };
    let values = row.values().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let row = Row { step: 0, wall_ms: 0, values };
    agent.append(&first, "files", 0, frames(&[row])).await.unwrap();
    let caller = Caller::new(&lab, None);
    let run = format!("/runs/{}", first.run);
    let found = get(&caller, &format!("{run}/attempts"));
    let attempt = &found["attempts"][0];
    assert_eq!((&attempt["number"], &attempt["ended"]), (&json!(1), &json!(false)));
    assert!(attempt["began_ms"].is_i64() && attempt["ended_ms"].is_null(), "{attempt}");
    let made = &found["checkpoints"][0];
    assert_eq!((&made["step"], &made["size"], &made["kept"]), (&json!(7), &json!(7), &json!(true)));
    let file = ask(&caller, &format!("{run}/checkpoints/{}", made["key"]));
    assert_eq!((file.status, &file.body[..]), (200, &content[..]));
    assert!(file.head.contains("checkpoint-7.bin"), "{}", file.head);
    problem(&ask(&caller, &format!("{run}/checkpoints/999")), 404);
    agent.reborn();
    let second = agent.ask().await;
    let resume = ResumeRun {
        run: second.run.clone(),
        attempt: second.attempt,
        checkpoint: made["key"].as_u64().unwrap(),
    };
    lab.dial(None).checkpoints().resume(resume).await.unwrap();
    agent.append(&second, "console", 0, frames(&lines(200..205))).await.unwrap();
    let found = get(&caller, &format!("{run}/attempts"));
    let [one, two] = [0, 1].map(|at| found["attempts"][at].clone());
    assert_eq!((&one["class"], &one["ended"]), (&json!("lost"), &json!(true)));
    assert!(!one["message"].as_str().unwrap().is_empty());
    assert_eq!((&two["ended"], &two["resumed_step"]), (&json!(false), &json!(7)));
    assert_eq!(two["resumed_from"], made["key"]);
    let console = |asked: &str| get(&caller, &format!("{run}/console?{asked}"));
    let total = console("limit=1")["total"].clone();
    assert_eq!(two["first_line"].as_u64().unwrap() + 5, total.as_u64().unwrap());
    // The line of a moment, and the first line behind a moment without one.
    for (ms, text) in [(202, "at 202"), (150, "at 200"), (0, "at ")] {
        let found = console(&format!("at_ms={ms}&limit=1"));
        assert!(found["lines"][0]["text"].as_str().unwrap().starts_with(text), "{found}");
    }
    assert_eq!(console("at_ms=999")["lines"], json!([]));
    problem(&ask(&caller, &format!("{run}/console?at_ms=1&after=1")), 400);
    lab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_attempt_keeps_its_slot_and_its_exit_code() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(&format!("{RANDOM}\nretry: {{error: 1}}\n")).await.id;
    let mut agent = lab.agent("a", &sweep);
    let first = agent.ask().await;
    let gpu = |index| AgentGpu { index, name: "H200".to_owned() };
    let free = AgentSlot { gpus: vec![gpu(3)], run: String::new() };
    let taken = AgentSlot { gpus: vec![gpu(4), gpu(5)], run: first.run.clone() };
    agent.beat.slot_list = vec![free, taken];
    agent.heartbeat().await.unwrap();
    agent.fail(&first, "error", 0).await.unwrap();
    agent.beat.slot_list.clear();
    let second = agent.ask().await;
    assert_eq!((&second.run, second.attempt), (&first.run, 2));
    let caller = Caller::new(&lab, None);
    let found = get(&caller, &format!("/runs/{}/attempts", first.run));
    let [one, two] = [0, 1].map(|at| found["attempts"][at].clone());
    let gpus = json!([{ "index": 4, "name": "H200" }, { "index": 5, "name": "H200" }]);
    assert_eq!(one["slot"], json!({ "place": 1, "gpus": gpus }));
    assert_eq!((&one["class"], &one["exit_code"]), (&json!("error"), &json!(2)));
    // The agent of the second attempt did not say its slots.
    assert_eq!((&two["slot"], &two["exit_code"]), (&json!(null), &json!(null)));
    lab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trial_is_queued_again() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await.id;
    let mut agent = lab.agent("a", &sweep);
    let start = agent.ask().await;
    let caller = Caller::new(&lab, None);
    let run = format!("/runs/{}", start.run);
    problem(&send(&caller, "POST", &format!("{run}/retry"), ""), 409);
    agent.fail(&start, "error", 0).await.unwrap();
    let again = sent(&caller, "POST", &format!("{run}/retry"), &json!({}));
    assert_eq!(again["state"], "queued");
    problem(&send(&caller, "POST", "/runs/none/retry", ""), 404);
    lab.shutdown().await;
}
