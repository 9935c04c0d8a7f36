//! Tests that a run that breaks a constraint is never the best and reaches no target, whatever its
//! value is.

use proto::v1::ReplayTrials;

use crate::lab::{FakeAgent, Lab, RANDOM, frames};

/// Returns the YAML of a sweep with a target and two constraints.
fn yaml(method: &str) -> String {
    let limits = "constraints: [{metric: ms, max: 20}, {metric: acc, min: 0.5}]\n";
    RANDOM
        .replace("method: random", &format!("method: {method}"))
        .replace("{name: val/loss}", "{name: val/loss, target: 0.1}")
        + limits
}

/// Runs a whole trial with a loss, latencies and an accuracy.
async fn trial(agent: &mut FakeAgent, loss: f64, latencies: &[f64], acc: Option<f64>) -> String {
    let start = agent.ask().await;
    agent.log(&start, 0, "val/loss", &[loss]).await.unwrap();
    agent.log(&start, 1, "ms", latencies).await.unwrap();
    if let Some(acc) = acc {
        agent.append(&start, "summary", 0, frames(0, "acc", &[acc])).await.unwrap();
    }
    agent.end(&start, "finished").await.unwrap();
    start.run
}

#[tokio::test]
async fn only_runs_within_all_limits_are_the_best_or_reach_the_target() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(&yaml("random")).await;
    let limits: Vec<_> =
        sweep.limits.iter().map(|limit| (limit.metric.as_str(), limit.min, limit.max)).collect();
    assert_eq!(limits, [("ms", None, Some(20.0)), ("acc", Some(0.5), None)]);
    let mut agent = lab.agent("one", &sweep.id);
    // The last latency counts, not the least. A metric that was never logged breaks its constraint.
    let slow = trial(&mut agent, 0.01, &[5.0, 21.0], Some(0.9)).await;
    let unknown = trial(&mut agent, 0.02, &[5.0], None).await;
    let now = lab.sweep(&sweep.id).await;
    assert_eq!((now.best, now.closing.as_str()), (None, ""));
    let good = trial(&mut agent, 0.5, &[30.0, 20.0], Some(0.5)).await;
    let better = trial(&mut agent, 0.3, &[f64::NAN, 1.0], Some(0.7)).await;
    trial(&mut agent, 0.4, &[1.0], Some(0.7)).await;
    let now = lab.sweep(&sweep.id).await;
    assert_eq!(now.best.map(|best| best.id), Some(better));
    let shown = |run: proto::v1::Run| {
        run.limited.into_iter().map(|one| (one.value, one.holds)).collect::<Vec<_>>()
    };
    assert_eq!(shown(lab.run(&slow).await), [(Some(21.0), false), (Some(0.9), true)]);
    assert_eq!(shown(lab.run(&unknown).await), [(Some(5.0), true), (None, false)]);
    assert_eq!(shown(lab.run(&good).await), [(Some(20.0), true), (Some(0.5), true)]);

    let start = agent.ask().await;
    agent.log(&start, 0, "val/loss", &[0.05]).await.unwrap();
    agent.log(&start, 1, "ms", &[5.0]).await.unwrap();
    agent.append(&start, "summary", 0, frames(0, "acc", &[0.9])).await.unwrap();
    assert_eq!(lab.sweep(&sweep.id).await.closing, "", "a limit may still be broken");
    assert_eq!(shown(lab.run(&start.run).await), []);
    agent.end(&start, "finished").await.unwrap();
    let now = lab.sweep(&sweep.id).await;
    assert_eq!((now.closing.as_str(), now.best.map(|best| best.id)), ("target", Some(start.run)));
}

#[tokio::test]
async fn late_rows_do_not_change_the_best_run() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(&yaml("random")).await;
    let mut agent = lab.agent("one", &sweep.id);
    let mut starts = Vec::new();
    for (loss, ms) in [(0.5, 10.0), (0.4, 10.0), (0.3, 30.0)] {
        let start = agent.ask().await;
        agent.log(&start, 0, "val/loss", &[loss]).await.unwrap();
        agent.log(&start, 1, "ms", &[ms]).await.unwrap();
        agent.append(&start, "summary", 0, frames(0, "acc", &[0.9])).await.unwrap();
        agent.end(&start, "finished").await.unwrap();
        starts.push(start);
    }
    agent.log(&starts[1], 2, "ms", &[25.0]).await.unwrap();
    agent.log(&starts[2], 2, "ms", &[15.0]).await.unwrap();
    assert_eq!(lab.sweep(&sweep.id).await.best.map(|best| best.id), Some(starts[1].run.clone()));
    let limited = lab.run(&starts[2].run).await.limited;
    assert_eq!((limited[0].value, limited[0].holds), (Some(30.0), false), "as it was at its end");
}

#[tokio::test]
async fn a_search_with_limits_replays_over_a_restart() {
    let mut lab = Lab::start().await;
    for method in ["bayes", "sobol"] {
        let sweep = lab.create(&yaml(method)).await;
        let mut agent = lab.agent(method, &sweep.id);
        for n in 0..8 {
            let n = f64::from(n);
            trial(&mut agent, 1.0 + n, &[30.0 - 3.0 * n], (n > 2.0).then_some(0.8)).await;
        }
        lab.restart().await;
        let mut agent = lab.agent(&format!("{method}-again"), &sweep.id);
        trial(&mut agent, 0.7, &[12.0], Some(0.6)).await;
        let request = ReplayTrials { sweep: sweep.id.clone(), trials: Vec::new() };
        let found = lab.sweeps.replay(request).await.unwrap().into_inner();
        assert_eq!((found.equal, found.incomparable, found.different), (9, 0, vec![]));
    }
}
