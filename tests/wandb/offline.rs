//! Runs that the client has logged without a controller: `sweep import wandb` and `wandb sync`
//! bring the same rows and files.

use serde_json::{Value, json};
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
    let [imported, synced] = ["imported", "away"].map(|project| {
        let version = lab.json(&["artifact", "show", &format!("{project}/model:best"), "--json"]);
        let version = version.as_object().unwrap();
        ["version", "type", "digest", "metadata", "files", "size"].map(|key| version[key].clone())
    });
    assert_eq!(imported, synced);
    let files = imported[4].as_array().unwrap();
    let paths: Vec<&Value> = files.iter().map(|file| &file["path"]).collect();
    assert_eq!(paths, ["data.tar", "notes/note.txt"]);
    // The table is an artifact too.
    let listed = lab.json(&["artifact", "ls", "--project", "imported", "--json"]);
    assert_eq!(listed.as_array().unwrap().len(), 2, "{listed:#}");
    // A repeated import adds nothing.
    lab.json(&["import", "wandb", "wandb", "--project", "imported", "--json"]);
    assert_eq!(history(&lab, &id).len(), 7);
    // Without the client's copies of the files, the import says what it leaves out.
    let copies = lab.dir().join(".local/share/wandb/artifacts/staging");
    std::fs::remove_dir_all(copies).unwrap();
    let again = lab.json(&["import", "wandb", "wandb", "--project", "again", "--json"]);
    assert_eq!(again[0]["skipped"], json!({ "artifact": 2 }));
    let notes = again[0]["notes"].as_array().unwrap();
    assert!(
        notes[1].as_str().unwrap().contains("`model` is left out: cannot read `"),
        "{notes:#?}"
    );
}
