//! Tests `sweep import` into a real controller and reads the values back with `sweep run export`.
//! The history after many imports of a growing source equals the history after one import of the
//! whole source.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use controller::{chance::Chance, clock::Clock, settings::Settings};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

struct Lab {
    runtime: Runtime,
    controller: Option<controller::Controller>,
    folder: TempDir,
}

impl Lab {
    fn start() -> Self {
        let (runtime, folder) = (Runtime::new().unwrap(), tempfile::tempdir().unwrap());
        let settings = Settings {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            data: folder.path().join("controller"),
            ..Settings::default()
        };
        let started = controller::Controller::start(settings, Clock::system(), Chance::seeded(1));
        let controller = Some(runtime.block_on(started).unwrap());
        Self { runtime, controller, folder }
    }

    /// Runs `sweep` and returns the exit code, stdout and stderr.
    fn sweep(&self, args: &[&str]) -> (i32, String, String) {
        let address = format!("http://{}", self.controller.as_ref().unwrap().address());
        let output = Command::new(env!("CARGO_BIN_EXE_sweep"))
            .args(args)
            .args(["--controller", &address])
            .current_dir(&self.folder)
            .env_remove("BESOM_TOKEN")
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    fn session(&self, args: &[&str]) -> String {
        let (code, stdout, stderr) = self.sweep(args);
        format!("$ sweep {}\nexit {code}\n{stdout}-- stderr\n{stderr}\n", args.join(" "))
    }

    /// Runs `sweep import --json` and returns the description of each run.
    fn imported(&self, args: &[&str]) -> Vec<Value> {
        let (code, stdout, stderr) = self.sweep(&[&["import"], args, &["--json"]].concat());
        assert_eq!(code, 0, "{stderr}");
        serde_json::from_str(&stdout).unwrap()
    }

    /// Returns the step, key and value of everything in a stream, in order.
    fn values(&self, run: &Value, stream: &str) -> Vec<(u64, String, Value)> {
        let run = run["run"].as_str().unwrap();
        let (code, stdout, stderr) =
            self.sweep(&["run", "export", run, "--format", "jsonl", "--stream", stream]);
        assert_eq!(code, 0, "{stderr}");
        let mut values = Vec::new();
        for line in stdout.lines() {
            let row: serde_json::Map<String, Value> = serde_json::from_str(line).unwrap();
            let step = row["_step"].as_u64().unwrap();
            let logged = row.into_iter().filter(|(key, _)| !key.starts_with('_'));
            values.extend(logged.map(|(key, value)| (step, key, value)));
        }
        values
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.runtime.block_on(self.controller.take().unwrap().shutdown()).unwrap();
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// Copies a fixture into the lab's folder.
fn copy(lab: &Lab, from: &str, to: &str) {
    let to = lab.folder.path().join(to);
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::copy(fixtures().join(from), to).unwrap();
}

#[test]
fn the_terminal_session_of_an_import() {
    let lab = Lab::start();
    copy(
        &lab,
        "runs/old/events.out.tfevents.1700000000.host.old",
        "runs/old/events.out.tfevents.1",
    );
    copy(
        &lab,
        "runs/new/events.out.tfevents.1700000000.host.new",
        "runs/new/events.out.tfevents.2",
    );
    copy(&lab, "offline-run/run-abc12345.wandb", "wandb/offline-run-1/run-abc12345.wandb");
    fs::write(lab.folder.path().join("wandb/notes.wandb"), "no such file").unwrap();
    fs::create_dir(lab.folder.path().join("empty")).unwrap();
    let sessions: [&[&str]; 7] = [
        &["import", "tensorboard", "runs", "--dry-run"],
        &["import", "tensorboard", "runs", "--project", "digits"],
        &["import", "tensorboard", "runs", "--project", "digits"],
        &["import", "wandb", "wandb/offline-run-1"],
        &["import", "tensorboard", "empty"],
        &["import", "wandb", "empty", "nowhere"],
        &["import", "wandb", "wandb"],
    ];
    insta::assert_snapshot!(sessions.map(|args| lab.session(args)).join("\n"));
}

#[test]
fn a_file_in_the_working_folder_has_a_path() {
    let lab = Lab::start();
    let file = "events.out.tfevents.1700000000.host.old";
    copy(&lab, &format!("runs/old/{file}"), file);
    assert_eq!(lab.imported(&["tensorboard", file])[0]["path"], ".");
}

#[test]
fn a_growing_run_is_imported_once() {
    let lab = Lab::start();
    let cases = [
        ("tensorboard", "runs/old/events.out.tfevents.1700000000.host.old", &["history"][..]),
        ("wandb", "offline-run/run-abc12345.wandb", &["history", "console", "summary", "system"]),
    ];
    for (kind, file, streams) in cases {
        let bytes = fs::read(fixtures().join(file)).unwrap();
        let folder = lab.folder.path().join(kind);
        fs::create_dir(&folder).unwrap();
        let path = folder.join(Path::new(file).file_name().unwrap());
        let mut first = None;
        for length in
            [bytes.len() / 2, bytes.len() * 3 / 4, bytes.len() - 1, bytes.len(), bytes.len()]
        {
            fs::write(&path, &bytes[..length]).unwrap();
            let runs = lab.imported(&[kind, folder.to_str().unwrap()]);
            let run = runs[0]["run"].clone();
            assert_eq!(
                (runs.len(), &run),
                (1, &*first.get_or_insert(run.clone())),
                "{kind} at {length}"
            );
        }
        let grown = json!({ "run": first });
        // The whole file is imported separately, into another project.
        let whole = &lab.imported(&[kind, folder.to_str().unwrap(), "--project", "other"])[0];
        assert_ne!(grown["run"], whole["run"]);
        for stream in streams {
            let (grown, whole) = (lab.values(&grown, stream), lab.values(whole, stream));
            assert!(!whole.is_empty(), "{kind} has {stream}");
            match *stream {
                // Every import of a grown run adds its present summary. The last value of each key
                // counts.
                "summary" => {
                    let last = |rows: Vec<(u64, String, Value)>| -> BTreeMap<String, Value> {
                        rows.into_iter().map(|(_, key, value)| (key, value)).collect()
                    };
                    assert_eq!(last(grown), last(whole));
                }
                _ => assert_eq!(grown, whole, "{kind}, {stream}"),
            }
        }
    }
}

/// Returns the steps and values of the run's history, as they are exported. The only key of the
/// history is `loss`.
fn losses(lab: &Lab, run: &Value) -> Vec<(u64, f64)> {
    lab.values(run, "history")
        .into_iter()
        .map(|(step, _, value)| (step, value.as_f64().unwrap()))
        .collect()
}

/// Returns the name, the rows, the id and the number of new rows of each imported run.
fn told(runs: &[Value]) -> Vec<(&str, u64, &str, u64)> {
    runs.iter()
        .map(|run| {
            let (name, id) = (run["name"].as_str().unwrap(), run["run"].as_str().unwrap());
            (name, run["rows"].as_u64().unwrap(), id, run["new_rows"].as_u64().unwrap())
        })
        .collect()
}

const TWIN: &str = "events.out.tfevents.1700000000.host";

#[test]
fn files_of_one_name_and_first_record_are_runs_of_their_own() {
    let lab = Lab::start();
    for (from, to) in [("train", "train"), ("test", "test"), ("train", "train-copy")] {
        copy(&lab, &format!("twins/{from}/{TWIN}"), &format!("data/{to}/{TWIN}"));
    }
    let whole = fs::read(fixtures().join("twins/test").join(TWIN)).unwrap();
    fs::create_dir(lab.folder.path().join("data/a-part-of-test")).unwrap();
    fs::write(lab.folder.path().join("data/a-part-of-test").join(TWIN), &whole[..whole.len() - 30])
        .unwrap();
    let (code, _, stderr) = lab.sweep(&["import", "tensorboard", "data", "--dry-run"]);
    assert_eq!(code, 0);
    for copy in
        ["train-copy` is a copy of `data/train`", "a-part-of-test` is a copy of `data/test`"]
    {
        assert!(stderr.contains(copy), "{stderr}");
    }
    let first = lab.imported(&["tensorboard", "data"]);
    let expected: Vec<_> = told(&first).iter().map(|(name, rows, ..)| (*name, *rows)).collect();
    assert_eq!(expected, [("data/test", 4), ("data/train", 3)]);
    assert_eq!(losses(&lab, &first[1]), [(0, 0.9_f32.into()), (1, 0.5), (2, 0.25)]);
    let again = lab.imported(&["tensorboard", "data"]);
    let expected: Vec<_> =
        told(&first).iter().map(|(name, rows, id, _)| (*name, *rows, *id, 0)).collect();
    assert_eq!(told(&again), expected);
}

#[test]
fn a_file_that_does_not_continue_what_was_imported_adds_no_row() {
    let lab = Lab::start();
    let folder = lab.folder.path();
    let import = |name: &str| {
        lab.imported(&["tensorboard", name, "--project", "p", "--name", name]).remove(0)
    };
    for name in ["train", "test"] {
        copy(&lab, &format!("twins/{name}/{TWIN}"), &format!("{name}/{TWIN}"));
    }
    let whole = fs::read(folder.join("train").join(TWIN)).unwrap();
    fs::write(folder.join("train").join(TWIN), &whole[..whole.len() - 40]).unwrap();
    let (train, test) = (import("train"), import("test"));
    assert_ne!(train["run"], test["run"]);
    assert_eq!((losses(&lab, &train).len(), losses(&lab, &test).len()), (2, 4));
    // The event file in `train` grows, and the folder `train` is renamed to `moved`.
    fs::write(folder.join("train").join(TWIN), &whole).unwrap();
    fs::rename(folder.join("train"), folder.join("moved")).unwrap();
    let moved = import("moved");
    assert_eq!((&moved["run"], &moved["new_rows"]), (&train["run"], &json!(1)));
    assert_eq!((losses(&lab, &train).len(), losses(&lab, &test).len()), (3, 4));
    // An older copy adds nothing and does not become a separate run.
    fs::create_dir(folder.join("older")).unwrap();
    for length in [whole.len() - 40, whole.len() - 7] {
        fs::write(folder.join("older").join(TWIN), &whole[..length]).unwrap();
        let older = import("older");
        assert_eq!((&older["run"], &older["new_rows"]), (&train["run"], &json!(0)), "{length}");
    }
    assert_eq!(import("test")["run"], test["run"]);
    assert_eq!((losses(&lab, &train).len(), losses(&lab, &test).len()), (3, 4));
}

#[test]
fn a_restart_takes_back_earlier_values_from_its_step_on() {
    let lab = Lab::start();
    let files = [1, 2].map(|number| format!("events.out.tfevents.170000000{number}.host"));
    let expected: Vec<(u64, f64)> = (0..5).map(|step| (step, 100.0 + step as f64)).collect();
    let expected = [expected, (5..8).map(|step| (step, 200.0 + step as f64)).collect()].concat();
    let summary = |run: &Value| {
        let (code, stdout, stderr) =
            lab.sweep(&["run", "show", run["run"].as_str().unwrap(), "--json"]);
        assert_eq!(code, 0, "{stderr}");
        serde_json::from_str::<Value>(&stdout).unwrap()["summary"]["loss"].clone()
    };
    files
        .iter()
        .for_each(|file| copy(&lab, &format!("restarted/{file}"), &format!("whole/{file}")));
    let run = lab.imported(&["tensorboard", "whole"]).remove(0);
    assert_eq!(
        (losses(&lab, &run), summary(&run), &run["rows"]),
        (expected.clone(), json!(207.0), &json!(8))
    );

    // The source is imported while it grows, so the values that the restart takes back were sent
    // before.
    copy(&lab, &format!("restarted/{}", files[0]), &format!("grown/{}", files[0]));
    let before = lab.imported(&["tensorboard", "grown"]).remove(0);
    assert_eq!((losses(&lab, &before).len(), summary(&before)), (10, json!(109.0)));
    let second = fs::read(fixtures().join("restarted").join(&files[1])).unwrap();
    for length in [60, second.len() / 2, second.len() - 1, second.len(), second.len()] {
        fs::write(lab.folder.path().join("grown").join(&files[1]), &second[..length]).unwrap();
        let run = lab.imported(&["tensorboard", "grown"]).remove(0);
        assert_eq!(run["run"], before["run"], "{length}");
        let found = losses(&lab, &run);
        assert_eq!(found.len() as u64, run["rows"].as_u64().unwrap(), "{length}: {found:?}");
        assert!(found.len() == 10 || expected.starts_with(&found), "{length}: {found:?}");
    }
    assert_eq!((losses(&lab, &before), summary(&before)), (expected, json!(207.0)));
}

#[test]
fn folders_of_one_wandb_id_are_one_run_with_one_history() {
    let lab = Lab::start();
    let part = |number: u32, folder: &str| {
        copy(
            &lab,
            &format!("resumed/part-{number}/run-resumed1.wandb"),
            &format!("{folder}/{number}/r.wandb"),
        );
    };
    (1..=3).for_each(|number| part(number, "wandb"));
    let expected: Vec<(u64, f64)> = [
        (0, 10.0),
        (1, 11.0),
        (2, 12.0),
        (3, 13.0),
        (4, 20.0),
        (5, 30.0),
        (6, 31.0),
        (7, 32.0),
        (8, 33.0),
    ]
    .into();
    let runs = lab.imported(&["wandb", "wandb"]);
    assert_eq!(
        (runs.len(), &runs[0]["run"], &runs[0]["config"]["part"]),
        (1, &json!("resumed1"), &json!(3))
    );
    assert_eq!(losses(&lab, &runs[0]), expected);
    assert_eq!(lab.imported(&["wandb", "wandb"])[0]["new_rows"], 0);

    // An import of one of these parts alone adds nothing.
    let part_alone = &lab.imported(&["wandb", "wandb/3"])[0];
    assert_eq!((&part_alone["run"], &part_alone["new_rows"]), (&json!("resumed1"), &json!(0)));

    // A part that does not continue the imported part becomes a separate run, and a hint says how
    // to get one run.
    let alone = |number: u32| {
        let path = format!("wandb/{number}");
        let (code, stdout, stderr) =
            lab.sweep(&["import", "wandb", &path, "--project", "alone", "--json"]);
        assert_eq!(code, 0, "{stderr}");
        (serde_json::from_str::<Vec<Value>>(&stdout).unwrap().remove(0)["run"].clone(), stderr)
    };
    let ((first, _), (third, stderr)) = (alone(1), alone(3));
    assert_ne!(first, third);
    assert!(
        stderr.contains("hint: to get one run, import all folders of `resumed1` together"),
        "{stderr}"
    );
    assert_eq!(losses(&lab, &json!({ "run": first })), expected[..4]);

    // The parts arrive one by one and are imported into another project. Another run already has
    // the id `resumed1`, so their run gets a different id.
    let mut id = None;
    for number in 1..=3 {
        part(number, "grown");
        let runs = lab.imported(&["wandb", "grown", "--project", "other"]);
        let run = runs[0]["run"].clone();
        assert_eq!((runs.len(), &run), (1, &*id.get_or_insert(run.clone())), "part {number}");
        assert_ne!(run, "resumed1");
    }
    assert_eq!(losses(&lab, &json!({ "run": id })), expected);
}

#[test]
fn what_is_no_run_is_told_for_what_it_is() {
    let lab = Lab::start();
    let folder = lab.folder.path();
    copy(&lab, &format!("images/{TWIN}"), &format!("data/images/{TWIN}"));
    copy(&lab, &format!("twins/train/{TWIN}"), &format!("data/flipped/{TWIN}"));
    copy(&lab, &format!("twins/test/{TWIN}"), &format!("elsewhere/{TWIN}"));
    let flipped = folder.join("data/flipped").join(TWIN);
    let mut bytes = fs::read(&flipped).unwrap();
    let last = bytes.len() - 6;
    bytes[last] ^= 1;
    fs::write(&flipped, bytes).unwrap();
    for (name, content) in
        [("alien", &b"this is no event file, though it has its name"[..]), ("empty", b"")]
    {
        fs::create_dir(folder.join("data").join(name)).unwrap();
        fs::write(folder.join("data").join(name).join(TWIN), content).unwrap();
    }
    for (target, link) in [("../elsewhere", "linked"), ("../data", "circle"), ("nowhere", "broken")]
    {
        std::os::unix::fs::symlink(target, folder.join("data").join(link)).unwrap();
    }
    insta::assert_snapshot!(
        [
            &["import", "tensorboard", "data"][..],
            &["import", "tensorboard", &format!("elsewhere/{TWIN}"), "--project", "file"],
            &["import", "tensorboard", &format!("data/alien/{TWIN}")],
        ]
        .map(|args| lab.session(args))
        .join("\n")
    );
}
