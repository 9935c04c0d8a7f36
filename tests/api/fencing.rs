//! Tests attempts, leases and orders: no trial is lost, and no result counts twice.

use std::time::Duration;

use proto::v1::{Held, RunAttempt};
use tonic::Code;

use crate::lab::{Lab, RANDOM, code, eventually, frames, pause};

/// Starts a controller with leases of one second.
async fn hasty() -> Lab {
    Lab::with(|settings| settings.lease = Duration::from_secs(1)).await
}

#[tokio::test]
async fn a_lost_agent_gives_its_trial_to_another_and_is_fenced() {
    let mut lab = hasty().await;
    let sweep = lab.create(RANDOM).await;
    let mut lost = lab.agent("lost", &sweep.id);
    let old = lost.ask().await;
    lost.log(&old, 0, "val/loss", &[0.9]).await.unwrap();
    eventually("the lease ends", async || {
        let run = lab.run(&old.run).await;
        (run.state == "queued", run)
    })
    .await;

    let mut heir = lab.agent("heir", &sweep.id);
    let new = heir.ask().await;
    assert_eq!((&new.run, new.attempt, &new.params_json), (&old.run, 2, &old.params_json));
    heir.log(&new, 0, "val/loss", &[0.4]).await.unwrap();

    assert_eq!(code(lost.log(&old, 1, "val/loss", &[0.1]).await), Code::Aborted);
    let orders = lost.heartbeat().await.unwrap();
    assert_eq!((orders.stop.len(), orders.stop[0].reason.as_str()), (1, "fenced"));
    assert_eq!(code(lost.end(&old, "finished").await), Code::Aborted);
    let ended = heir.end(&new, "finished").await.unwrap().run.unwrap();
    assert_eq!((ended.value, ended.rows, ended.attempt), (Some(0.4), 1, 2));

    let blocks = lab.blocks(&new.run, "history").await;
    let marks: Vec<_> =
        blocks.iter().map(|block| (block.attempt, block.offset, block.fenced)).collect();
    assert_eq!(marks, [(1, 0, false), (1, 1, true), (2, 0, false)]);
}

#[tokio::test]
async fn a_lost_attempt_that_reports_again_goes_on() {
    let mut lab = hasty().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("slow", &sweep.id);
    let start = agent.ask().await;
    agent.log(&start, 0, "val/loss", &[0.9]).await.unwrap();
    eventually("the lease ends", async || {
        let run = lab.run(&start.run).await;
        (run.state == "queued", run)
    })
    .await;
    let orders = agent.heartbeat().await.unwrap();
    assert_eq!((orders.keep.len(), orders.stop.len()), (1, 0));
    let run = lab.run(&start.run).await;
    assert_eq!((run.state.as_str(), run.attempt, run.rows), ("running", 1, 1));
}

#[tokio::test]
async fn heartbeats_keep_a_lease() {
    let mut lab = hasty().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("steady", &sweep.id);
    let start = agent.ask().await;
    agent.beat.wait_ms = 300;
    for _ in 0..8 {
        let orders = agent.heartbeat().await.unwrap();
        assert_eq!(orders.keep, [RunAttempt { run: start.run.clone(), attempt: 1 }]);
    }
    assert_eq!(lab.run(&start.run).await.state, "running");
}

#[tokio::test]
async fn a_trial_that_crashes_too_often_is_over() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(&format!("{RANDOM}\nrun_cap: 1\n")).await;
    let mut agent = lab.agent("fragile", &sweep.id);
    for attempt in 1..=3 {
        let start = agent.ask().await;
        assert_eq!(start.attempt, attempt);
        agent.log(&start, 0, "val/loss", &[1.0]).await.unwrap();
        agent.reborn();
    }
    assert!(agent.heartbeat().await.unwrap().sweep_over);
    let sweep = lab.sweep(&sweep.id).await;
    assert_eq!((sweep.state.as_str(), sweep.counts.unwrap().crashed), ("finished", 1));
}

#[tokio::test]
async fn a_new_incarnation_loses_what_it_does_not_name() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let kept = agent.ask().await;
    let lost = agent.ask().await;
    let held = agent.beat.holds[0].clone();
    agent.beat.free = 0;
    agent.heartbeat().await.unwrap();
    agent.reborn();
    agent.beat.holds = vec![held];
    agent.beat.free = 0;
    let orders = agent.heartbeat().await.unwrap();
    assert_eq!(orders.keep, [RunAttempt { run: kept.run.clone(), attempt: 1 }]);
    assert_eq!(lab.run(&lost.run).await.state, "queued");
    assert_eq!(lab.run(&kept.run).await.state, "running");
}

#[tokio::test]
async fn a_lost_reply_is_healed_by_the_next_beat() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let lost = agent.heartbeat().await.unwrap().start.remove(0);
    let again = agent.heartbeat().await.unwrap().start;
    assert_eq!(again.len(), 1);
    assert_eq!((&again[0].run, again[0].attempt), (&lost.run, lost.attempt));
    assert_eq!(lab.sweep(&sweep.id).await.counts.unwrap().trials, 1);
}

#[tokio::test]
async fn a_declined_trial_returns_to_the_queue_without_charge() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("full", &sweep.id);
    let start = agent.ask().await;
    agent.decline(&start);
    agent.beat.free = 0;
    agent.heartbeat().await.unwrap();
    assert_eq!(lab.run(&start.run).await.state, "queued");
    assert_eq!(
        code(agent.append(&start, "history", 0, frames(0, "val/loss", &[1.0])).await),
        Code::Aborted
    );
    let again = lab.agent("other", &sweep.id).ask().await;
    assert_eq!((&again.run, again.attempt), (&start.run, 2));
}

