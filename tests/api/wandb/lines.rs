//! Lines that come again, processes that fall silent, and names that are unique in a project only.

use std::time::Duration;

use proto::v1::Block;
use serde_json::{Value, json};

use super::http::{Caller, lines};
use crate::lab::{Lab, pause};

/// The run of most tests, as addresses name it.
const RUN: &str = "home/p/r";

async fn losses(lab: &mut Lab, run: &str) -> Vec<(u64, f64)> {
    let blocks = lab.blocks(run, "history").await;
    let rows = blocks.iter().filter(|block| !block.fenced).flat_map(rows);
    rows.map(|row| match row.values[0].1 {
        record::Value::I64(loss) => (row.step, loss as f64),
        record::Value::F64(loss) => (row.step, loss),
        _ => panic!("{row:?}"),
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_come_again_are_stored_once() {
    let mut lab = Lab::start().await;
    let client = Caller::new(&lab, None);
    let made = client.upsert(json!({"name": "r", "modelName": "p", "entityName": "home"}));
    assert_eq!(made.json()["data"]["upsertBucket"]["inserted"], true, "{made:?}");
    let sent: [(u64, &[f64]); 4] =
        [(0, &[0.5, 1.5]), (0, &[0.5, 1.5]), (1, &[1.5, 2.5]), (3, &[3.5])];
    for (first, values) in sent {
        let answer = client.stream(RUN, lines(first, values));
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let expected = [(0, 0.5), (1, 1.5), (2, 2.5), (3, 3.5)];
    assert_eq!(losses(&mut lab, "r").await, expected);

    // A process that was replaced still sends its lines.
    let stray = client.stream(RUN, lines(2, &[7.5, 8.5]));
    assert_eq!(stray.status, 422, "{stray:?}");
    assert_eq!(losses(&mut lab, "r").await, expected);

    // A gap can only come from a controller that was restored from a backup. Nothing is refused.
    assert_eq!(client.stream(RUN, lines(9, &[9.5])).status, 200);
    assert_eq!(client.stream(RUN, lines(9, &[9.5, 10.5])).status, 200);
    assert_eq!(losses(&mut lab, "r").await[4..], [(9, 9.5), (10, 10.5)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_with_long_and_odd_values_may_come_again() {
    let lab = Lab::start().await;
    let client = Caller::new(&lab, None);
    client.upsert(json!({"name": "r", "modelName": "p"}));
    let long = "x".repeat(300 << 10);
    let line = format!(
        "{{\"_step\": 0, \"text\": \"{long}\", \"nan\": NaN, \"json\": {{\"_type\": \"big\", \
        \"of\": \"{long}\"}}, \"list\": [1, NaN], \"flag\": true, \"a\": {{\"b\": 1}}}}"
    );
    let body = json!({ "files": { "wandb-history.jsonl": { "offset": 0, "content": [line] } } });
    for _ in 0..2 {
        let answer = client.stream(RUN, body.clone());
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_of_the_console_that_changes_is_kept_in_both_forms() {
    let mut lab = Lab::start().await;
    let client = Caller::new(&lab, None);
    client.upsert(json!({"name": "r", "modelName": "p"}));
    let console = |offset: u64, content: &[&str]| {
        let log = json!({ "offset": offset, "content": content });
        json!({ "files": { "output.log": log } })
    };
    let forms: [(u64, &[&str]); 4] =
        [(0, &["start", " 10%"]), (0, &["start", " 10%"]), (1, &[" 90%", "end"]), (1, &[" 90%"])];
    for (offset, content) in forms {
        assert_eq!(client.stream(RUN, console(offset, content)).status, 200);
    }
    let blocks = lab.blocks("r", "console").await;
    let mut seen: Vec<(u64, String)> = blocks
        .iter()
        .flat_map(rows)
        .map(|row| match &row.values[0].1 {
            record::Value::Text(text) => (row.step, text.clone()),
            _ => panic!("{row:?}"),
        })
        .collect();
    seen.sort();
    let expected = [(0, "start"), (1, " 10%"), (1, " 90%"), (2, "end")];
    assert_eq!(seen, expected.map(|(step, text)| (step, text.to_owned())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_run_crashes_after_its_own_lease_and_comes_back_with_rows() {
    let change = |settings: &mut controller::settings::Settings| {
        settings.lease = Duration::from_millis(100);
        settings.foreign_lease = Duration::from_millis(1500);
    };
    let mut lab = Lab::with(change).await;
    let client = Caller::new(&lab, None);
    client.upsert(json!({"name": "r", "modelName": "p"}));
    pause(700).await;
    assert_eq!(lab.run("r").await.state, "running", "its lease is longer than that of agents");
    while lab.run("r").await.state == "running" {
        pause(50).await;
    }
    assert_eq!(lab.run("r").await.state, "crashed");
    assert_eq!(client.stream(RUN, lines(0, &[1.5])).status, 200);
    assert_eq!(lab.run("r").await.state, "running");
    let end = json!({ "complete": true, "exitcode": 1 });
    assert_eq!(client.stream(RUN, end).status, 200);
    assert_eq!(lab.run("r").await.state, "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_unique_in_its_project_only() {
    let mut lab = Lab::start().await;
    let client = Caller::new(&lab, None);
    let upsert = |project: &str, name: &str| {
        let made = client.upsert(json!({"name": name, "modelName": project}));
        assert_eq!(made.status, 200, "{made:?}");
        made.json()["data"]["upsertBucket"].clone()
    };
    for (project, loss) in [("one", 1.5), ("two", 2.5)] {
        let made = upsert(project, "same");
        assert_eq!((&made["inserted"], &made["bucket"]["name"]), (&json!(true), &json!("same")));
        client.stream(&format!("home/{project}/same"), lines(0, &[loss]));
    }
    assert_eq!(upsert("two", "same")["inserted"], false);
    let odd = upsert("one", "an odd.name");
    assert_eq!(odd["bucket"]["name"], "an odd.name");
    let query = "query($p: String) { project(name: $p, entityName: \"home\") \
        { run(name: \"same\") { name summaryMetrics historyTail } } }";
    for (project, loss) in [("one", 1.5), ("two", 2.5)] {
        let run = client.ask(query, json!({ "p": project })).json();
        let summary = run["data"]["project"]["run"]["summaryMetrics"].as_str().unwrap().to_owned();
        let summary: Value = serde_json::from_str(&summary).unwrap();
        assert_eq!((&summary["loss"], &summary["_step"]), (&json!(loss), &json!(0)));
    }
    assert_eq!(losses(&mut lab, "same").await, [(0, 1.5)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_share_a_run_have_lines_of_their_own() {
    let mut lab = Lab::start().await;
    let client = Caller::new(&lab, None);
    let shared = ["X-WANDB-USE-ASYNC-FILESTREAM: true"];
    let upsert = |process: &str| {
        let config = json!({"_wandb": {"value": {"e": {process: {}}}}}).to_string();
        let query = "mutation($c: JSONString) { upsertBucket(input: {name: \"r\", \
            modelName: \"p\", config: $c}) { inserted } }";
        let body = json!({ "query": query, "variables": { "c": config } }).to_string();
        client.send("POST", "/graphql", &shared, body.as_bytes())
    };
    for process in ["a", "b"] {
        assert_eq!(upsert(process).status, 200);
        let own = format!("X-WANDB-ASYNC-CLIENT-ID: {process}");
        for _ in 0..2 {
            let body = lines(0, &[if process == "a" { 1.5 } else { 2.5 }]).to_string();
            let path = format!("/files/{RUN}/file_stream");
            let sent = client.send("POST", &path, &[shared[0], &own], body.as_bytes());
            assert_eq!(sent.status, 200, "{sent:?}");
        }
    }
    // One process ends the run while the other one still changes its config.
    assert_eq!(client.stream(RUN, json!({"complete": true, "exitcode": 0})).status, 200);
    assert_eq!(upsert("b").status, 200);
    assert_eq!(losses(&mut lab, "r").await, [(0, 1.5), (0, 2.5)]);
    let run = lab.run("r").await;
    assert_eq!((run.state.as_str(), run.attempt), ("finished", 1));
}

fn rows(block: &Block) -> Vec<record::Row> {
    record::rows(&block.frames).unwrap()
}
