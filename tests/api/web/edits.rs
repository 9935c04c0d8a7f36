//! Tests what people change about runs afterwards: values of the summary, and many runs at once.

use record::ids::HOME;
use serde_json::{Value, json};

use super::{Table, get, problem, runs::filled, send, sent};

/// The path of a list of the project, whose team is `home`.
fn path(list: &str) -> String {
    format!("/projects/{HOME}/digits/{list}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_summary_is_found_at_once_and_the_logged_value_stays() {
    let (lab, caller, [one, two, _]) = filled().await;
    let of_one = format!("/runs/{one}");
    let edit = json!({ "summary": { "loss": 0.25, "review.by": "ann" } });
    let edited = sent(&caller, "PATCH", &of_one, &edit);
    assert_eq!(edited["summary"], json!({ "loss": 0.25, "review.by": "ann" }));
    let edits = edited["edits"].as_array().unwrap();
    let of = |key: &str| edits.iter().find(|edit| edit["key"] == key).unwrap();
    assert_eq!(of("loss")["logged"], json!(3.0));
    assert_eq!(of("loss")["who"], json!("the administrator"));
    assert_eq!(of("review.by")["logged"], json!(null));
    let found = |filter: &str| {
        let answer = get(&caller, &format!("{}?filter={filter}", path("runs")));
        let runs = answer["runs"].as_array().unwrap().iter();
        runs.map(|run| run["id"].clone()).collect::<Vec<Value>>()
    };
    assert_eq!(found("summary.loss%3C0.5"), [json!(one)]);
    assert_eq!(found("summary.review.by=ann"), [json!(one)]);
    assert_eq!(found("summary.loss%3E2"), Vec::<Value>::new());
    let keys = get(&caller, &path("keys"));
    assert!(keys["summary"].as_array().unwrap().iter().any(|key| key["name"] == "review.by"));
    // A null brings the logged value back.
    let back = sent(&caller, "PATCH", &of_one, &json!({ "summary": { "loss": null } }));
    assert_eq!(back["summary"]["loss"], json!(3.0));
    assert_eq!(back["edits"].as_array().unwrap().len(), 1);
    let large = json!({ "summary": { "text": "x".repeat(70_000) } });
    problem(&send(&caller, "PATCH", &of_one, &large.to_string()), 400);
    assert_eq!(get(&caller, &format!("/runs/{two}"))["edits"], json!([]));
    lab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_runs_change_together_or_not_at_all() {
    let (lab, caller, [one, two, three]) = filled().await;
    let edit = |body: Value| send(&caller, "PATCH", "/runs", &body.to_string());
    let body = json!({
        "runs": [one, two], "add_tags": ["kept", "new"], "group": "night",
        "config": { "note": "rerun", "net": { "depth": 3 } }
    });
    assert_eq!(edit(body).status, 204);
    let run = get(&caller, &format!("/runs/{one}"));
    assert_eq!((&run["tags"], &run["group"]), (&json!(["new", "kept"]), &json!("night")));
    let config = json!({ "lr": 0.1, "net": { "kind": "cnn", "depth": 3 }, "note": "rerun" });
    assert_eq!(run["config"], config);
    assert_eq!(get(&caller, &format!("/runs/{three}"))["group"], "");
    let found =
        get(&caller, &format!("{}?filter=config.note=rerun&filter=tags=kept", path("runs")));
    assert_eq!(found["total"], 2);
    edit(json!({ "runs": [one, three], "remove_tags": ["new"] }));
    assert_eq!(get(&caller, &format!("/runs/{one}"))["tags"], json!(["kept"]));
    problem(&edit(json!({ "runs": [one, "none"], "group": "day" })), 404);
    assert_eq!(get(&caller, &format!("/runs/{one}"))["group"], "night");
    let many: Vec<String> = (0..501).map(|at| at.to_string()).collect();
    assert!(problem(&edit(json!({ "runs": many })), 400).contains("501 runs"));
    lab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_takes_sweeps_runs_a_limit_and_a_search_in_configs() {
    let (lab, caller, [one, two, _]) = filled().await;
    let path = &path("columns");
    let ids = |body: Value| {
        let table = Table::of(&caller, path, &body);
        let ids = table.texts("id").into_iter().flatten().collect::<Vec<_>>();
        (ids, table.head["extra"]["total"].as_u64().unwrap())
    };
    let sorted = json!({ "columns": ["id"], "sort": ["summary.loss.min"], "limit": 1 });
    assert_eq!(ids(sorted), (vec![two.clone()], 3));
    assert_eq!(ids(json!({ "columns": ["id"], "runs": [one] })), (vec![one.clone()], 1));
    assert_eq!(ids(json!({ "columns": ["id"], "search": "CNN alpha" })), (vec![one], 1));
    let none = Table::of(&caller, path, &json!({ "columns": ["id"], "sweeps": ["a", "b"] }));
    assert_eq!((&none.head["rows"], &none.head["extra"]["total"]), (&json!(0), &json!(0)));
    lab.shutdown().await;
}