#[tokio::test]
async fn older_beats_and_older_incarnations_are_refused() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    agent.beat.incarnation = 3;
    agent.beat.beat = 10;
    agent.heartbeat().await.unwrap();
    agent.beat.beat = 5;
    assert_eq!(code(agent.heartbeat().await), Code::FailedPrecondition);
    agent.beat.incarnation = 2;
    agent.beat.beat = 90;
    assert_eq!(code(agent.heartbeat().await), Code::FailedPrecondition);
}

#[tokio::test]
async fn a_preempted_trial_is_first_in_the_queue() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    let mut agents: Vec<_> = (0..3).map(|n| lab.agent(&format!("a{n}"), &sweep.id)).collect();
    let mut starts = Vec::new();
    for agent in &mut agents {
        starts.push(agent.ask().await);
    }
    agents[0].decline(&starts[0]);
    agents[0].beat.free = 0;
    agents[0].heartbeat().await.unwrap();
    agents[2].end(&starts[2], "preempted").await.unwrap();
    assert_eq!(lab.run(&starts[2].run).await.state, "queued");
    assert_eq!(code(agents[2].log(&starts[2], 0, "val/loss", &[1.0]).await), Code::Aborted);
    let mut fresh = lab.agent("fresh", &sweep.id);
    let next = fresh.ask().await;
    assert_eq!((&next.run, next.attempt), (&starts[2].run, 2));
    fresh.decline(&next);
    fresh.beat.free = 0;
    fresh.heartbeat().await.unwrap();
    let again = lab.agent("fresher", &sweep.id).ask().await;
    assert_eq!((&again.run, again.attempt), (&starts[2].run, 3), "it keeps its place");
}

#[tokio::test]
async fn a_long_poll_waits_and_is_woken_by_work() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(&format!("{RANDOM}\nrun_cap: 1\n")).await;
    let mut busy = lab.agent("busy", &sweep.id);
    let start = busy.ask().await;
    let mut idle = lab.agent("idle", &sweep.id);
    idle.beat.wait_ms = 9_000;
    let waiting = tokio::spawn(async move { idle.heartbeat().await.unwrap() });
    busy.decline(&start);
    busy.beat.free = 0;
    busy.heartbeat().await.unwrap();
    let orders = tokio::time::timeout(Duration::from_secs(60), waiting).await.unwrap().unwrap();
    assert_eq!(orders.start.len(), 1);
}

#[tokio::test]
async fn a_run_that_another_agent_owns_is_fenced() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    let start = lab.agent("owner", &sweep.id).ask().await;
    let mut thief = lab.agent("thief", &sweep.id);
    thief.beat.free = 0;
    thief.beat.holds = vec![
        Held { run: start.run.clone(), attempt: 1, started: true },
        Held { run: "nowhere-9".to_owned(), attempt: 1, started: true },
    ];
    let orders = thief.heartbeat().await.unwrap();
    assert!(orders.keep.is_empty());
    assert!(
        orders.stop.iter().all(|stop| stop.reason == "fenced" && stop.grace_ms == 15_000),
        "{orders:?}"
    );
    assert_eq!(orders.stop.len(), 2);
}

#[tokio::test]
async fn each_returned_trial_wakes_one_agent_with_room() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(&format!("{RANDOM}\nrun_cap: 4\n")).await;
    let mut full = lab.agent("full", &sweep.id);
    full.ask().await;
    let mut busy = lab.agent("busy", &sweep.id);
    for _ in 0..3 {
        busy.ask().await;
    }
    // The agent `full` waits first, so it is first in line. It has no free slot, so a returned
    // trial must wake another agent.
    full.beat.wait_ms = 9_000;
    let full = tokio::spawn(async move { full.heartbeat().await });
    pause(100).await;
    let idle = (0..3).map(|number| {
        let mut idle = lab.agent(&format!("idle-{number}"), &sweep.id);
        idle.beat.wait_ms = 9_000;
        tokio::spawn(async move { idle.heartbeat().await.unwrap().start.len() })
    });
    let idle: Vec<_> = idle.collect();
    pause(200).await;
    busy.reborn();
    busy.beat.free = 0;
    busy.heartbeat().await.unwrap();
    for waiting in idle {
        let starts = tokio::time::timeout(Duration::from_secs(60), waiting).await.unwrap().unwrap();
        assert_eq!(starts, 1);
    }
    full.abort();
}

#[tokio::test]
async fn a_sweep_that_cannot_be_read_does_not_keep_the_leases_of_others() {
    let mut lab = hasty().await;
    let (bad, good) = (lab.create(RANDOM).await, lab.create(RANDOM).await);
    lab.agent("of-bad", &bad.id).ask().await;
    let start = lab.agent("of-good", &good.id).ask().await;
    let database = rusqlite::Connection::open(lab.folder().join("besom.db")).unwrap();
    database.execute("UPDATE progress SET state = 'damaged' WHERE sweep = ?1", [&bad.id]).unwrap();
    eventually("the lease ends", async || {
        let run = lab.run(&start.run).await;
        (run.state == "queued", run)
    })
    .await;
}
