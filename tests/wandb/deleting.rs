//! What the client deletes: runs, their artifacts and their files.

use serde_json::Value as Json;
use tests::Lab;

use crate::client::{run, script, shown};

#[test]
fn the_client_deletes_runs_and_files() {
    let lab = Lab::with_controller();
    run(&mut script(&lab, "delete.py"));
    let Json::Array(bin) = lab.json(&["bin", "--json"]) else { panic!("the bin is a list") };
    let ids: Vec<&Json> = bin.iter().map(|entry| &entry["id"]).collect();
    assert_eq!(ids, ["three", "one"]);
    // The new run of the name `one` has an id of its own, so the deleted one can come back.
    let restored = lab.sweep(&["restore", "one"]);
    let said = String::from_utf8(restored.stderr).unwrap();
    assert!(said.contains("another run has its name"), "{said}");
    assert_eq!(shown(&lab, "one")["summary"]["loss"], 1.0);
    let Json::Array(runs) = lab.json(&["run", "ls", "--json"]) else { panic!("runs are a list") };
    let losses: Vec<_> = runs.iter().map(|run| run["summary"]["loss"].as_f64()).collect();
    assert_eq!(losses, [Some(2.0), None, Some(1.0)]);
}
