//! Tests curves of many runs over one list of x.

use proto::v1::{AppendRows, BeginRun};
use record::{Row, Value, Writer};
use serde_json::json;

use super::{Table, problem, send};
use crate::{lab::Lab, wandb::http::Caller};

/// A row: the step, the time and the values.
pub(super) type Logged<'a> = (u64, i64, &'a [(&'a str, f64)]);

/// Begins a run and logs these rows.
pub(super) async fn run(lab: &mut Lab, stream: &str, rows: &[Logged<'_>]) -> String {
    let run = lab.runs.begin(BeginRun::default()).await.unwrap().into_inner().run;
    let row = |(step, wall_ms, values): &Logged<'_>| Row {
        step: *step,
        wall_ms: *wall_ms,
        values: values.iter().map(|(key, value)| ((*key).to_owned(), Value::F64(*value))).collect(),
    };
    let mut frames = Vec::new();
    Writer::default().frame(&rows.iter().map(row).collect::<Vec<_>>(), &mut frames);
    let append = AppendRows {
        run: run.clone(),
        attempt: 1,
        writer: "sdk".to_owned(),
        stream: stream.to_owned(),
        offset: 0,
        frames,
    };
    lab.runs.append(append).await.unwrap();
    run
}

/// Compares numbers of which some are NaN.
pub(super) fn same(found: &[f64], expected: &[f64]) {
    let equal = |(one, other): (&f64, &f64)| one == other || (one.is_nan() && other.is_nan());
    let all = found.len() == expected.len() && found.iter().zip(expected).all(equal);
    assert!(all, "{found:?}, not {expected:?}");
}

const GAP: f64 = f64::NAN;

#[tokio::test(flavor = "multi_thread")]
async fn curves_of_several_runs_share_their_x() {
    let mut lab = Lab::start().await;
    let one = run(
        &mut lab,
        "history",
        &[
            (0, 100, &[("loss", 4.0), ("epoch", 0.0)]),
            (1, 200, &[("loss", 3.0)]),
            (2, 300, &[("loss", f64::NAN), ("epoch", 1.0)]),
            (3, 400, &[("loss", 2.0)]),
        ],
    )
    .await;
    let two = run(&mut lab, "history", &[(2, 150, &[("loss", 9.0), ("epoch", 2.0)])]).await;
    let caller = Caller::new(&lab, None);
    let ask = |body: serde_json::Value| Table::of(&caller, "/series", &body);
    let runs = [&one, &two];
    // Every step has a bucket of its own.
    let found = ask(json!({ "runs": runs, "keys": ["loss", "epoch"], "x": "step" }));
    assert_eq!(found.head["rows"], 4);
    same(&found.numbers("x"), &[0.0, 1.0, 2.0, 3.0]);
    same(&found.numbers("0.last"), &[4.0, 3.0, GAP, 2.0]);
    same(&found.numbers("1.last"), &[0.0, GAP, 1.0, GAP]);
    same(&found.numbers("2.last"), &[GAP, GAP, 9.0, GAP]);
    let extra = &found.head["extra"];
    assert_eq!((&extra["from"], &extra["to"]), (&json!(0.0), &json!(3.0)));
    assert_eq!(extra["series"][0], json!({ "run": one, "key": "loss", "odd": [1, 0, 0] }));
    assert_eq!(extra["series"][3]["run"], json!(two));
    // Two buckets sum their values up.
    let found = ask(json!({ "runs": runs, "keys": ["loss"], "x": "step", "buckets": 2 }));
    same(&found.numbers("x"), &[1.0, 3.0]);
    same(&found.numbers("0.last"), &[3.0, 2.0]);
    same(&found.numbers("0.min"), &[3.0, 2.0]);
    same(&found.numbers("0.max"), &[4.0, 2.0]);
    same(&found.numbers("1.max"), &[GAP, 9.0]);
    // A part of the steps has the same buckets for all.
    let part = json!({ "runs": runs, "keys": ["loss"], "x": "step", "from": 1, "to": 2 });
    let found = ask(part);
    same(&found.numbers("x"), &[1.0, 2.0]);
    same(&found.numbers("1.last"), &[GAP, 9.0]);
    let found = ask(json!({ "runs": runs, "keys": ["loss"], "x": "time" }));
    same(&found.numbers("x"), &[100.0, 150.0, 200.0, 300.0, 400.0]);
    same(&found.numbers("1.last"), &[GAP, 9.0, GAP, GAP, GAP]);
    let found = ask(json!({ "runs": runs, "keys": ["loss"], "x": "metric:epoch" }));
    same(&found.numbers("x"), &[0.0, 1.0, 2.0]);
    same(&found.numbers("0.last"), &[4.0, GAP, GAP]);
    same(&found.numbers("1.last"), &[GAP, GAP, 9.0]);
    lab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn curves_without_points_and_wrong_questions_are_answered() {
    let mut lab = Lab::start().await;
    let one = run(&mut lab, "history", &[(5, 1, &[("loss", 1.0)])]).await;
    let system = run(&mut lab, "system", &[(0, 7, &[("cpu", 0.5)])]).await;
    let caller = Caller::new(&lab, None);
    let ask = |body: serde_json::Value| Table::of(&caller, "/series", &body);
    let found = ask(json!({ "runs": [one], "keys": ["nothing"], "x": "step" }));
    assert_eq!((&found.head["rows"], found.numbers("0.last")), (&json!(0), vec![]));
    assert_eq!(found.head["extra"]["from"], json!(null));
    let beyond = json!({ "runs": [one], "keys": ["loss"], "x": "step", "from": 6, "to": 9 });
    assert_eq!(ask(beyond).head["rows"], 0);
    let cpu = json!({ "runs": [system], "keys": ["cpu"], "x": "time", "system": true });
    same(&ask(cpu).numbers("0.last"), &[0.5]);
    let wrong = |body: serde_json::Value, status| {
        problem(&send(&caller, "POST", "/series", &body.to_string()), status)
    };
    wrong(json!({ "runs": [], "keys": ["loss"], "x": "step" }), 400);
    let many: Vec<String> = (0..51).map(|at| at.to_string()).collect();
    assert!(wrong(json!({ "runs": [one], "keys": many, "x": "step" }), 400).contains("51 keys"));
    wrong(json!({ "runs": [one], "keys": ["loss"], "x": "epoch" }), 400);
    wrong(json!({ "runs": [one], "keys": ["loss"], "x": "metric:" }), 400);
    wrong(json!({ "runs": [one], "keys": ["loss"], "x": "step", "from": 2, "to": 1 }), 400);
    wrong(json!({ "runs": [one, "none"], "keys": ["loss"], "x": "step" }), 404);
    lab.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_curves_get_wider_buckets_instead_of_more_memory() {
    let mut lab = Lab::with(|settings| settings.limits.pages.series_buckets = 8).await;
    let values: Vec<_> = (0..100).map(|step| (step, 1, [("loss", step as f64)])).collect();
    let rows: Vec<_> = values.iter().map(|(step, ms, all)| (*step, *ms, all.as_slice())).collect();
    let one = run(&mut lab, "history", &rows).await;
    let caller = Caller::new(&lab, None);
    let body = json!({ "runs": [one, one], "keys": ["loss"], "x": "step", "buckets": 50 });
    let found = Table::of(&caller, "/series", &body);
    assert!((2..=4).contains(&found.head["rows"].as_u64().unwrap()), "{}", found.head);
    assert_eq!(found.numbers("0.last").last(), Some(&99.0));
    same(&found.numbers("0.last"), &found.numbers("1.last"));
    lab.shutdown().await;
}
