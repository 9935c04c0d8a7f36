//! Runs the example `everything` with a real controller, and checks that each kind of value has
//! arrived there.

#![allow(clippy::unwrap_used)]

#[path = "../../sdk/tests/runs/real.rs"]
mod real;

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use proto::v1::RunRef;
use real::Real;
use record::Value;
use serde_json::Value as Json;

/// Returns the kind of a value: its type, or for a JSON object its `_type`.
fn kind(value: &Value) -> String {
    match value {
        Value::F64(_) => "float".to_owned(),
        Value::I64(_) | Value::U64(_) => "integer".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Text(_) => "text".to_owned(),
        Value::Json(text) => {
            serde_json::from_str::<Json>(text).unwrap()["_type"].as_str().unwrap().to_owned()
        }
    }
}

#[test]
fn every_kind_of_value_arrives() {
    let real = Real::start();
    let status = Command::new(env!("CARGO_BIN_EXE_everything"))
        .env("BESOM_CONTROLLER", real.url())
        .env("BESOM_DATA", real.dir())
        .status()
        .unwrap();
    assert!(status.success());
    let run = real.runs().remove(0);
    assert_eq!(
        (run.state.as_str(), run.name.as_str(), run.group.as_str()),
        ("finished", "everything", "examples")
    );
    history(&real, &run.id);
    around(&real, &run.id);
}

/// Checks that the history has values of the right kind under each key.
fn history(real: &Real, run: &str) {
    let mut kinds: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let rows = real.rows(run, "history");
    for (key, value) in rows.iter().flat_map(|(_, row)| &row.values) {
        kinds.entry(key.clone()).or_default().insert(kind(value));
    }
    let is = |key: &str, kind: &str| {
        assert!(kinds.get(key).is_some_and(|kinds| kinds.contains(kind)), "{key}: {kinds:?}")
    };
    for key in [
        "train/loss",
        "grad.norm",
        "grad.clipped",
        "lr/group0",
        "lr/group1",
        "val/loss",
        "val/noisy/accuracy",
        "val/class/7",
        "train/average",
        "checked/late",
    ] {
        is(key, "float");
    }
    for (key, kind) in [
        ("epoch", "integer"),
        ("is_warm", "bool"),
        ("phase", "text"),
        ("gradients/conv.weight", "histogram"),
        ("parameters/output.bias", "histogram"),
        ("losses", "histogram"),
        ("examples", "images"),
        ("predictions", "table-file"),
        ("filters", "video-file"),
        ("tone", "audio-file"),
        ("report", "html-file"),
    ] {
        is(key, kind);
    }
    let charts = kinds
        .iter()
        .filter(|(key, kinds)| key.starts_with("chart/") && kinds.contains("custom-chart"));
    assert_eq!(charts.count(), 8);
    let late = rows.iter().find(|(_, row)| row.values[0].0 == "checked/late").unwrap();
    assert!(late.1.step == 0 && matches!(late.1.values[0].1, Value::F64(value) if value.is_nan()));
}

/// Checks the summary, the config, the code, the system metrics, the files and the artifacts of the
/// run.
fn around(real: &Real, run: &str) {
    let summary = real.summary(run);
    for key in
        ["test/accuracy", "val/accuracy.best", "val/accuracy", "train/loss.min", "train/loss.mean"]
    {
        assert!(summary.contains_key(key), "{key}: {summary:?}");
    }
    assert_eq!(real.config(run)["train_images"], 5000);
    assert!(real.run(run).code_json.contains("\"command\""));
    assert!(!real.rows(run, "system").is_empty());
    let files: Vec<String> = real.files(run).into_iter().map(|(path, ..)| path).collect();
    for path in [
        "media/images/",
        "media/masks/",
        "media/tables/",
        "media/videos/",
        "media/audios/",
        "media/html/",
        "sweep.yaml",
    ] {
        assert!(files.iter().any(|file| file.starts_with(path)), "{path}: {files:?}");
    }
    let artifacts = real.block_on(async {
        let run = RunRef { run: run.to_owned() };
        let mut listed = real.dial().artifacts().of_run(run).await.unwrap().into_inner();
        let mut found = Vec::new();
        while let Some(one) = listed.message().await.unwrap() {
            found.push((one.made, one.artifact.unwrap().name));
        }
        found
    });
    let named = |made, name: &str| (made, name.to_owned());
    assert_eq!(
        artifacts,
        [named(true, "digits-test"), named(true, "digits"), named(false, "digits-test")]
    );
}
