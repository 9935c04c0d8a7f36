//! Tests the changes that users make to a sweep, such as pause, cancel and retry, and the updates
//! that they watch.

use std::time::Duration;

use proto::{
    dial,
    v1::{Change, ListAgents, RetryRuns, SweepRef},
};
use tonic::Code;

use crate::lab::{Lab, RANDOM, code, pause};

#[tokio::test]
async fn slots_that_an_agent_has_set_aside_are_shown_with_their_reason() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let why = "slot 1 is set aside: process 7 still has GPU memory";
    agent.beat.free = 0;
    agent.beat.set_aside = vec![why.to_owned()];
    assert!(agent.heartbeat().await.unwrap().start.is_empty());
    let shown = lab.agents.list(ListAgents::default()).await.unwrap().into_inner().agents;
    assert_eq!((shown[0].free, shown[0].set_aside.as_slice()), (0, [why.to_owned()].as_slice()));
}

#[tokio::test]
async fn a_paused_sweep_hands_out_nothing_until_it_is_resumed() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    let paused = lab.change(&sweep.id, Change::Pause).await.unwrap();
    assert_eq!((paused.state.as_str(), paused.note.is_empty()), ("paused", false));
    agent.beat.free = 1;
    let orders = agent.heartbeat().await.unwrap();
    assert!(
        orders.start.is_empty() && orders.keep.len() == 1 && !orders.note.is_empty(),
        "{orders:?}"
    );
    agent.log(&start, 0, "val/loss", &[1.0]).await.unwrap();

    agent.beat.wait_ms = 9_000;
    let waiting = tokio::spawn(async move { agent.heartbeat().await.unwrap() });
    pause(200).await;
    lab.change(&sweep.id, Change::Resume).await.unwrap();
    let orders = tokio::time::timeout(Duration::from_secs(60), waiting).await.unwrap().unwrap();
    assert_eq!(orders.start.len(), 1);
}

#[tokio::test]
async fn a_stopped_sweep_lets_its_runs_finish() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    let stopped = lab.change(&sweep.id, Change::Stop).await.unwrap();
    assert_eq!((stopped.state.as_str(), stopped.closing.as_str()), ("running", "stopped"));
    let orders = agent.heartbeat().await.unwrap();
    assert!(orders.stop.is_empty() && orders.start.is_empty());
    agent.log(&start, 0, "val/loss", &[1.0]).await.unwrap();
    agent.end(&start, "finished").await.unwrap();
    assert_eq!(lab.sweep(&sweep.id).await.state, "finished");
    assert_eq!(code(lab.change(&sweep.id, Change::Stop).await), Code::FailedPrecondition);
    let refused = lab.change(&sweep.id, Change::Pause).await.unwrap_err();
    assert_eq!(
        refused.message(),
        format!("sweep `{}` is finished, so it cannot be paused", sweep.id)
    );
}

#[tokio::test]
async fn cancelling_tells_running_trials_to_stop_at_once() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    agent.log(&start, 0, "val/loss", &[1.0]).await.unwrap();
    agent.beat.wait_ms = 9_000;
    let mut waiting = agent.clone();
    let poll = tokio::spawn(async move { waiting.heartbeat().await.unwrap() });
    pause(200).await;
    assert_eq!(lab.change(&sweep.id, Change::Cancel).await.unwrap().state, "cancelled");
    let orders = tokio::time::timeout(Duration::from_secs(60), poll).await.unwrap().unwrap();
    assert_eq!((orders.stop.len(), orders.stop[0].reason.as_str()), (1, "cancelled"));
    assert!(orders.sweep_over);
    assert!(agent.log(&start, 1, "val/loss", &[1.0]).await.unwrap().stop_wanted);
    let ended = agent.end(&start, "failed").await.unwrap().run.unwrap();
    assert_eq!(ended.state, "stopped");
    assert_eq!(lab.sweep(&sweep.id).await.counts.unwrap().stopped, 1);
}

