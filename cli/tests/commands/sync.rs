//! Tests `sweep sync` against a real controller: rows that were logged offline arrive exactly once,
//! as if they had been logged online, even if the sync is killed repeatedly.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
    time::Duration,
};

use besom::{FinishError, Init, InitError, Mode, Resume, Run, Summary};
use proto::folder::RunFile;
use record::Row;
use serde_json::json;

use crate::real::Real;

fn sync(real: &Real, folders: &[&Path]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sweep"));
    command.arg("sync").args(folders).args(["--controller", &real.url()]).env_remove("BESOM_TOKEN");
    command.stdin(Stdio::null());
    command
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn offline(folder: &Path, id: &str) -> Init {
    besom::init().controller("http://127.0.0.1:1").dir(folder).mode(Mode::Offline).id(id)
}

fn train(run: &Run, rows: u64) {
    run.define_metric("loss").summary([Summary::Min, Summary::Last]);
    for row in 0..rows {
        besom::log!(run, "loss" => 1.0 / (row + 1) as f64, "row" => row);
    }
    run.log_at(7, [("late", f64::NAN)]);
    run.summary("best", 3);
    run.save_as(env!("CARGO_MANIFEST_DIR").to_owned() + "/Cargo.toml", "Cargo.toml").unwrap();
    run.update_config(&json!({"seed": 5})).unwrap();
}

fn introduced(init: Init) -> Run {
    let init = init.project("p").name("n").tags(["t"]).notes("why").group("g").job_type("train");
    init.config(&json!({"lr": 0.1})).start().unwrap()
}

/// Returns the history and the summary rows of a run, without the times at which they were logged.
fn rows(real: &Real, id: &str) -> Vec<String> {
    let timeless = |row: Row| format!("{} {:?}", row.step, row.values);
    let streams = ["history", "summary"].map(|stream| real.rows(id, stream));
    streams.into_iter().flatten().map(|(_, row)| timeless(row)).collect()
}

/// Copies `run.json` and the journals of history, summary and meta from a run's folder. No process
/// locks the copied journals, as if the program had been killed now.
fn killed(folder: &Path, to: &Path) -> PathBuf {
    fs::create_dir_all(to.join("journal")).unwrap();
    for name in ["run.json", "journal/sdk.history", "journal/sdk.summary", "journal/sdk.meta"] {
        fs::copy(folder.join(name), to.join(name)).unwrap();
    }
    to.to_owned()
}

#[test]
fn offline_and_online_are_the_same() {
    let (real, folder) = (Real::start(), tempfile::tempdir().unwrap());
    let online = introduced(real.init().id("online"));
    train(&online, 2_000);
    online.finish().unwrap();
    let run = introduced(offline(folder.path(), "offline"));
    train(&run, 2_000);
    let finished = run.finish().unwrap();
    let place = folder.path().join("offline/offline");
    assert_eq!(finished.note, format!("`sweep sync {}` sends them", place.display()));
    for want in [
        "run `offline`: 2002 rows; finished\n",
        "run `offline`: 2002 rows, nothing new; finished\n",
    ] {
        let output = sync(&real, &[&place]).output().unwrap();
        assert_eq!((output.status.code(), said(&output).as_str()), (Some(0), want));
    }
    assert_eq!(rows(&real, "offline"), rows(&real, "online"));
    assert_eq!((real.files("offline"), real.files("offline").len()), (real.files("online"), 1));
    let timeless = |id: &str| {
        let mut run = real.run(id);
        (run.id, run.code_json) = (String::new(), String::new());
        (run.created_ms, run.started_ms, run.ended_ms) = (0, None, None);
        run
    };
    assert_eq!(timeless("offline"), timeless("online"));
    assert_eq!(real.config("offline"), json!({"lr": 0.1, "seed": 5}));
    let file = RunFile::read(&place).unwrap();
    let stored = real.run("offline");
    assert_eq!(stored.started_ms, file.begin.started_ms);
    assert_eq!(stored.ended_ms, file.end.unwrap().ended_ms);
    assert_eq!(real.runs().len(), 2);
}

#[test]
fn a_killed_run_is_ended_and_a_running_one_is_not() {
    let (real, folder) = (Real::start(), tempfile::tempdir().unwrap());
    let run = introduced(offline(folder.path(), "killed"));
    train(&run, 100);
    let place = folder.path().join("offline/killed");
    while record::count(&fs::read(place.join("journal/sdk.summary")).unwrap()) != Ok(1) {
        thread::sleep(Duration::from_millis(5));
    }
    let output = sync(&real, &[&place]).arg("--json").output().unwrap();
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&told[0]["alive"], &told[0]["state"], &told[0]["rows"]),
        (&json!(true), &json!("running"), &json!(102))
    );
    run.log([("loss", 9.0)]);
    while record::count(&fs::read(place.join("journal/sdk.history")).unwrap()) != Ok(102) {
        thread::sleep(Duration::from_millis(5));
    }
    let dead = killed(&place, &folder.path().join("dead"));
    let mut torn = fs::read(dead.join("journal/sdk.history")).unwrap();
    torn.extend_from_within(..9);
    fs::write(dead.join("journal/sdk.history"), torn).unwrap();
    let output = sync(&real, &[&dead]).output().unwrap();
    assert_eq!(said(&output), "run `killed`: 103 rows, 1 of them new; crashed\n");
    assert_eq!((real.run("killed").state.as_str(), real.run("killed").rows), ("crashed", 102));
    run.finish().unwrap();
    let output = sync(&real, &[&place]).output().unwrap();
    assert_eq!(said(&output), "run `killed`: 103 rows, nothing new; finished\n");
}

