//! Tests the agent as a whole, on real processes, with a controller in memory. The tests cover
//! trials from start to report, trials that cannot start, crash loops, stops, Ctrl-C, and a
//! controller that goes away.

use std::{collections::BTreeMap, fs};

use crate::support::{Fake, GRACE, Home, script, trial, until};
use agent::{
    agent::{Signal, work},
    trial::spec,
};
use proto::{folder::RunFile, v1::Stop};
use record::ids::Attempt;
use terminal::Exit;
use tokio::sync::mpsc;
use tonic::Status;

fn finished(numbers: std::ops::Range<u32>) -> Vec<(String, String)> {
    let mut ends: Vec<_> =
        numbers.map(|number| (format!("s-{number}"), "finished".to_owned())).collect();
    ends.sort();
    ends
}

#[tokio::test]
async fn every_trial_runs_once_and_leaves_nothing_behind() {
    let (home, fake) = (Home::new(), Fake::with((0..20).map(|number| trial(number, &["true"]))));
    home.run(&fake, 3, None).await.unwrap();
    assert_eq!(fake.ends(), finished(0..20));
    assert_eq!(
        fs::read_dir(home.data().join("runs")).unwrap().count(),
        0,
        "everything was sent and removed"
    );
    assert_eq!(fs::read_to_string(home.data().join("holdings.json")).unwrap(), "[]");
}

