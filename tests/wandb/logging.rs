//! A run that the client logs is a run like any other.

use std::fs;

use serde_json::json;
use tests::Lab;

use crate::client::{history, run, said, script, shown};

#[test]
fn a_training_script_logs_a_run_like_any_other() {
    let lab = Lab::with_controller();
    run(&mut script(&lab, "train.py"));

    let view = shown(&lab, "first");
    let facts = ["state", "project", "name", "group", "job_type", "notes", "tags"];
    let facts: Vec<_> = facts.iter().map(|fact| view[fact].clone()).collect();
    let expected =
        json!(["finished", "digits", "my first run", "tries", "train", "a try", ["baseline"]]);
    assert_eq!(json!(facts), expected, "{view:#}");
    assert_eq!(view["params"], json!({"lr": 0.1, "model": {"layers": 2}, "seed": 7}));
    let summary = &view["summary"];
    assert_eq!(summary["verdict"], "good", "{summary:#}");
    assert_eq!(summary["loss.min"], json!(1.0 / 90.0), "{summary:#}");
    assert_eq!(summary["val.acc"], 0.99, "{summary:#}");
    assert_eq!(summary["odder"], "Infinity", "{summary:#}");
    assert!(view["code"]["command"].as_str().unwrap().contains("train.py"), "{view:#}");

    let rows = history(&lab, "first");
    assert_eq!(rows.len(), 101);
    let row = &rows[41];
    assert_eq!((&row["step"], &row["values"]["val.acc"]), (&json!(41), &json!(0.41)));
    assert_eq!(rows[100]["values"]["odd"], "NaN");

    let logs = String::from_utf8(lab.sweep(&["logs", "first"]).stdout).unwrap();
    assert_eq!(logs.matches("training begins").count(), 1, "{logs}");
    assert_eq!(logs.matches("a warning").count(), 1, "{logs}");
    let files = lab.json(&["run", "files", "first", "--json"]).to_string();
    for path in ["weights.txt", "requirements.txt", "wandb-metadata.json"] {
        assert!(files.contains(path), "{files}");
    }
    let fetched = lab.sweep(&["run", "files", "first", "--get", "weights.txt", "--to", "copy"]);
    assert!(fetched.status.success(), "{}", said(&fetched));
    let copy = fs::read_to_string(lab.dir().join("copy/weights.txt")).unwrap();
    assert_eq!(copy, "1 2 3");
}
