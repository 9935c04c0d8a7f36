//! Tests `sweep run files` and `sweep artifact` against a hostile controller. The commands write
//! nothing outside the target folder, and no content that differs from its hash.

use std::{fs, path::Path};

use crate::fake::{self, Fake};

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
fn a_hostile_controller_cannot_write_outside_the_folder() {
    let (fake, folder) = (Fake::start(), tempfile::tempdir().unwrap());
    let target = folder.path().join("in/side");
    let (run, to) = (format!("{}-2", fake::SWEEP), target.display().to_string());
    let get = |pattern: &str| fake.session(&["run", "files", &run, "--get", pattern, "--to", &to]);
    let list = fake.session(&["run", "files", &run]);
    assert!(
        list.contains("exit 0") && list.contains("media/good.png") && !list.contains('\u{1b}'),
        "{list}"
    );
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

#[test]
fn a_hostile_artifact_cannot_write_outside_the_folder() {
    let (fake, folder) = (Fake::start(), tempfile::tempdir().unwrap());
    let to = folder.path().join("in/side").display().to_string();
    for (version, said) in [
        ("v1", "its manifest is not a valid list of files"),
        ("v2", "its manifest is not a valid list of files"),
        ("v3", "its manifest is not a valid list of files"),
        ("v4", "its manifest is not a valid list of files"),
        ("v5", "its hash is wrong"),
        ("v6", "it is too long"),
        ("v7", "its hash is wrong"),
        ("v8", "its manifest is not a valid list of files"),
    ] {
        let session = fake.session(&["artifact", "get", &format!("p/x:{version}"), "--to", &to]);
        assert!(session.contains("exit 1\n") && session.contains(said), "{session}");
        assert!(!session.contains('\u{1b}'), "{session}");
    }
    assert_eq!(below(folder.path()), [""; 0]);
    fake.session(&["artifact", "get", "p/x", "--to", &to]);
    assert_eq!(fs::read(folder.path().join("in/side/a/good.txt")).unwrap(), b"abc");
}

#[test]
fn artifacts_in_words() {
    let fake = Fake::start();
    let sessions = [
        &["artifact", "show", "x:v9"][..],
        &["artifact", "show", "nothing"],
        &["artifact", "show", "both"],
        &["artifact", "show", "a b"],
        &["artifact", "get", "p/x", "--files", "nothing"],
        &["artifact", "alias", "p/x:v0"],
        &["artifact", "alias", "p/x:v0", "v3"],
        &["artifact", "rm", "p/x"],
        &["artifact", "rm", "p/x:v0"],
        &["artifact", "ls", "nothing"],
    ];
    let said = sessions.map(|args| fake.session(args)).join("\n");
    assert!(!said.contains('\u{1b}'), "{said}");
    insta::assert_snapshot!(said);
}
