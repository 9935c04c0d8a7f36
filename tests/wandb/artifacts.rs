//! Artifacts that the client makes and uses are artifacts like any other.

use std::fs;

use besom::Artifact;
use serde_json::json;
use tests::Lab;

use crate::client::{run, script};

#[test]
fn collections_are_renamed_described_and_removed() {
    let lab = Lab::with_controller();
    run(&mut script(&lab, "collections.py"));
    let shown = lab.json(&["artifact", "show", "shelf/other:v0", "--json"]);
    assert_eq!((&shown["name"], &shown["version"]), (&json!("another"), &json!(0)), "{shown:#}");
}

#[test]
fn several_runs_make_one_artifact() {
    let lab = Lab::with_controller();
    run(&mut script(&lab, "together.py"));
    let shown = lab.json(&["artifact", "show", "together/parts:v0", "--json"]);
    assert_eq!(shown["files"].as_array().map(Vec::len), Some(4), "{shown:#}");
}

#[test]
fn the_client_makes_artifacts_and_uses_those_of_others() {
    let lab = Lab::with_controller();
    let init = besom::init().controller(lab.address()).dir(lab.dir().join("runs"));
    let of_sdk = init.project("art").start().unwrap();
    let mut model = Artifact::new("model", "model");
    model.set_metadata(&json!({"layers": 2}));
    model.add_bytes("weights.bin", *b"\x01\x02\x03");
    of_sdk.log_artifact(&model).unwrap().wait().unwrap();
    of_sdk.finish().unwrap();

    run(&mut script(&lab, "artifacts.py"));

    let shown = lab.json(&["artifact", "show", "art/data:best", "--json"]);
    assert_eq!(shown["description"], "the best", "{shown:#}");
    assert_eq!(shown["tags"], json!(["small", "checked"]), "{shown:#}");
    assert_eq!((&shown["made_by"], &shown["used_by"]), (&json!(["maker"]), &json!(["user"])));
    let far = lab.json(&["artifact", "show", "art/far:v1", "--json"]);
    let expected = json!([{"path": "far.csv", "reference": "https://example.org/far.csv",
        "digest": "2"}]);
    assert_eq!(far["files"], expected);
    assert!(lab.sweep(&["artifact", "get", "art/data:v0", "--to", "copy"]).status.success());
    assert_eq!(fs::read_to_string(lab.dir().join("copy/a.txt")).unwrap(), "one");
}
