//! Tests curves that sum up groups of runs.

use serde_json::json;

use super::{
    Table, problem, send,
    series::{run, same},
};
use crate::{lab::Lab, wandb::http::Caller};

#[tokio::test(flavor = "multi_thread")]
async fn a_group_of_runs_with_different_steps_has_one_curve() {
    let mut lab = Lab::start().await;
    let point = |step: u64, loss: f64| (step, step.cast_signed(), [("loss", loss)]);
    let often = (0..5).map(|step| point(step, step as f64)).collect();
    let seldom = vec![point(0, 4.0), point(4, 12.0)];
    let mut ids = Vec::new();
    for points in [often, seldom] as [Vec<_>; 2] {
        let rows: Vec<_> = points.iter().map(|(step, ms, all)| (*step, *ms, &all[..])).collect();
        ids.push(run(&mut lab, "history", &rows).await);
    }
    let caller = Caller::new(&lab, None);
    let ask = json!({ "groups": [ids, [ids[1]]], "keys": ["loss"], "x": "step" });
    let found = Table::of(&caller, "/series/groups", &ask);
    same(&found.numbers("x"), &[0.0, 1.0, 2.0, 3.0, 4.0]);
    same(&found.numbers("0.mean"), &[2.0, 3.5, 5.0, 6.5, 8.0]);
    same(&found.numbers("0.min"), &[0.0, 1.0, 2.0, 3.0, 4.0]);
    same(&found.numbers("0.max"), &[4.0, 6.0, 8.0, 10.0, 12.0]);
    same(&found.numbers("0.count"), &[2.0; 5]);
    same(&found.numbers("1.mean"), &[4.0, 6.0, 8.0, 10.0, 12.0]);
    same(&found.numbers("1.deviation"), &[0.0; 5]);
    let extra = &found.head["extra"];
    assert_eq!((&extra["from"], &extra["curves"]), (&json!(0.0), &json!(2)));
    let wrong = |body: serde_json::Value, status| {
        problem(&send(&caller, "POST", "/series/groups", &body.to_string()), status)
    };
    wrong(json!({ "groups": [], "keys": ["loss"], "x": "step" }), 400);
    wrong(json!({ "groups": [["none"]], "keys": ["loss"], "x": "step" }), 404);
    wrong(json!({ "groups": [ids], "keys": ["loss"], "x": "epoch" }), 400);
    lab.shutdown().await;
}
