//! Tests raises of the cap on a sweep's trials: which sweeps they reopen, whom they wake, and what
//! a sweep that gets no more trials answers.

use std::time::Duration;

use proto::{
    dial,
    v1::{Change, ExtendSweep, ReplayTrials, Sweep},
};
use tonic::{Code, Status};

use crate::{
    fsck::fsck,
    lab::{Lab, RANDOM, pause},
};

const BAYES: &str = "
method: bayes
program: train
run_cap: 6
metric: {name: val/loss}
early_terminate: {type: hyperband, min_iter: 1, eta: 2}
parameters: {lr: {min: 0.0, max: 1.0}, depth: {min: 1, max: 9}}
";

async fn extend(lab: &mut Lab, sweep: &str, runs: u64, key: &str) -> Result<Sweep, Status> {
    let (sweep, idempotency_key) = (sweep.to_owned(), key.to_owned());
    let answer = lab.sweeps.extend(ExtendSweep { sweep, runs, idempotency_key }).await;
    answer.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn a_finished_sweep_tries_more_trials_once_per_key_and_replays() {
    let mut lab = Lab::start().await;
    let created = lab.create(BAYES).await;
    let id = created.id.clone();
    let mut agent = lab.agent("one", &id);
    for trial in 0..6 {
        agent.trial(f64::from(trial)).await;
    }
    let done = lab.sweep(&id).await;
    assert_eq!((done.state.as_str(), done.closing.as_str()), ("finished", "cap"));
    assert_eq!((done.run_cap, done.raised_cap), (Some(6), None));

    for _ in 0..2 {
        let extended = extend(&mut lab, &id, 3, "again").await.unwrap();
        assert_eq!((extended.trials_bound, extended.raised_cap), (Some(9), Some(9)));
        assert_eq!((extended.state.as_str(), extended.closing.as_str()), ("running", ""));
        assert_eq!((extended.ended_ms, &extended.yaml), (None, &created.yaml));
    }
    for trial in 0..2 {
        agent.trial(f64::from(trial)).await;
    }
    // A raised cap holds in a restarted controller.
    lab.restart().await;
    let mut agent = lab.agent("two", &id);
    agent.trial(0.1).await;
    let done = lab.sweep(&id).await;
    assert_eq!((done.state.as_str(), done.counts.unwrap().trials), ("finished", 9));
    let extended = extend(&mut lab, &id, 1, "").await.unwrap();
    assert_eq!(extended.raised_cap, Some(10));
    agent.trial(0.2).await;
    assert_eq!(lab.sweep(&id).await.state, "finished");
    let all = ReplayTrials { sweep: id.clone(), trials: Vec::new() };
    let replayed = lab.sweeps.replay(all).await.unwrap().into_inner();
    assert_eq!((replayed.equal, replayed.different), (10, vec![]));
    lab.stop().await;
    assert_eq!(fsck(lab.folder()).await.problems, []);
}

#[tokio::test]
async fn a_raised_cap_wakes_the_agents_that_wait() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(&format!("{RANDOM}\nrun_cap: 1\n")).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    agent.beat.free = 1;
    assert!(agent.heartbeat().await.unwrap().start.is_empty());
    agent.beat.wait_ms = 60_000;
    let waiting = tokio::spawn(async move { (agent.heartbeat().await.unwrap(), agent) });
    pause(200).await;
    extend(&mut lab, &sweep.id, 1, "").await.unwrap();
    let woken = tokio::time::timeout(Duration::from_secs(30), waiting).await.unwrap().unwrap();
    let (orders, mut agent) = woken;
    assert_eq!(orders.start.len(), 1);
    agent.end(&start, "finished").await.unwrap();
    assert_eq!(lab.sweep(&sweep.id).await.state, "running");
}

#[tokio::test]
async fn a_paused_sweep_stays_paused_and_a_pending_one_pending() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(&format!("{RANDOM}\nrun_cap: 1\n")).await;
    let pending = extend(&mut lab, &sweep.id, 1, "").await.unwrap();
    assert_eq!((pending.state.as_str(), pending.trials_bound), ("pending", Some(2)));
    lab.change(&sweep.id, Change::Pause).await.unwrap();
    let paused = extend(&mut lab, &sweep.id, 1, "").await.unwrap();
    assert_eq!((paused.state.as_str(), paused.trials_bound), ("paused", Some(3)));
}

#[tokio::test]
async fn a_sweep_that_gets_no_more_trials_says_why_and_what_to_do() {
    let mut lab = Lab::start().await;
    let grid = "method: grid\nprogram: p\nparameters: {a: {values: [1, 2]}}\n";
    let bounded = lab.create(&format!("{grid}run_cap: 1\n")).await.id;
    // A cap never rises beyond the number of points.
    assert_eq!(extend(&mut lab, &bounded, 20, "").await.unwrap().raised_cap, Some(2));
    let whole = lab.create(grid).await.id;
    let endless = lab.create(RANDOM).await.id;
    let capped = format!("{RANDOM}\nrun_cap: 1\n");
    let stopped = lab.create(&capped).await.id;
    let mut agent = lab.agent("one", &stopped);
    let start = agent.ask().await;
    lab.change(&stopped, Change::Stop).await.unwrap();
    let cancelled = lab.create(&capped).await.id;
    lab.change(&cancelled, Change::Cancel).await.unwrap();
    // The only trial reaches the cap first, and then the target.
    let target = capped.replace("{name: val/loss}", "{name: val/loss, target: 0.2}");
    let target = lab.create(&target).await.id;
    lab.agent("two", &target).trial(0.1).await;
    for (id, why, hint) in [
        (&bounded, "its cap is 2, and its space has 2 points", "warm_start"),
        (&whole, "it has no `run_cap` to raise", "each of its 2 points"),
        (&endless, "it has no `run_cap` to raise", "sweep stop"),
        (&stopped, "a user stopped it", "sweep resume"),
        (&cancelled, "a user cancelled it", "warm_start"),
        (&target, "the target is reached", "warm_start"),
    ] {
        let refused = extend(&mut lab, id, 1, "").await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition, "{refused:?}");
        assert_eq!(refused.message(), format!("sweep `{id}` gets no more trials: {why}"));
        let advice = dial::hint(&refused).unwrap_or_default();
        assert!(advice.contains(hint), "{advice}");
    }
    lab.change(&stopped, Change::Resume).await.unwrap();
    assert_eq!(extend(&mut lab, &stopped, 1, "").await.unwrap().trials_bound, Some(2));
    agent.end(&start, "finished").await.unwrap();
    let most = extend(&mut lab, &stopped, u64::MAX, "").await.unwrap();
    assert_eq!(most.trials_bound, Some(i64::MAX.cast_unsigned()));
    let wrong = extend(&mut lab, &endless, 0, "").await.unwrap_err();
    assert_eq!(wrong.code(), Code::InvalidArgument);
    let missing = extend(&mut lab, "none1234", 1, "").await.unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
}
