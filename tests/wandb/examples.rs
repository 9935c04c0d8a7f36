//! The example scripts in examples/python.

use std::fs;

use tests::Lab;

use crate::{
    client::{environment, python, run, said},
    sweeps::wandb,
};

/// Copies the scripts into the lab's folder, where the client may also write.
fn copied(lab: &Lab) {
    let from = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/python");
    let to = lab.dir().join("examples/python");
    fs::create_dir_all(&to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_file() {
            fs::copy(&entry, to.join(entry.file_name().unwrap())).unwrap();
        }
    }
}

#[test]
fn the_example_scripts_run_alone_and_in_sweeps() {
    let lab = Lab::with_controller();
    copied(&lab);
    run(python(&lab).arg("examples/python/train.py"));
    let model = lab.json(&["artifact", "show", "bars/bars", "--json"]);
    assert_eq!(model["files"][0]["path"], "weights.npy", "{model:#}");
    run(python(&lab).arg("examples/python/functions.py"));

    let yaml = fs::read_to_string(lab.dir().join("examples/python/sweep.yaml")).unwrap();
    let sweep = lab.create(&yaml);
    let mut agent = wandb(&lab, &["agent", "--count", "2", &format!("home/bars/{sweep}")]);
    run(&mut agent);
    let mut agent = lab.command("agent");
    let output = environment(&lab, &mut agent).args([&sweep, "--slots", "2"]).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let runs = lab.runs(&sweep);
    let is_good = |run: &serde_json::Value| run["state"] == "finished" && run["value"].is_f64();
    assert!(runs.len() == 8 && runs.iter().all(is_good), "{runs:#?}");
}
