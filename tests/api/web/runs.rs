//! Tests tables of runs, one run with everything, and edits of a run.

use proto::v1::BeginRun;
use serde_json::{Value, json};

use super::{Table, ask, get, problem, send, sent};
use crate::{
    lab::{Lab, RANDOM},
    wandb::http::Caller,
};

/// Begins a run with this name and config, and logs this loss.
async fn run(lab: &mut Lab, name: &str, config: Value, loss: f64) -> String {
    let begin = BeginRun {
        project: "digits".to_owned(),
        name: name.to_owned(),
        tags: vec!["new".to_owned()],
        config_json: config.to_string(),
        ..BeginRun::default()
    };
    let run = lab.runs.begin(begin).await.unwrap().into_inner().run;
    let append = proto::v1::AppendRows {
        run: run.clone(),
        attempt: 1,
        writer: "sdk".to_owned(),
        stream: "history".to_owned(),
        offset: 0,
        frames: crate::lab::frames(0, "loss", &[loss]),
    };
    lab.runs.append(append).await.unwrap();
    run
}

/// Begins three runs of the project `digits`.
pub(super) async fn filled() -> (Lab, Caller, [String; 3]) {
    let mut lab = Lab::start().await;
    let config = |lr: f64, name: &str| json!({ "lr": lr, "net": { "kind": name } });
    let one = run(&mut lab, "Alpha", config(0.1, "cnn"), 3.0).await;
    let two = run(&mut lab, "beta", config(0.01, "mlp"), 1.0).await;
    let three = run(&mut lab, "gamma", json!({ "lr": 0.001 }), f64::NAN).await;
    let caller = Caller::new(&lab, None);
    (lab, caller, [one, two, three])
}

