//! Tests the ways in which a program can end, such as a return, an exit, a panic and a kill, with
//! real processes. After each of them, the journal has all rows. Most tests run without a
//! controller.

use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use record::{Row, Value};

use crate::support::{Controller, text, trainer};

/// The number of rows that `trainer.rs` logs, as in its own `ROWS`.
const ROWS: u64 = 2_000;

fn trial(folder: &Path, controller: &str) -> Command {
    let mut command = trainer();
    let params = r#"{"learning_rate": 0.25, "optimizer": {"name": "Adam"}}"#;
    command.env("BESOM_RUN", "k3x9a0bc-7").env("BESOM_ATTEMPT", "2").env("BESOM_TRIAL", "7");
    command
        .env("BESOM_CONTROLLER", controller)
        .env("BESOM_RUN_DIR", folder)
        .env("BESOM_PARAMS", params);
    command
}

fn rows(folder: &Path, file: &str) -> Vec<Row> {
    record::rows(&fs::read(folder.join("journal").join(file)).unwrap()).unwrap()
}

#[test]
fn no_way_to_end_loses_a_row() {
    let ends =
        [("return", 0), ("exit", 3), ("panic", 101), ("thread", 0), ("leak", 0), ("finish", 0)];
    for (end, code) in ends {
        let folder = tempfile::tempdir().unwrap();
        let start = Instant::now();
        let output = trial(folder.path(), "http://127.0.0.1:1").arg(end).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{end}: {}", text(&output));
        let history = rows(folder.path(), "sdk.history");
        assert_eq!(
            history.iter().map(|row| row.step).collect::<Vec<_>>(),
            (0..ROWS).collect::<Vec<_>>(),
            "{end}"
        );
        assert!(start.elapsed() < Duration::from_secs(100), "{end} took {:?}", start.elapsed());
        // The sweep's parameters replace the program's defaults.
        assert_eq!(history[0].values[1].1, Value::F64(0.25));
        let summary = rows(folder.path(), "sdk.summary");
        assert_eq!(
            summary[0].values,
            [("optimizer".to_owned(), Value::Text("Adam 0.9".to_owned()))]
        );
    }
}

#[test]
fn a_trial_sends_what_it_can_and_leaves_its_end_to_the_agent() {
    let (controller, folder) = (Controller::start(), tempfile::tempdir().unwrap());
    let output = trial(folder.path(), &controller.url()).arg("exit").output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    let state = controller.state();
    assert_eq!(state.steps("k3x9a0bc-7", "history").len() as u64, ROWS);
    assert_eq!(state.steps("k3x9a0bc-7", "summary"), [0]);
    assert!(state.begun.is_empty() && state.ended.is_empty());
    assert_eq!(rows(folder.path(), "sdk.history").len() as u64, ROWS);
}

#[test]
fn a_run_of_its_own_that_exits_is_sent_and_not_ended() {
    let (controller, folder) = (Controller::start(), tempfile::tempdir().unwrap());
    let mut command = trainer();
    command.env("BESOM_CONTROLLER", controller.url()).env("BESOM_DATA", folder.path()).arg("exit");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    let state = controller.state();
    assert_eq!(state.steps("run00000", "history").len() as u64, ROWS);
    assert!(state.ended.is_empty());
}

#[test]
fn a_killed_program_leaves_a_journal_that_the_next_one_continues() {
    let folder = tempfile::tempdir().unwrap();
    let mut lingering = trial(folder.path(), "http://127.0.0.1:1").arg("linger").spawn().unwrap();
    let history = folder.path().join("journal/sdk.history");
    let written = || fs::read(&history).is_ok_and(|bytes| record::count(&bytes) == Ok(ROWS));
    while !written() {
        std::thread::sleep(Duration::from_millis(10));
    }
    // The lingering process still holds the writer name `sdk`, so the next process gets `sdk-2`.
    trial(folder.path(), "http://127.0.0.1:1").arg("return").output().unwrap();
    assert_eq!(rows(folder.path(), "sdk-2.history").len() as u64, ROWS);
    lingering.kill().unwrap();
    lingering.wait().unwrap();
    trial(folder.path(), "http://127.0.0.1:1").arg("return").output().unwrap();
    let steps: Vec<u64> = rows(folder.path(), "sdk.history").iter().map(|row| row.step).collect();
    assert_eq!(steps, (0..2 * ROWS).collect::<Vec<_>>());
}

#[test]
fn an_invalid_environment_variable_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let output =
        trial(folder.path(), "http://127.0.0.1:1").env("BESOM_ATTEMPT", "two").output().unwrap();
    assert!(text(&output).contains("BESOM_ATTEMPT"), "{}", text(&output));
}