#[test]
fn killed_syncs_store_every_row_once() {
    let (real, folder) = (Real::start(), tempfile::tempdir().unwrap());
    let run = offline(folder.path(), "interrupted").start().unwrap();
    let text = "x".repeat(2_000);
    for row in 0..6_000_u64 {
        besom::log!(run, "row" => row, "text" => text.as_str());
        if row.is_multiple_of(200) {
            thread::sleep(Duration::from_millis(10));
        }
    }
    let finished = run.finish().unwrap();
    assert_eq!((finished.accepted, finished.refused), (6_000, 0));
    let place = folder.path().join("offline/interrupted");
    for wait in 0..12 {
        let mut child =
            sync(&real, &[&place]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_millis(10 + 10 * wait));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let output = sync(&real, &[&place]).output().unwrap();
    assert!(said(&output).ends_with("; finished\n"), "{}", said(&output));
    let steps: Vec<u64> =
        real.rows("interrupted", "history").iter().map(|(_, row)| row.step).collect();
    assert_eq!(steps, (0..6_000).collect::<Vec<_>>());
    assert_eq!(real.runs().len(), 1);
}

#[test]
fn sync_sends_what_an_online_run_could_not_send() {
    let folder = tempfile::tempdir().unwrap();
    let mut real = Real::start();
    let run = real.init().id("cut_off").start().unwrap();
    run.log([("loss", 1.0)]);
    let place = real.dir().join("runs/cut_off/1");
    while record::count(&fs::read(place.join("journal/sdk.history")).unwrap()) != Ok(1) {
        thread::sleep(Duration::from_millis(5));
    }
    let dead = killed(&place, &folder.path().join("dead"));
    run.finish().unwrap();
    // The controller already has every row of the copy, and the end of the run.
    let output = sync(&real, &[&dead]).output().unwrap();
    assert_eq!(said(&output), "run `cut_off`: 1 row, nothing new; finished\n");
    let next = real.init().id("cut_off").resume(Resume::Must).start().unwrap();
    real.go_away();
    next.log([("loss", 0.5)]);
    let place = real.dir().join("runs/cut_off/2");
    let copy = |waits: &Path| {
        record::count(&fs::read(waits.join("journal/sdk.history")).unwrap()) == Ok(1)
    };
    while !copy(&place) {
        thread::sleep(Duration::from_millis(5));
    }
    let dead = killed(&place, &folder.path().join("dead2"));
    real.come_back();
    let output = sync(&real, &[&dead]).output().unwrap();
    assert!(said(&output).starts_with("run `cut_off`: 1 row"), "{}", said(&output));
    let steps: Vec<u64> = real.rows("cut_off", "history").iter().map(|(_, row)| row.step).collect();
    assert_eq!(steps, [0, 1]);
    assert!(!matches!(next.finish(), Err(FinishError::Fenced { .. })));
}

#[test]
fn a_missing_file_does_not_stop_the_results() {
    let (real, folder) = (Real::start(), tempfile::tempdir().unwrap());
    let run = introduced(offline(folder.path(), "gone"));
    train(&run, 100);
    run.finish().unwrap();
    let place = folder.path().join("offline/gone");
    fs::remove_dir_all(place.join("files")).unwrap();
    let output = sync(&real, &[&place]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("a file of the run cannot be sent"), "{}", said(&output));
    let run = real.run("gone");
    assert_eq!((run.state.as_str(), run.rows, real.files("gone").len()), ("finished", 101, 0));
}

#[test]
fn mistakes_are_reported() {
    let (real, folder) = (Real::start(), tempfile::tempdir().unwrap());
    let output = sync(&real, &[folder.path()]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("is not the folder of a run"), "{}", said(&output));
    offline(folder.path(), "once").start().unwrap().finish().unwrap();
    assert!(matches!(offline(folder.path(), "once").start(), Err(InitError::Exists { .. })));
    real.init().id("once").start().unwrap().finish().unwrap();
    let place = folder.path().join("offline/once");
    let output = sync(&real, &[&place]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("there is a run `once` already"), "{}", said(&output));
}