#[tokio::test]
async fn console_and_printed_rows_arrive_before_the_end() {
    let program = r#"
        echo hello; echo '{"loss": 0.5}'; echo "lr is $BESOM_PARAM_lr" >&2; printf 'no newline'"#;
    let (home, fake) = (Home::new(), Fake::with([script(0, program)]));
    home.run(&fake, 1, None).await.unwrap();
    assert_eq!(fake.console("s-0", "stdout"), ["hello", r#"{"loss": 0.5}"#, "no newline"]);
    assert_eq!(fake.console("s-0", "stderr"), ["lr is 0.1"]);
    let key = (Attempt::new("s-0", 1), "agent.history".to_owned());
    assert_eq!(fake.state().streams[&key].0, 1);
}

/// Returns the system metrics of a run: the numbers by name, row by row.
fn samples(fake: &Fake, run: &str) -> Vec<BTreeMap<String, f64>> {
    let key = (Attempt::new(run, 1), "agent.system".to_owned());
    let frames =
        fake.state().streams.get(&key).map(|(_, frames)| frames.clone()).unwrap_or_default();
    let rows = record::rows(&frames).unwrap();
    assert!(
        rows.iter().map(|row| row.step).eq(0..rows.len() as u64),
        "no sample is lost or repeated"
    );
    let number = |(name, value)| match value {
        record::Value::F64(number) => (name, number),
        other => panic!("{name}: {other:?}"),
    };
    rows.into_iter().map(|row| row.values.into_iter().map(number).collect()).collect()
}

#[tokio::test]
async fn samples_of_a_trial_include_all_processes_that_it_starts() {
    let burn = "(while :; do :; done) & burner=$!; sleep 1; kill $burner; sleep 0.5";
    let (home, fake) = (Home::new(), Fake::with([script(0, burn), trial(1, &["true"])]));
    home.run(&fake, 2, None).await.unwrap();
    let rows = samples(&fake, "s-0");
    assert!(rows.len() >= 2, "{rows:?}");
    assert!(rows.iter().any(|row| row["system.proc.count"] >= 3.0), "shell, burner and sleep");
    let most = |name: &str| rows.iter().map(|row| row[name]).fold(0.0, f64::max);
    assert!(most("system.proc.cpu.percent") > 10.0, "{rows:?}");
    assert!(most("system.proc.memory.rssMB") > 1.0 && most("system.cpu_percent") > 1.0);
    assert_eq!(most("system.gpu.0.temp"), 40.0);
    assert!(!rows[0].contains_key("system.gpu.process.0.temp"), "this trial does not have the GPU");
    assert_eq!(samples(&fake, "s-1"), [], "the trial is too short for a sample");
}

#[tokio::test]
async fn rows_that_the_sdk_left_are_sent_and_files_of_the_program_are_kept() {
    let (home, fake) = (Home::new(), Fake::default());
    let mut frames = Vec::new();
    let row = record::Row {
        values: vec![("x".to_owned(), record::Value::I64(1))],
        ..record::Row::default()
    };
    record::Writer::default().frame(&[row.clone(), row], &mut frames);
    let journal = home.dir.path().join("frames");
    fs::write(&journal, [&frames[..], &frames[..frames.len() - 3]].concat()).unwrap();
    let copy = format!(
        "cp {} $BESOM_RUN_DIR/journal/sdk.history; echo weights > $BESOM_RUN_DIR/model",
        journal.display()
    );
    fake.change(|state| {
        state.queue.push_back(script(0, &copy));
        state.ends = true;
    });
    home.run(&fake, 1, None).await.unwrap();
    let key = (Attempt::new("s-0", 1), "sdk.history".to_owned());
    assert_eq!(fake.state().streams[&key], (2, frames), "a torn frame is no row");
    let left: Vec<_> =
        fs::read_dir(home.attempt(0)).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["model"]);
}

#[tokio::test]
async fn a_failure_has_its_exit_code_and_the_end_of_stderr() {
    let program = "i=0; while [ $i -lt 60 ]; do echo line $i >&2; i=$((i+1)); done; exit 3";
    let (home, fake) = (Home::new(), Fake::with([script(0, program)]));
    home.run(&fake, 1, None).await.unwrap();
    let outcome = fake.state().ended[0].outcome.clone().unwrap();
    assert_eq!((outcome.state.as_str(), outcome.class.as_str()), ("failed", "error"));
    assert_eq!(outcome.exit_code, Some(3));
    let lines: Vec<&str> = outcome.message.lines().collect();
    assert_eq!(
        (lines.len(), lines[0], lines[1], lines[50]),
        (51, "exit code 3", "line 10", "line 59")
    );
}

#[tokio::test]
async fn a_trial_whose_program_is_missing_goes_back_to_the_queue() {
    let (home, fake) = (Home::new(), Fake::with([trial(0, &["python", "nowhere.py"])]));
    let failure = home.run(&fake, 1, None).await.unwrap_err();
    assert_eq!(failure.exit, Exit::Refused);
    assert!(failure.message.starts_with("program `nowhere.py` not found in /"), "{failure}");
    assert_eq!(fake.state().declined, [Attempt::new("s-0", 1)]);
    assert_eq!(fake.ends(), []);
}

#[tokio::test]
async fn a_trial_goes_back_if_a_file_of_an_earlier_start_cannot_be_removed() {
    for name in [spec::PROCESSES, spec::EXIT] {
        let (home, fake) = (Home::new(), Fake::with([script(0, "exit 0")]));
        // `remove_file` fails for a folder.
        fs::create_dir_all(home.attempt(0).join(name).join("full")).unwrap();
        let failure = home.run(&fake, 1, None).await.unwrap_err();
        assert!(failure.message.starts_with("cannot write to "), "{failure}");
        assert_eq!(fake.state().declined, [Attempt::new("s-0", 1)]);
        assert_eq!(fake.ends(), []);
    }
}

#[tokio::test]
async fn a_trial_whose_program_the_kernel_refuses_goes_back_to_the_queue() {
    let (home, fake) = (Home::new(), Fake::default());
    let path = home.dir.path().join("broken");
    fs::write(&path, "\u{7f}ELF nonsense").unwrap();
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    fake.change(|state| state.queue.push_back(trial(0, &[path.to_str().unwrap()])));
    let failure = home.run(&fake, 1, None).await.unwrap_err();
    assert!(failure.message.starts_with("the program could not be started: "), "{failure}");
    assert_eq!(fake.state().declined, [Attempt::new("s-0", 1)]);
}

#[tokio::test]
async fn a_crash_loop_ends_the_agent_and_says_why() {
    let trials = (0..50).map(|number| script(number, "echo no data folder >&2; exit 2"));
    let (home, fake) = (Home::new(), Fake::with(trials));
    let failure = home.run(&fake, 1, None).await.unwrap_err();
    assert_eq!(
        failure.message,
        "5 trials in a row failed within 60 s of their start, each with exit code 2"
    );
    assert_eq!(failure.details, ["  no data folder"]);
    assert_eq!(fake.ends().len(), 5);
}

#[tokio::test]
async fn the_count_ends_the_agent() {
    let (home, fake) = (Home::new(), Fake::with((0..20).map(|number| trial(number, &["true"]))));
    home.run(&fake, 2, Some(5)).await.unwrap();
    assert_eq!(fake.ends(), finished(0..5));
    assert!(fake.state().leased.is_empty(), "nothing stays leased to an agent that has left");
}

#[tokio::test]
async fn a_stop_ends_the_whole_tree_even_if_it_ignores_sigterm() {
    let program = r#"
        trap '' TERM
        (trap '' TERM; setsid sleep 1000 & sleep 1000) &
        setsid sh -c 'sleep 1000' &
        sh -c 'kill -STOP $$' &
        (sleep 1000 & ) ; sh -c 'sleep 1000; true' &
        echo up
        while :; do sleep 1; done"#;
    let (home, fake) = (Home::new(), Fake::with([script(0, program)]));
    let (setup, _folder) = home.setup(&fake, 1, None);
    let (_keep, signals) = mpsc::channel(1);
    let agent = tokio::spawn(work(setup, signals));
    until(|| home.survivors(0).len() >= 8).await;
    until(|| crate::support::holds(&home.attempt(0).join("stdout"), "up")).await;
    let stop =
        Stop { run: "s-0".to_owned(), attempt: 1, reason: "cancelled".to_owned(), grace_ms: 300 };
    fake.change(|state| state.stops.push(stop));
    agent.await.unwrap().unwrap();
    assert_eq!(home.survivors(0), []);
    assert_eq!(fake.ends(), [("s-0".to_owned(), "stopped".to_owned())]);
}

#[tokio::test]
async fn processes_that_a_program_leaves_behind_end_with_it() {
    let program = "sleep 1000 & setsid sleep 1000 & (setsid sh -c 'sleep 1000; true' &) ; exit 0";
    let (home, fake) = (Home::new(), Fake::with([script(0, program)]));
    home.run(&fake, 1, None).await.unwrap();
    assert_eq!(home.survivors(0), []);
    assert_eq!(fake.ends(), finished(0..1));
}

#[tokio::test]
async fn a_fenced_attempt_is_ended_and_its_rows_are_sent() {
    let (home, fake) = (Home::new(), Fake::with([script(0, "echo row; exec sleep 1000")]));
    let (setup, _folder) = home.setup(&fake, 1, Some(1));
    let (_keep, signals) = mpsc::channel(1);
    let agent = tokio::spawn(work(setup, signals));
    home.running(0).await;
    let stop =
        Stop { run: "s-0".to_owned(), attempt: 1, reason: "fenced".to_owned(), grace_ms: 100 };
    fake.change(|state| {
        state.fenced.insert(Attempt::new("s-0", 1));
        state.stops.push(stop);
    });
    agent.await.unwrap().unwrap();
    assert_eq!((fake.ends(), home.survivors(0)), (vec![], vec![]));
    assert_eq!(fake.console("s-0", "stdout"), ["row"]);
}

#[tokio::test]
async fn the_first_interrupt_lets_trials_finish() {
    let trials = (0..5).map(|number| script(number, "sleep 0.5"));
    let (home, fake) = (Home::new(), Fake::with(trials));
    let (setup, _folder) = home.setup(&fake, 2, None);
    let (interrupt, signals) = mpsc::channel(1);
    let agent = tokio::spawn(work(setup, signals));
    home.running(1).await;
    interrupt.send(Signal::Interrupt).await.unwrap();
    agent.await.unwrap().unwrap();
    assert_eq!(fake.ends(), finished(0..2));
    assert!(fake.state().leased.is_empty());
}

#[tokio::test]
async fn the_second_interrupt_gives_trials_back() {
    let (home, fake) = (Home::new(), Fake::with([script(0, "exec sleep 1000")]));
    let (setup, _folder) = home.setup(&fake, 1, None);
    let (interrupt, signals) = mpsc::channel(2);
    let agent = tokio::spawn(work(setup, signals));
    home.running(0).await;
    interrupt.send(Signal::Interrupt).await.unwrap();
    interrupt.send(Signal::Interrupt).await.unwrap();
    agent.await.unwrap().unwrap();
    assert_eq!(fake.ends(), [("s-0".to_owned(), "preempted".to_owned())]);
    assert_eq!(home.survivors(0), []);
}

/// A program that saves something on SIGTERM and exits with 0.
const SAVING: &str = "trap 'echo saved; exit 0' TERM; echo up; while :; do sleep 0.05; done";

#[tokio::test]
async fn sigterm_gives_trials_time_to_save_and_returns_them_to_the_queue() {
    let stubborn = "trap '' TERM; echo up; while :; do sleep 0.05; done";
    let trials = [script(0, SAVING), script(1, stubborn), script(2, "exit 0")];
    let (home, fake) = (Home::new(), Fake::with(trials));
    let (setup, _folder) = home.setup(&fake, 2, None);
    let (told, signals) = mpsc::channel(2);
    let agent = tokio::spawn(work(setup, signals));
    for number in 0..2 {
        until(|| crate::support::holds(&home.attempt(number).join("stdout"), "up")).await;
    }
    let begun = std::time::Instant::now();
    // A node that shuts down may send SIGTERM to every process, also to the shims.
    for number in 0..2 {
        home.running(number).await.shim.terminate();
    }
    told.send(Signal::Terminate).await.unwrap();
    told.send(Signal::Terminate).await.unwrap();
    agent.await.unwrap().unwrap();
    let took = begun.elapsed();
    assert!(took >= GRACE, "the stubborn trial has its grace: {took:?}");
    let preempted = |number| (format!("s-{number}"), "preempted".to_owned());
    assert_eq!(
        fake.ends(),
        [preempted(0), preempted(1)],
        "both are preempted whatever their exit code, and the third is not started"
    );
    assert_eq!(fake.console("s-0", "stdout"), ["up", "saved"]);
    assert_eq!((home.survivors(0), home.survivors(1)), (vec![], vec![]));
}

#[tokio::test]
async fn a_trial_that_gets_sigterm_before_its_agent_is_given_back() {
    let (home, fake) = (
        Home::new(),
        Fake::with([script(0, "sleep 0.2; kill -TERM $$"), script(1, "kill -TERM $$")]),
    );
    let (setup, _folder) = home.setup(&fake, 1, None);
    let (told, signals) = mpsc::channel(1);
    let agent = tokio::spawn(work(setup, signals));
    until(|| home.attempt(0).join("exit.json").exists()).await;
    told.send(Signal::Terminate).await.unwrap();
    agent.await.unwrap().unwrap();
    assert_eq!(fake.ends(), [("s-0".to_owned(), "preempted".to_owned())]);

    let (home, fake) = (Home::new(), Fake::with([script(0, "kill -TERM $$")]));
    home.run(&fake, 1, None).await.unwrap();
    assert_eq!(fake.ends(), [("s-0".to_owned(), "failed".to_owned())], "the node did not go away");
}

#[tokio::test]
async fn a_trial_that_exceeds_its_time_has_failed_whatever_its_exit_code() {
    let mut start = script(0, SAVING);
    start.timeout_ms = Some(400);
    let (home, fake) = (Home::new(), Fake::with([start, script(1, "exit 0")]));
    home.run(&fake, 1, None).await.unwrap();
    let outcome = fake.state().ended[0].outcome.clone().unwrap();
    assert_eq!((outcome.state.as_str(), outcome.class.as_str()), ("failed", "timeout"));
    assert_eq!(outcome.message, "it ran for longer than the sweep's `timeout`: exit code 0");
    assert_eq!(fake.state().ended[1].outcome.as_ref().unwrap().state, "finished");
}

#[tokio::test]
async fn a_controller_that_is_away_costs_nothing() {
    let home = Home::new();
    let away = home.dir.path().join("away");
    let program = format!(
        r#"echo '{{"x": 1}}'; echo '{{"x": 2}}'; until [ -e {} ]; do sleep 0.05; done
        for i in 3 4 5 6; do echo "{{\"x\": $i}}"; done"#,
        away.display()
    );
    let fake = Fake::with([script(0, &program)]);
    let (setup, _folder) = home.setup(&fake, 1, None);
    let (_keep, signals) = mpsc::channel(1);
    let agent = tokio::spawn(work(setup, signals));
    until(|| fake.console("s-0", "stdout").len() >= 2).await;
    fake.change(|state| state.away = true);
    fs::write(&away, "").unwrap();
    until(|| home.survivors(0).is_empty()).await;
    assert_eq!(fake.console("s-0", "stdout").len(), 2);
    fake.change(|state| state.away = false);
    agent.await.unwrap().unwrap();
    assert_eq!(fake.console("s-0", "stdout").len(), 6);
    assert_eq!(fake.ends(), finished(0..1));
}

#[tokio::test]
async fn an_agent_without_a_controller_gives_up_soon() {
    let (home, fake) = (Home::new(), Fake::default());
    fake.change(|state| state.away = true);
    let failure = home.run(&fake, 1, None).await.unwrap_err();
    assert_eq!(
        (failure.exit, failure.message.as_str()),
        (Exit::Unreachable, "no controller at fake")
    );
}

#[tokio::test]
async fn internal_errors_of_the_controller_cost_nothing() {
    let (home, fake) = (Home::new(), Fake::with([script(0, "exit 0")]));
    fake.change(|state| (state.bad_beats, state.bad_ends) = (2, 3));
    home.run(&fake, 1, None).await.unwrap();
    let state = fake.state();
    assert_eq!((state.bad_beats, state.bad_ends, state.ended.len()), (0, 0, 1));
    assert!(state.lost.is_empty() && state.declined.is_empty());
}

/// The paused clock stands still while a process runs, and jumps ahead while the agent only waits.
#[tokio::test(start_paused = true)]
async fn a_trial_whose_end_is_never_taken_is_lost_and_never_runs_under_its_number_again() {
    let (home, fake) = (Home::new(), Fake::with([script(0, "exit 0")]));
    fake.change(|state| state.bad_ends = 100);
    let failure = home.run(&fake, 1, None).await.unwrap_err();
    assert_eq!(failure.exit, Exit::Refused, "{failure:?}");
    let state = fake.state();
    assert_eq!((state.bad_ends, state.ended.len(), state.lost.len()), (90, 0, 1));
}

/// The paused clock stands still while a process runs, and jumps ahead while the agent only waits.
#[tokio::test(start_paused = true)]
async fn no_end_is_reported_over_rows_that_the_controller_refuses() {
    let (home, fake) = (Home::new(), Fake::with([script(0, r#"echo '{"loss": 1}'"#)]));
    fake.change(|state| state.refuses_rows = Some(Status::invalid_argument("damaged rows")));
    let failure = home.run(&fake, 1, None).await.unwrap_err();
    assert_eq!(
        (failure.exit, failure.message.as_str()),
        (Exit::Refused, "1 trial could not be sent whole")
    );
    {
        let state = fake.state();
        assert_eq!((state.ended.len(), state.lost.len()), (0, 1), "the controller starts it again");
    }
    let word = RunFile::read(&home.attempt(0)).unwrap();
    let end = word.end.unwrap();
    assert_eq!((word.begin.run.as_str(), word.begin.attempt, end.attempt), ("s-0", 1, 1));
    assert_eq!(end.outcome.unwrap().state, "finished");
    assert!(home.attempt(0).join("journal/agent.history").exists(), "the rows are kept");
}

#[tokio::test]
async fn an_agent_that_was_accepted_once_waits_until_its_token_is_known_again() {
    let (home, fake) = (Home::new(), Fake::default());
    let refusal = Some(Status::unauthenticated("the controller does not know this token or key"));
    fake.change(|state| state.refuses_beats.clone_from(&refusal));
    let failure = home.run(&fake, 1, None).await.unwrap_err();
    assert_eq!(
        failure.message,
        refusal.as_ref().unwrap().message(),
        "an unknown token is reported at once"
    );
    fake.change(|state| state.refuses_beats = None);
    let (setup, _folder) = home.setup(&fake, 1, None);
    let (_keep, signals) = mpsc::channel(1);
    let agent = tokio::spawn(work(setup, signals));
    let beats = fake.state().beats;
    until(|| fake.state().beats > beats + 1).await;
    fake.change(|state| state.refuses_beats = refusal);
    let beats = fake.state().beats;
    until(|| fake.state().beats > beats + 3).await;
    assert!(!agent.is_finished());
    fake.change(|state| {
        state.refuses_beats = None;
        state.queue.push_back(script(0, "true"));
        state.ends = true;
    });
    agent.await.unwrap().unwrap();
    assert_eq!(fake.ends(), finished(0..1));
}