#[tokio::test]
async fn orders_that_are_not_obeyed_do_not_make_an_agent_spin() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("deaf", &sweep.id);
    agent.ask().await;
    lab.change(&sweep.id, Change::Cancel).await.unwrap();
    agent.beat.wait_ms = 9_000;
    let clock = controller::clock::Clock::system();
    let before = clock.now();
    for _ in 0..4 {
        assert_eq!(agent.heartbeat().await.unwrap().stop.len(), 1);
    }
    assert!(clock.now() - before > Duration::from_millis(1500));
}

#[tokio::test]
async fn a_failed_run_is_retried_and_reopens_its_sweep() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(&format!("{RANDOM}\nrun_cap: 1\n")).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    agent.log(&start, 0, "val/loss", &[1.0]).await.unwrap();
    agent.end(&start, "failed").await.unwrap();
    assert_eq!(lab.sweep(&sweep.id).await.state, "finished");

    let retry = RetryRuns { sweep: sweep.id.clone(), runs: Vec::new() };
    let retried = lab.sweeps.retry(retry.clone()).await.unwrap().into_inner().runs;
    assert_eq!(retried, std::slice::from_ref(&start.run));
    let reopened = lab.sweep(&sweep.id).await;
    let counts = reopened.counts.unwrap();
    assert_eq!((reopened.state.as_str(), counts.failed, counts.queued), ("running", 0, 1));
    assert_eq!(code(agent.log(&start, 1, "val/loss", &[1.0]).await), Code::Aborted);

    let again = agent.ask().await;
    assert_eq!((&again.run, again.attempt), (&start.run, 2));
    agent.log(&again, 0, "val/loss", &[0.5]).await.unwrap();
    agent.end(&again, "finished").await.unwrap();
    let done = lab.sweep(&sweep.id).await;
    assert_eq!((done.state.as_str(), done.best.unwrap().value), ("finished", Some(0.5)));
    let refused = lab.sweeps.retry(retry).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
}

#[tokio::test]
async fn a_retried_run_of_a_cancelled_sweep_runs_and_nothing_else_does() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let failed = agent.ask().await;
    agent.end(&failed, "failed").await.unwrap();
    let stopped = agent.ask().await;
    lab.change(&sweep.id, Change::Cancel).await.unwrap();
    agent.end(&stopped, "stopped").await.unwrap();
    assert_eq!(lab.sweep(&sweep.id).await.state, "cancelled");

    let mut retry = RetryRuns { sweep: sweep.id.clone(), runs: Vec::new() };
    assert_eq!(
        lab.sweeps.retry(retry.clone()).await.unwrap().into_inner().runs,
        std::slice::from_ref(&failed.run)
    );
    retry.runs = vec![stopped.run.clone()];
    assert_eq!(
        lab.sweeps.retry(retry.clone()).await.unwrap().into_inner().runs,
        std::slice::from_ref(&stopped.run)
    );
    for run in [&failed.run, &stopped.run] {
        let again = agent.ask().await;
        assert_eq!((&again.run, again.attempt), (run, 2));
        agent.end(&again, "finished").await.unwrap();
    }
    assert!(agent.heartbeat().await.unwrap().start.is_empty(), "it was cancelled: no new trial");
    let done = lab.sweep(&sweep.id).await;
    assert_eq!((done.state.as_str(), done.counts.unwrap().trials), ("finished", 2));
    let refused = lab.sweeps.retry(retry).await.unwrap_err();
    let message = format!("run `{}` is finished, so it cannot be retried", stopped.run);
    assert_eq!((refused.code(), refused.message()), (Code::FailedPrecondition, message.as_str()));
}

#[tokio::test]
async fn a_sweep_that_is_over_says_how_to_go_on() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(&format!("{RANDOM}\nrun_cap: 1\n")).await;
    let mut agent = lab.agent("one", &sweep.id);
    agent.trial(0.5).await;
    for (wish, word) in [
        (Change::Resume, "resumed"),
        (Change::Pause, "paused"),
        (Change::Stop, "stopped"),
        (Change::Cancel, "cancelled"),
    ] {
        let refused = lab.change(&sweep.id, wish).await.unwrap_err();
        let message = format!("sweep `{}` is finished, so it cannot be {word}", sweep.id);
        assert_eq!(
            (refused.code(), refused.message()),
            (Code::FailedPrecondition, message.as_str())
        );
        let hint = dial::hint(&refused).unwrap_or_default();
        let way_on = if wish == Change::Resume { "sweep retry" } else { "sweep show" };
        assert!(hint.contains(&format!("`{way_on} {}`", sweep.id)), "{hint}");
    }
}