fn names(found: &Value) -> Vec<&str> {
    found["runs"].as_array().unwrap().iter().map(|run| run["name"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_filtered_searched_sorted_and_paged() {
    let (lab, caller, _) = filled().await;
    let team = "home";
    let path = format!("/projects/{team}/digits/runs");
    let ask_for = |query: &str| get(&caller, &format!("{path}?{query}"));
    assert_eq!(names(&ask_for("")), ["gamma", "beta", "Alpha"]);
    let found = ask_for("filter=config.lr%3C0.05&filter=summary.loss%3C2");
    assert_eq!((names(&found), &found["total"]), (vec!["beta"], &json!(1)));
    assert_eq!(names(&ask_for("sort=summary.loss")), ["beta", "Alpha", "gamma"]);
    assert_eq!(names(&ask_for("sort=-config.lr&limit=2")), ["Alpha", "beta"]);
    assert_eq!(names(&ask_for("sort=-config.lr&from=2")), ["gamma"]);
    assert_eq!(names(&ask_for("search=ALPH")), ["Alpha"]);
    let found = ask_for("field=config.net.kind&field=summary.loss&search=alpha");
    let row = &found["runs"][0];
    assert_eq!(row["config"], json!({ "net.kind": "cnn" }));
    assert_eq!(row["summary"], json!({ "loss": 3.0 }));
    let whole = ask_for("search=alpha");
    assert_eq!(whole["runs"][0]["config"], json!({ "lr": 0.1, "net": { "kind": "cnn" } }));
    let wrong = problem(&ask(&caller, &format!("{path}?filter=lr%3C1")), 400);
    assert!(wrong.contains("config.lr"), "{wrong}");
    problem(&ask(&caller, &format!("{path}?limit=many")), 400);
    problem(&ask(&caller, &format!("/projects/{team}/nothing/runs")), 404);
    lab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_all_runs_comes_in_binary_columns() {
    let (lab, caller, ids) = filled().await;
    let columns = ["id", "config.lr", "config.net.kind", "summary.loss", "created_ms", "tags"];
    let body = json!({ "columns": columns, "sort": ["-config.lr"] });
    let team = "home";
    let table = Table::of(&caller, &format!("/projects/{team}/digits/columns"), &body);
    assert_eq!(table.head["rows"], 3);
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(table.texts("id"), ids.map(Some));
    assert_eq!(table.numbers("config.lr"), [0.1, 0.01, 0.001]);
    assert_eq!(table.texts("config.net.kind"), [some("cnn"), some("mlp"), None]);
    let loss = table.numbers("summary.loss");
    assert!(loss[..2] == [3.0, 1.0] && loss[2].is_nan(), "{loss:?}");
    assert!(table.numbers("created_ms").iter().all(|ms| *ms > 1.5e12));
    assert_eq!(table.texts("tags"), [some("new"), some("new"), some("new")]);
    let path = format!("/projects/{team}/digits/columns");
    let wrong = problem(&send(&caller, "POST", &path, r#"{"columns": ["lr"]}"#), 400);
    assert!(wrong.contains("config.lr"), "{wrong}");
    problem(&send(&caller, "POST", &path, r#"{"colums": []}"#), 400);
    problem(&send(&caller, "POST", &path, "{"), 400);
    lab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_shows_everything_and_takes_edits_and_a_stop() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(&format!("{RANDOM}\nproject: digits\n")).await.id;
    let mut agent = lab.agent("one", &sweep);
    let start = agent.ask().await;
    agent.log(&start, 0, "val/loss", &[2.0, 1.0]).await.unwrap();
    let caller = Caller::new(&lab, None);
    let path = format!("/runs/{}", start.run);
    let run = get(&caller, &path);
    for (key, value) in [
        ("sweep", json!(sweep)),
        ("trial", json!(0)),
        ("state", json!("running")),
        ("value", json!(1.0)),
        ("rows", json!(2)),
        ("sweep_metric", json!("val/loss")),
        ("summary", json!({ "val/loss": 1.0 })),
        ("stop_wanted", json!(false)),
        ("outcome", json!(null)),
        ("failures", json!([])),
    ] {
        assert_eq!(run[key], value, "{key}");
    }
    let lr = run["config"]["lr"].clone();
    let edit =
        json!({ "name": "best", "tags": ["a"], "notes": "n", "config": { "lr": 7, "b": 1 } });
    let edited = sent(&caller, "PATCH", &path, &edit);
    assert_eq!((&edited["name"], &edited["tags"]), (&json!("best"), &json!(["a"])));
    // The parameters stay as the search chose them.
    assert_eq!(edited["config"], json!({ "lr": lr, "b": 1 }));
    assert_eq!(edited["added_config"], json!({ "b": 1 }));
    assert_eq!(edited["attempt"], 1, "an edit begins no attempt");
    let wrong = problem(&send(&caller, "PATCH", &path, r#"{"state": "finished"}"#), 400);
    assert!(wrong.contains("state"), "{wrong}");
    assert_eq!(sent(&caller, "POST", &format!("{path}/stop"), &json!({}))["stop_wanted"], true);
    let keys = get(&caller, &format!("{path}/keys"));
    let expected = json!([{ "name": "val/loss", "kind": "number", "runs": 1 }]);
    assert_eq!((&keys["history"], &keys["system"]), (&expected, &json!([])));
    problem(&ask(&caller, "/runs/none"), 404);
    lab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_names_the_values_that_its_runs_have() {
    let (lab, caller, _) = filled().await;
    let team = "home";
    let keys = get(&caller, &format!("/projects/{team}/digits/keys"));
    let key =
        |name: &str, kind: &str, runs: u32| json!({ "name": name, "kind": kind, "runs": runs });
    assert_eq!(keys["config"], json!([key("lr", "number", 3), key("net.kind", "text", 2)]));
    assert_eq!(keys["history"], json!([key("loss", "number", 3)]));
    assert_eq!(keys["summary"], keys["history"]);
    assert_eq!(keys["goals"], json!({}));
    lab.shutdown().await;
}
