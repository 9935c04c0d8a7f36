//! Tests artifacts with a real controller: they are logged, numbered, used and downloaded, with
//! their lineage.

use std::{collections::BTreeMap, fs, path::Path};

use besom::{Artifact, ArtifactError, Mode};
use proto::v1::{Artifact as Version, ArtifactRef, RunRef};
use serde_json::{Value, json};

use crate::real::Real;

fn version(real: &Real, project: &str, name: &str, version: &str) -> Version {
    let wanted = ArtifactRef {
        project: project.to_owned(),
        name: name.to_owned(),
        version: version.to_owned(),
        ..ArtifactRef::default()
    };
    real.block_on(async { real.dial().artifacts().get(wanted).await.unwrap().into_inner() })
}

/// Returns the numbers of the versions that a run has made (true) or used (false).
fn of_run(real: &Real, run: &str) -> Vec<(bool, u64)> {
    let run = RunRef { run: run.to_owned() };
    real.block_on(async {
        let mut listed = real.dial().artifacts().of_run(run).await.unwrap().into_inner();
        let mut found = Vec::new();
        while let Some(one) = listed.message().await.unwrap() {
            found.push((one.made, one.artifact.unwrap().version));
        }
        found
    })
}

/// Returns every file below a folder by its relative path.
fn below(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(at).unwrap().map(|entry| entry.unwrap().path()) {
            match entry.is_dir() {
                true => folders.push(entry),
                false => {
                    let name = entry.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                    found.insert(name, fs::read(&entry).unwrap());
                }
            }
        }
    }
    found
}

fn data(folder: &Path) -> Artifact {
    let mut artifact = Artifact::new("digits", "dataset");
    artifact.add_dir_as(folder, "train").unwrap();
    artifact.add_bytes("labels.txt", b"0 1 2".as_slice());
    artifact.add_reference("s3://bucket/raw", "raw");
    artifact
}

#[test]
fn versions_are_counted_by_content_and_come_back_whole() {
    let real = Real::start();
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("in/a")).unwrap();
    // The content has the process id, so the user's cache cannot have it from an earlier test.
    let large = [&std::process::id().to_le_bytes()[..], &[7; 700_000]].concat();
    fs::write(folder.path().join("in/a/1.bin"), &large).unwrap();
    fs::write(folder.path().join("in/2.bin"), b"").unwrap();
    let run = real.init().project("digits").start().unwrap();
    let mut first = data(&folder.path().join("in"));
    first.set_metadata(&json!({"rows": 3}));
    first.add_alias("small");
    assert_eq!(run.log_artifact(&first).unwrap().wait().unwrap().to_string(), "digits:v0");
    // The test logs the same content again, then different content.
    assert_eq!(
        run.log_artifact(&data(&folder.path().join("in"))).unwrap().wait().unwrap().version(),
        0
    );
    fs::write(folder.path().join("in/2.bin"), b"more").unwrap();
    let second = run.log_artifact(&data(&folder.path().join("in"))).unwrap().wait().unwrap();
    assert_eq!((second.version(), second.aliases()), (1, &["latest".to_owned()][..]));
    let maker = run.id().to_owned();
    run.finish().unwrap();
    assert_eq!(version(&real, "digits", "digits", "small").version, 0);
    let user = real.init().project("digits").start().unwrap();
    let used = user.use_artifact("digits:v0").unwrap();
    assert_eq!(used.metadata::<Value>().unwrap(), json!({"rows": 3}));
    assert_eq!((used.kind(), used.files().len()), ("dataset", 4));
    assert_eq!(used.files()[1].reference.as_deref(), Some("s3://bucket/raw"));
    let out = folder.path().join("out");
    // The second download gets the contents from the cache.
    for _ in 0..2 {
        used.download(&out).unwrap();
        let files = below(&out);
        assert_eq!(
            files.keys().collect::<Vec<_>>(),
            ["labels.txt", "train/2.bin", "train/a/1.bin"]
        );
        assert!(files["train/a/1.bin"] == large && files["train/2.bin"].is_empty());
    }
    assert_eq!(user.use_artifact("digits").unwrap().read("train/2.bin").unwrap(), b"more");
    assert!(used.read("train/3.bin").is_err() && used.read("raw").is_err());
    assert!(
        user.use_artifact("digits:best")
            .unwrap_err()
            .to_string()
            .contains("no artifact `digits:best`")
    );
    let lineage = version(&real, "digits", "digits", "v0");
    assert_eq!(
        (lineage.made_by, lineage.used_by),
        (vec![maker.clone()], vec![user.id().to_owned()])
    );
    assert_eq!(of_run(&real, &maker), [(true, 0), (true, 1)]);
    assert_eq!(of_run(&real, user.id()), [(false, 0), (false, 1)]);
    user.finish().unwrap();
}

#[test]
fn an_invalid_artifact_fails_at_once_and_nothing_is_logged() {
    let real = Real::start();
    let run = real.init().start().unwrap();
    let content = |name: &str, kind: &str, paths: &[&str]| {
        let mut artifact = Artifact::new(name, kind);
        paths.iter().for_each(|path| artifact.add_bytes(path, b"x".as_slice()));
        run.log_artifact(&artifact)
    };
    for (name, kind, paths) in [
        ("../x", "model", &["a"][..]),
        ("", "model", &["a"]),
        ("x", "", &["a"]),
        ("x", "model", &["../a"]),
        ("x", "model", &["/etc/passwd"]),
        ("x", "model", &["a", "a"]),
        ("x", "model", &["a", "a/b"]),
    ] {
        let error = content(name, kind, paths).unwrap_err();
        assert!(matches!(error, ArtifactError::Content { .. }), "{name} {paths:?}: {error}");
    }
    let mut alias = Artifact::new("x", "model");
    alias.add_alias("v3");
    assert!(
        run.log_artifact(&alias)
            .unwrap_err()
            .to_string()
            .contains("`v3` is the number of a version")
    );
    let mut text = Artifact::new("x", "model");
    text.set_metadata(&"no object");
    assert!(run.log_artifact(&text).is_err());
    let mut gone = Artifact::new("x", "model");
    assert!(gone.add_file("/does/not/exist").is_err() && gone.add_dir("/does/not/exist").is_err());
    let id = run.id().to_owned();
    run.finish().unwrap();
    assert!(real.rows(&id, "files").is_empty());
}

#[test]
fn without_a_controller_versions_wait_in_the_folder() {
    let real = Real::start();
    let run = besom::init().mode(Mode::Offline).dir(real.dir()).start().unwrap();
    let mut artifact = Artifact::new("x", "model");
    artifact.add_bytes("a", b"x".as_slice());
    let logged = run.log_artifact(&artifact).unwrap();
    assert!(matches!(logged.wait(), Err(ArtifactError::NoController)));
    assert!(matches!(run.use_artifact("x"), Err(ArtifactError::NoController)));
    drop(logged);
    run.finish().unwrap();
    let disabled = besom::init().mode(Mode::Disabled).start().unwrap();
    assert!(matches!(
        disabled.log_artifact(&artifact).unwrap().wait(),
        Err(ArtifactError::NoController)
    ));
}
