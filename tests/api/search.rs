//! Tests that a replay computes the same suggestions again from the stored rows.

use proto::v1::{ReplayTrials, Replayed};
use tonic::Code;

use crate::lab::{GRID, Lab, RANDOM, code};

async fn replay(lab: &mut Lab, sweep: &str) -> Replayed {
    let request = ReplayTrials { sweep: sweep.to_owned(), trials: Vec::new() };
    lab.sweeps.replay(request).await.unwrap().into_inner()
}

#[tokio::test]
async fn grid_and_random_replay_bit_by_bit() {
    let mut lab = Lab::start().await;
    for yaml in [GRID, RANDOM] {
        let sweep = lab.create(yaml).await;
        let mut agent = lab.agent(&format!("of-{}", sweep.id), &sweep.id);
        for value in 0..12 {
            agent.trial(f64::from(value)).await;
        }
        let found = replay(&mut lab, &sweep.id).await;
        assert_eq!((found.equal, found.incomparable, found.different), (12, 0, vec![]));
    }
}

#[tokio::test]
async fn a_model_proposes_and_replays_over_a_restart_with_failures_and_retries() {
    let mut lab = Lab::start().await;
    let yaml = RANDOM.replace("method: random", "method: bayes");
    let sweep = lab.create(&yaml).await;
    let (mut one, mut two) = (lab.agent("one", &sweep.id), lab.agent("two", &sweep.id));
    for round in 0..6 {
        let (start, other) = (one.ask().await, two.ask().await);
        let lr = |json: &str| {
            serde_json::from_str::<serde_json::Value>(json).unwrap()["lr"].as_f64().unwrap()
        };
        let value = (lr(&start.params_json) - 0.3).powi(2);
        one.log(&start, 0, "val/loss", &[value]).await.unwrap();
        two.end(&other, if round == 2 { "failed" } else { "finished" }).await.unwrap();
        one.end(&start, "finished").await.unwrap();
        if round == 3 {
            let retry = proto::v1::RetryRuns { sweep: sweep.id.clone(), runs: Vec::new() };
            lab.sweeps.retry(retry).await.unwrap();
        }
    }
    let runs = lab.list(&sweep.id).await;
    let points: std::collections::BTreeSet<_> =
        runs.iter().map(|run| run.config_json.clone()).collect();
    assert_eq!(points.len(), runs.len(), "no point twice");
    assert!(runs.iter().any(|run| run.suggestion_json.contains(r#""kind":"model""#)), "{runs:?}");

    let count = runs.len() as u64;
    let found = replay(&mut lab, &sweep.id).await;
    assert_eq!((found.equal, found.incomparable, found.different), (count, 0, vec![]));
    lab.restart().await;
    let mut three = lab.agent("three", &sweep.id);
    three.trial(0.01).await;
    let found = replay(&mut lab, &sweep.id).await;
    assert_eq!((found.equal, found.incomparable, found.different), (count + 1, 0, vec![]));
}

#[tokio::test]
async fn a_trial_that_does_not_exist_cannot_be_replayed() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(GRID).await;
    let request = ReplayTrials { sweep: sweep.id, trials: vec![0] };
    assert_eq!(code(lab.sweeps.replay(request).await), Code::NotFound);
}
