//! Tests a controller that ends and starts again on the same folder.

use std::time::Duration;

use controller::{Controller, StartError, chance::Chance, clock::Clock, settings::Settings};
use proto::v1::SweepRef;
use tonic::Code;

use crate::lab::{GRID, Lab, RANDOM, pause};

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(GRID).await;
    let mut agent = lab.agent("one", &sweep.id);
    agent.trial(0.5).await;
    let start = agent.ask().await;
    agent.log(&start, 0, "val/loss", &[0.4]).await.unwrap();
    let before = (lab.sweep(&sweep.id).await, lab.list(&sweep.id).await);

    lab.restart().await;
    assert_eq!((lab.sweep(&sweep.id).await, lab.list(&sweep.id).await), before);
    let beat = agent.beat.clone();
    agent = lab.agent("one", &sweep.id);
    agent.beat = beat;
    agent.beat.free = 0;
    assert_eq!(agent.heartbeat().await.unwrap().keep.len(), 1);
    assert_eq!(agent.log(&start, 1, "val/loss", &[0.3]).await.unwrap().next, 2);
    agent.end(&start, "finished").await.unwrap();
    for value in 0..10 {
        agent.trial(f64::from(value)).await;
    }
    let done = lab.sweep(&sweep.id).await;
    assert_eq!((done.state.as_str(), done.counts.unwrap().finished), ("finished", 12));
    assert_eq!(done.best.unwrap().value, Some(0.0));
}

#[tokio::test]
async fn a_lease_has_a_full_term_after_a_restart_and_then_ends() {
    let mut lab = Lab::with(|settings| settings.lease = Duration::from_secs(1)).await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("gone", &sweep.id);
    let start = agent.ask().await;
    agent.log(&start, 0, "val/loss", &[0.4]).await.unwrap();
    lab.restart().await;
    assert_eq!(lab.run(&start.run).await.state, "running");
    crate::lab::eventually("the lease ends", async || {
        let run = lab.run(&start.run).await;
        (run.state == "queued", run)
    })
    .await;
}

#[tokio::test]
async fn an_incarnation_is_remembered() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    agent.log(&start, 0, "val/loss", &[0.4]).await.unwrap();
    lab.restart().await;
    let mut reborn = lab.agent("one", &sweep.id);
    reborn.beat.incarnation = 2;
    reborn.beat.free = 0;
    reborn.heartbeat().await.unwrap();
    assert_eq!(lab.run(&start.run).await.state, "queued");
}

#[tokio::test]
async fn shutting_down_ends_long_polls_and_streams() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(&format!("{RANDOM}\nrun_cap: 1\n")).await;
    lab.agent("busy", &sweep.id).ask().await;
    let mut idle = lab.agent("idle", &sweep.id);
    idle.beat.wait_ms = 9_000;
    let poll = tokio::spawn(async move { idle.heartbeat().await });
    let mut updates =
        lab.sweeps.watch(SweepRef { sweep: sweep.id.clone() }).await.unwrap().into_inner();
    updates.message().await.unwrap().unwrap();
    pause(200).await;
    tokio::time::timeout(Duration::from_secs(60), lab.shutdown()).await.unwrap();
    assert!(poll.await.unwrap().unwrap().start.is_empty());
    assert_eq!(updates.message().await.unwrap_err().code(), Code::Unavailable);
}

#[tokio::test]
async fn two_controllers_never_share_a_folder() {
    let lab = Lab::start().await;
    let settings = Settings {
        listen: "127.0.0.1:0".parse().unwrap(),
        data: lab.folder().to_owned(),
        ..Settings::default()
    };
    let second = Controller::start(settings, Clock::system(), Chance::system()).await;
    assert!(matches!(second, Err(StartError::InUse(_))), "{second:?}");
}
