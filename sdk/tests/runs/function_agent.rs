//! Tests function agents in a real process, against a scripted controller that hands out trials.

use std::{
    os::unix::process::ExitStatusExt as _,
    process::{Command, Output, Stdio},
};

use crate::support::{Controller, text, trainer};

fn agent(controller: &str, sweep: &str, count: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut command = trainer();
    command.env("BESOM_CONTROLLER", controller).env("BESOM_DATA", folder.path());
    command.args(["agent", sweep, count]).output().unwrap()
}

fn outcomes(controller: &Controller) -> Vec<(String, String, String)> {
    let state = controller.state();
    let outcome = |end: &proto::v1::EndRun| {
        let outcome = end.outcome.clone().unwrap();
        (end.run.clone(), outcome.state, outcome.message)
    };
    state.ended.iter().map(outcome).collect()
}

fn triple(run: &str, state: &str, message: &str) -> (String, String, String) {
    (run.to_owned(), state.to_owned(), message.to_owned())
}

#[test]
fn each_trial_ends_as_its_function_did() {
    let controller = Controller::start();
    controller.state().queue = ["fine", "error", "panic", "until stopped", "fine"].into();
    controller.state().stop = vec!["k3x9a0bc-3".to_owned()];
    let output = agent(&controller.url(), "k3x9a0bc", "50");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let want = "k3x9a0bc-0 Finished\nk3x9a0bc-1 Failed(\"it went wrong\")\nk3x9a0bc-2 \
        Failed(\"panicked: it panicked\")\n\
                k3x9a0bc-3 Stopped\nk3x9a0bc-4 Finished\n";
    assert_eq!(printed, want, "{}", text(&output));
    let want = [
        triple("k3x9a0bc-0", "finished", ""),
        triple("k3x9a0bc-1", "failed", "it went wrong"),
        triple("k3x9a0bc-2", "failed", "panicked: it panicked"),
        triple("k3x9a0bc-3", "stopped", ""),
        triple("k3x9a0bc-4", "finished", ""),
    ];
    assert_eq!(outcomes(&controller), want);
    let state = controller.state();
    let steps = |trial: u32| state.steps(&format!("k3x9a0bc-{trial}"), "history");
    assert!([0, 1, 2, 4].into_iter().all(|trial| steps(trial) == [0]));
    // The stopped trial logs a second row if it calls `should_stop` before the stop arrives.
    assert!(steps(3) == [0] || steps(3) == [0, 1], "{:?}", steps(3));
    assert!(state.beats.is_sorted_by_key(|beat| beat.beat));
    assert!(
        state
            .beats
            .iter()
            .all(|beat| beat.holds.len() as u32 + beat.free <= 1 && beat.declined.is_empty())
    );
}

#[test]
fn a_trial_past_its_timeout_has_failed_whatever_its_function_returns() {
    let controller = Controller::start();
    controller.state().queue = ["until stopped"].into();
    controller.state().timeout_ms = Some(300);
    let output = agent(&controller.url(), "k3x9a0bc", "50");
    let class = controller.state().ended[0].outcome.clone().unwrap().class;
    let want = [triple("k3x9a0bc-0", "failed", "it ran for longer than the sweep's `timeout`")];
    assert_eq!(
        (outcomes(&controller), class.as_str()),
        (want.to_vec(), "timeout"),
        "{}",
        text(&output)
    );
}

#[test]
fn sigterm_gives_the_trial_back_and_takes_no_more() {
    let controller = Controller::start();
    controller.state().queue = ["until stopped", "fine"].into();
    let folder = tempfile::tempdir().unwrap();
    let mut command = trainer();
    command.env("BESOM_CONTROLLER", controller.url()).env("BESOM_DATA", folder.path());
    let agent = command.args(["agent", "k3x9a0bc", "50"]).stdout(Stdio::piped()).spawn().unwrap();
    controller
        .wait("the function has asked", |state| state.steps("k3x9a0bc-0", "history") == [0, 1]);
    assert!(Command::new("kill").arg(agent.id().to_string()).status().unwrap().success());
    let output = agent.wait_with_output().unwrap();
    assert_eq!(text(&output), "k3x9a0bc-0 Preempted\n");
    assert_eq!(outcomes(&controller), [triple("k3x9a0bc-0", "preempted", "")]);
    assert_eq!(controller.state().queue.len(), 1);
}

#[test]
fn sigterm_ends_an_agent_whose_function_never_asked() {
    let controller = Controller::start();
    controller.state().queue = ["error", "panic", "sleep"].into();
    let folder = tempfile::tempdir().unwrap();
    let mut command = trainer();
    command.env("BESOM_CONTROLLER", controller.url()).env("BESOM_DATA", folder.path());
    let mut agent = command.args(["agent", "k3x9a0bc", "50"]).spawn().unwrap();
    controller.wait("the function sleeps", |state| state.steps("k3x9a0bc-2", "history") == [0]);
    assert!(Command::new("kill").arg(agent.id().to_string()).status().unwrap().success());
    assert_eq!(agent.wait().unwrap().signal(), Some(15));
}

#[test]
fn count_bounds_the_number_of_trials() {
    let controller = Controller::start();
    controller.state().queue = ["fine"; 5].into();
    let output = agent(&controller.url(), "k3x9a0bc", "2");
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 2, "{}", text(&output));
    assert_eq!(controller.state().queue.len(), 3);
}

#[test]
fn errors_name_the_sweep_and_the_controller() {
    let controller = Controller::start();
    assert!(text(&agent(&controller.url(), "nosuch00", "1")).contains("no sweep `nosuch00`"));
    assert!(
        text(&agent("http://127.0.0.1:1", "k3x9a0bc", "1"))
            .contains("no controller answers at `http://127.0.0.1:1`")
    );
}
