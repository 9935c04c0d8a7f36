//! `sweep run files` against a controller that lies: nothing is written outside of the folder, and nothing that is not what it
//! should be.
#![allow(clippy::unwrap_used)]

mod fake;

use std::{fs, path::Path};

use fake::Fake;

fn below(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(below(&entry));
        } else {
            found.push(entry.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    found
}

#[test]
fn a_hostile_controller_writes_nowhere_else() {
    let (fake, folder) = (Fake::start(), tempfile::tempdir().unwrap());
    let target = folder.path().join("in/side");
    let (run, to) = (format!("{}-2", fake::SWEEP), target.display().to_string());
    let get = |pattern: &str| {
        let session = fake.session(&["run", "files", &run, "--get", pattern, "--to", &to]);
        session.replace(&to, "DIR")
    };
    let sessions = [
        fake.session(&["run", "files", &run]),
        get("media/good*"),
        get("*evil"),
        get("*false*"),
        get("*long*"),
        get("a*"),
        get("nothing"),
    ];
    insta::assert_snapshot!(sessions.join("\n"));
    assert_eq!(below(folder.path()), ["good.png"]);
    assert_eq!(fs::read(target.join("media/good.png")).unwrap(), b"abc");
}
