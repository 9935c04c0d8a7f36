//! `sweep import` into a real controller, and out again by `sweep run export`: every value is there, nothing twice, however often
//! and at whatever length the source is imported.
#![allow(clippy::unwrap_used)]

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

    /// Exit code, stdout and stderr.
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

    /// What `--json` says of the runs of an import.
    fn imported(&self, args: &[&str]) -> Vec<Value> {
        let (code, stdout, stderr) = self.sweep(&[&["import"], args, &["--json"]].concat());
        assert_eq!(code, 0, "{stderr}");
        serde_json::from_str(&stdout).unwrap()
    }

    /// Step, key and value of all that a stream holds, in order.
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

/// The fixture in a folder of the lab.
fn copy(lab: &Lab, from: &str, to: &str) {
    let to = lab.folder.path().join(to);
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::copy(fixtures().join(from), to).unwrap();
}

#[test]
fn the_terminal_session_of_an_import() {
    let lab = Lab::start();
    copy(&lab, "runs/old/events.out.tfevents.1700000000.host.old", "runs/old/events.out.tfevents.1");
    copy(&lab, "runs/new/events.out.tfevents.1700000000.host.new", "runs/new/events.out.tfevents.2");
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
fn a_run_that_grows_is_imported_once() {
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
        for length in [bytes.len() / 2, bytes.len() * 3 / 4, bytes.len() - 1, bytes.len(), bytes.len()] {
            fs::write(&path, &bytes[..length]).unwrap();
            let runs = lab.imported(&[kind, folder.to_str().unwrap()]);
            let run = runs[0]["run"].clone();
            assert_eq!((runs.len(), &run), (1, &*first.get_or_insert(run.clone())), "{kind} at {length}");
        }
        let grown = json!({ "run": first });
        // The whole file by itself, as another project.
        let whole = &lab.imported(&[kind, folder.to_str().unwrap(), "--project", "other"])[0];
        assert_ne!(grown["run"], whole["run"]);
        for stream in streams {
            let (grown, whole) = (lab.values(&grown, stream), lab.values(whole, stream));
            assert!(!whole.is_empty(), "{kind} has {stream}");
            match *stream {
                // Every import of a run that has grown has the summary of its time; the last of each key counts.
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
