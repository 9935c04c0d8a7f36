//! Tests runs outside a sweep against a scripted controller. In some tests, the controller goes
//! away, loses answers or rows, refuses calls, or fences the attempt.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use besom::{FinishError, InitError, Mode, Resume, Run};
use proto::folder::RunFile;
use record::Value;
use serde_json::json;
use tempfile::TempDir;

use crate::support::Controller;

const RUN: &str = "run00000";

fn start(controller: &Controller, folder: &TempDir) -> Run {
    let config = json!({"learning_rate": 0.1});
    besom::init()
        .project("p")
        .config(&config)
        .controller(controller.url())
        .dir(folder.path())
        .start()
        .unwrap()
}

fn journal(folder: &TempDir) -> PathBuf {
    folder.path().join("runs").join(RUN).join("1/journal/sdk.history")
}

fn log(run: &Run, rows: u64) {
    for row in 0..rows {
        besom::log!(run, "loss" => 1.0, "epoch" => row);
    }
}

/// Logs rows slowly enough that the journal thread writes them in several turns.
fn log_slowly(run: &Run, rows: u64) {
    for row in 0..rows {
        besom::log!(run, "loss" => 1.0, "epoch" => row);
        if row % 10 == 0 {
            thread::sleep(Duration::from_millis(2));
        }
    }
}

fn numbers(end: u64) -> Vec<u64> {
    (0..end).collect()
}

#[test]
fn a_token_never_goes_over_a_network_without_tls() {
    let folder = tempfile::tempdir().unwrap();
    let refused =
        besom::init().controller("http://head:7070").dir(folder.path()).start().unwrap_err();
    let said = refused.to_string();
    assert!(said.contains("could read the token") && said.contains("--tls self-signed"), "{said}");
}

