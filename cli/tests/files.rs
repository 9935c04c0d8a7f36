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
    let get = |pattern: &str| fake.session(&["run", "files", &run, "--get", pattern, "--to", &to]);
    let list = fake.session(&["run", "files", &run]);
    assert!(list.contains("exit 0") && list.contains("media/good.png") && !list.contains('\u{1b}'), "{list}");
    for (pattern, exit, said) in [
        ("media/good*", 0, "1 file"),
        ("*evil", 1, "could lead elsewhere"),
        ("a*", 1, "could lead elsewhere"),
        ("*false*", 1, "its hash is wrong"),
        ("*long*", 1, "it is too long"),
        ("nothing", 2, "fits `nothing`"),
    ] {
        let session = get(pattern);
        assert!(session.contains(&format!("exit {exit}\n")) && session.contains(said), "{session}");
    }
    assert_eq!(below(folder.path()), ["good.png"]);
    assert_eq!(fs::read(target.join("media/good.png")).unwrap(), b"abc");
}
