//! Runs that the client has logged without a controller: `sweep import wandb` and `wandb sync`
//! bring the same rows and files.

use serde_json::Value;
use tests::Lab;

use crate::{
    client::{history, run, script, shown},
    sweeps::wandb,
};

/// Returns the paths of a run's files.
fn files(lab: &Lab, run: &str) -> Vec<String> {
    let listed = lab.json(&["run", "files", run, "--json"]);
    let path = |file: &Value| file["path"].as_str().unwrap().to_owned();
    listed.as_array().unwrap().iter().map(path).collect()
}

#[test]
fn an_offline_run_arrives_with_its_files() {
    let lab = Lab::with_controller();
    run(&mut script(&lab, "offline.py"));
    let imported = lab.json(&["import", "wandb", "wandb", "--project", "imported", "--json"]);
    let id = imported[0]["run"].as_str().unwrap().to_owned();
    let folder = std::fs::read_dir(lab.dir().join("wandb")).unwrap();
    let mut folder = folder.map(|entry| entry.unwrap().path());
    let folder = folder.find(|path| path.display().to_string().contains("offline-run-")).unwrap();
    run(&mut wandb(&lab, &["sync", &folder.display().to_string()]));

    // The id is taken by the imported run, so the synced run has another one and this name.
    let synced = lab.json(&["run", "ls", "--project", "away", "--json"]);
    let synced = synced[0]["id"].as_str().unwrap();
    let values = |run: &str| -> Vec<Value> {
        history(&lab, run).iter().map(|row| row["values"]["loss"].clone()).collect()
    };
    assert_eq!(values(&id), values(synced));
    assert_eq!(shown(&lab, &id)["params"], shown(&lab, synced)["params"]);
    for run in [&id, synced] {
        assert_eq!(shown(&lab, run)["summary"]["loss.min"], 0.2, "{run}");
    }
    for run in [&id, synced] {
        let files = files(&lab, run);
        for part in ["media/images/picture_5_", "media/table/guesses_6_", "note.txt"] {
            assert!(files.iter().any(|path| path.starts_with(part)), "{run}: {files:#?}");
        }
    }
    // A repeated import adds nothing.
    lab.json(&["import", "wandb", "wandb", "--project", "imported", "--json"]);
    assert_eq!(history(&lab, &id).len(), 7);
}