#[test]
fn everything_arrives_and_nothing_is_left_behind() {
    let (controller, folder) = (Controller::start(), tempfile::tempdir().unwrap());
    let run = start(&controller, &folder);
    assert_eq!((run.id(), run.sweep(), run.trial()), (RUN, None, None));
    log(&run, 1_000);
    run.log_at(5_000, [("late", "text")]);
    besom::log!(run,
        "flag" => true, String::from("n") => 7_u8, "id" => u64::MAX, "half" => 0.9_f32; step = 3);
    run.log([("loss", f64::NAN)]);
    run.summary("best", 0.25);
    run.summary("best", 0.125);
    let finished = run.finish().unwrap();
    assert_eq!((finished.accepted, finished.refused, finished.note.as_str()), (1_005, 0, "noted"));
    assert_eq!(finished.to_string(), "run `run00000`: 1005 rows logged; noted");
    let state = controller.state();
    let mut steps = numbers(1_000);
    steps.extend([5_000, 3, 5_001]);
    assert_eq!(state.steps(RUN, "history"), steps);
    let rows = &state.rows[&(RUN.to_owned(), "history".to_owned())];
    let values = [
        ("flag", Value::Bool(true)),
        ("n", Value::I64(7)),
        ("id", Value::U64(u64::MAX)),
        ("half", Value::F64(0.9)),
    ];
    assert_eq!(rows[1_001].values, values.map(|(key, value)| (key.to_owned(), value)));
    assert_eq!(state.steps(RUN, "summary"), [0, 1]);
    assert_eq!(state.ended[0].outcome.as_ref().unwrap().state, "finished");
    assert_eq!(state.begun[0].config_json, r#"{"learning_rate":0.1}"#);
    assert_eq!(fs::read_dir(folder.path().join("runs")).unwrap().count(), 0);
}

#[test]
fn system_metrics_are_sampled_while_the_program_logs() {
    let (controller, folder) = (Controller::start(), tempfile::tempdir().unwrap());
    let init = || besom::init().controller(controller.url()).dir(folder.path());
    let run = init().system_metrics(Duration::from_millis(100)).start().unwrap();
    run.log([("loss", 1.0)]);
    let key = (RUN.to_owned(), "system".to_owned());
    controller.wait("three samples have arrived", |state| {
        state.rows.get(&key).is_some_and(|rows| rows.len() >= 3)
    });
    assert_eq!(run.finish().unwrap().accepted, 1, "samples do not count as logged rows");
    let rows = controller.state().rows[&key].clone();
    for (step, row) in (0..).zip(&rows) {
        assert_eq!(row.step, step);
        let number = |name: &str| match row.values.iter().find(|(key, _)| key == name) {
            Some((_, Value::F64(number))) => *number,
            other => panic!("{name}: {other:?}"),
        };
        assert!(number("system.proc.memory.rssMB") > 1.0);
        assert!(number("system.proc.cpu.threads") >= 4.0, "this test, journal, sender, sampler");
    }
    assert_eq!(controller.state().steps(RUN, "history"), [0]);
    let quiet = init().system_metrics(None).start().unwrap();
    thread::sleep(Duration::from_millis(1_200));
    quiet.finish().unwrap();
    assert!(!controller.state().rows.contains_key(&("run00001".to_owned(), "system".to_owned())));
}

#[test]
fn a_controller_that_goes_away_costs_nothing() {
    let (mut controller, folder) = (Controller::start(), tempfile::tempdir().unwrap());
    let run = start(&controller, &folder);
    for _ in 0..3 {
        log_slowly(&run, 250);
        // The calls of `log` below return although no controller answers.
        controller.go_away();
        log_slowly(&run, 250);
        controller.come_back();
    }
    run.finish().unwrap();
    assert_eq!(controller.state().steps(RUN, "history"), numbers(1_500));
}

#[test]
fn lost_answers_store_nothing_twice() {
    let (controller, folder) = (Controller::start(), tempfile::tempdir().unwrap());
    controller.state().lost_answers = 3;
    let run = start(&controller, &folder);
    log_slowly(&run, 1_000);
    run.finish().unwrap();
    assert_eq!(controller.state().steps(RUN, "history"), numbers(1_000));
    // The number of appends depends on the machine's speed, so the test checks only that at least
    // one answer was lost.
    assert!(controller.state().lost_answers < 3);
}

#[test]
fn rows_that_the_controller_has_lost_are_sent_again() {
    let (controller, folder) = (Controller::start(), tempfile::tempdir().unwrap());
    let run = start(&controller, &folder);
    log_slowly(&run, 1_000);
    controller.wait("the rows have arrived", |state| state.steps(RUN, "history").len() > 500);
    // The controller loses its last rows: it keeps the first 333, which end in the middle of a
    // frame.
    controller.state().rows.get_mut(&(RUN.to_owned(), "history".to_owned())).unwrap().truncate(333);
    log(&run, 1_000);
    run.finish().unwrap();
    assert_eq!(controller.state().steps(RUN, "history"), numbers(2_000));
}

#[test]
fn a_fenced_attempt_stops_and_keeps_its_journal() {
    let (controller, folder) = (Controller::start(), tempfile::tempdir().unwrap());
    let run = start(&controller, &folder);
    log(&run, 10);
    controller.wait("the rows have arrived", |state| state.steps(RUN, "history").len() == 10);
    assert!(!run.should_stop());
    controller.state().fenced = true;
    log(&run, 10);
    while !run.should_stop() {
        thread::sleep(Duration::from_millis(10));
    }
    assert!(matches!(run.finish(), Err(FinishError::Fenced { .. })));
    assert_eq!(record::count(&fs::read(journal(&folder)).unwrap()), Ok(20));
}

#[test]
fn a_refusal_at_the_end_names_the_journal_and_the_waiting_rows() {
    let (controller, folder) = (Controller::start(), tempfile::tempdir().unwrap());
    let run = start(&controller, &folder);
    log(&run, 10);
    controller.wait("the rows have arrived", |state| state.steps(RUN, "history").len() == 10);
    controller.state().denied = true;
    log(&run, 7);
    run.summary("best", 1);
    let again = run.clone();
    let error = run.finish().unwrap_err().to_string();
    let journal = journal(&folder);
    let place = journal.ancestors().nth(2).map(Path::display).unwrap();
    let want = format!(
        "the controller does not have 8 rows of run `run00000` (not today): send what is left \
        with `sweep sync {place}`"
    );
    assert_eq!(error, want);
    assert_eq!(again.finish().unwrap_err().to_string(), want);
    assert_eq!(record::count(&fs::read(journal).unwrap()), Ok(17));
}

#[test]
fn heartbeats_renew_the_lease_and_bring_the_request_to_stop() {
    let (controller, folder) = (Controller::start(), tempfile::tempdir().unwrap());
    controller.state().lease_ms = 150;
    let run = start(&controller, &folder);
    controller.wait("heartbeats come", |state| state.asked > 5);
    controller.state().stop_wanted = true;
    let asked = controller.state().asked;
    controller.wait("more heartbeats come", |state| state.asked > asked + 1);
    assert!(run.should_stop());
    run.finish().unwrap();
}

#[test]
fn many_threads_log_and_every_row_counts() {
    let (controller, folder) = (Controller::start(), tempfile::tempdir().unwrap());
    let run = start(&controller, &folder);
    let threads: Vec<_> =
        (0..4).map(|_| run.clone()).map(|run| thread::spawn(move || log(&run, 20_000))).collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let finished = run.finish().unwrap();
    assert_eq!(finished.accepted + finished.refused, 80_000);
    assert_eq!(controller.state().steps(RUN, "history"), numbers(finished.accepted));
}

#[test]
fn the_last_drop_finishes_and_a_panic_fails() {
    let (controller, folder) = (Controller::start(), tempfile::tempdir().unwrap());
    let run = start(&controller, &folder);
    log(&run, 10);
    drop(run.clone());
    assert!(controller.state().ended.is_empty());
    drop(run);
    let run = start(&controller, &folder);
    let panicked = thread::spawn(move || {
        log(&run, 10);
        panic!("as asked");
    });
    assert!(panicked.join().is_err());
    let state = controller.state();
    let states: Vec<_> = state.ended.iter().map(|end| end.outcome.clone().unwrap().state).collect();
    assert_eq!(states, ["finished", "failed"]);
    assert_eq!(
        (state.steps(RUN, "history").len(), state.steps("run00001", "history").len()),
        (10, 10)
    );
}

#[test]
fn a_start_without_a_controller_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let started = besom::init().controller("http://127.0.0.1:1").dir(folder.path()).start();
    let error = started.unwrap_err();
    assert!(matches!(error, InitError::Unreachable { .. }));
    let want = "no controller answers at `http://127.0.0.1:1` (Connection refused (os error \
        111)): start one with \
                `controller`, or name another in BESOM_CONTROLLER";
    assert_eq!(error.to_string(), want);
    let address =
        besom::init().controller("not an address").dir(folder.path()).start().unwrap_err();
    let want = "`not an address` is not the address of a controller: write it like \
        `http://127.0.0.1:7070`";
    assert_eq!(address.to_string(), want);
}

#[test]
fn a_run_works_inside_a_runtime() {
    let (controller, folder) = (Controller::start(), tempfile::tempdir().unwrap());
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let run = start(&controller, &folder);
        log(&run, 10);
        run.finish().unwrap();
    });
    assert_eq!(controller.state().steps(RUN, "history").len(), 10);
}

#[test]
fn a_resumed_offline_run_without_a_config_stores_an_empty_one() {
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        let init = besom::init().mode(Mode::Offline).id("plain").resume(Resume::Allow);
        drop(init.dir(folder.path()).start().unwrap());
    };
    start();
    start();
    let file = RunFile::read(&folder.path().join("offline/plain")).unwrap();
    assert_eq!(file.begin.config_json, "{}");
}