#[tokio::test]
async fn a_reached_target_ends_the_handing_out() {
    let mut lab = Lab::start().await;
    let yaml = RANDOM.replace("{name: val/loss}", "{name: val/loss, target: 0.2}");
    let sweep = lab.create(&yaml).await;
    let (mut one, mut two) = (lab.agent("one", &sweep.id), lab.agent("two", &sweep.id));
    let other = two.ask().await;
    one.trial(0.15).await;
    let closing = lab.sweep(&sweep.id).await;
    assert_eq!((closing.state.as_str(), closing.closing.as_str()), ("running", "target"));
    assert!(one.heartbeat().await.unwrap().start.is_empty());
    two.end(&other, "finished").await.unwrap();
    assert_eq!(lab.sweep(&sweep.id).await.state, "finished");
}

#[tokio::test]
async fn a_watcher_sees_a_sweep_to_its_end() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(&format!("{RANDOM}\nrun_cap: 3\n")).await;
    let mut updates =
        lab.sweeps.watch(SweepRef { sweep: sweep.id.clone() }).await.unwrap().into_inner();
    let first = updates.message().await.unwrap().unwrap();
    assert_eq!((first.sweep.unwrap().state.as_str(), first.runs.len()), ("pending", 0));
    let mut agent = lab.agent("one", &sweep.id);
    for value in [0.3, 0.2, 0.1] {
        agent.trial(value).await;
    }
    let mut finished = std::collections::BTreeSet::new();
    let mut last = String::new();
    while let Some(update) = updates.message().await.unwrap() {
        last = update.sweep.unwrap().state;
        finished.extend(
            update.runs.into_iter().filter(|run| run.state == "finished").map(|run| run.id),
        );
    }
    assert_eq!((last.as_str(), finished.len()), ("finished", 3));
}

#[tokio::test]
async fn many_large_runs_reach_a_watcher_in_several_updates() {
    let mut lab = Lab::start().await;
    let text = "x".repeat(200_000);
    let yaml = format!("{RANDOM}  text: {{value: {text}}}\nrun_cap: 100\n");
    let sweep = lab.create(&yaml).await;
    // One agent holds at most 3 MiB of parameters, so ten agents share the runs.
    for name in 0..10 {
        let mut agent = lab.agent(&format!("agent-{name}"), &sweep.id);
        for _ in 0..10 {
            agent.ask().await;
        }
    }
    // The runs do not fit into one message.
    let mut updates =
        lab.sweeps.watch(SweepRef { sweep: sweep.id.clone() }).await.unwrap().into_inner();
    let (mut runs, mut parts) = (Vec::new(), 0);
    while runs.len() < 100 {
        let update = updates.message().await.unwrap().unwrap();
        runs.extend(update.runs.into_iter().map(|run| run.trial));
        parts += 1;
    }
    assert!(parts > 10, "{parts}");
    assert_eq!(runs, (0..100).map(Some).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_stopped_sweep_starts_no_trial_again_whatever_way_it_comes_back() {
    let mut lab = Lab::start().await;
    for way in ["preempted", "declined", "forgotten"] {
        let sweep = lab.create(RANDOM).await;
        let mut agent = lab.agent(way, &sweep.id);
        let start = agent.ask().await;
        lab.change(&sweep.id, Change::Stop).await.unwrap();
        match way {
            "preempted" => drop(agent.end(&start, "preempted").await.unwrap()),
            "declined" => agent.decline(&start),
            _ => agent.reborn(),
        }
        agent.beat.free = 1;
        let orders = agent.heartbeat().await.unwrap();
        assert!(orders.start.is_empty() && orders.sweep_over, "{way}: {orders:?}");
        let over = lab.sweep(&sweep.id).await;
        assert_eq!((over.state.as_str(), over.counts.unwrap().stopped), ("finished", 1), "{way}");
    }
}
