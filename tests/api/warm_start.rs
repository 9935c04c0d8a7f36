//! Tests that a sweep starts from the results that earlier sweeps had when it was created.

use proto::v1::{CreateSweep, Repeated, ReplayTrials};
use tonic::Code;

use crate::lab::{Lab, RANDOM};

/// Returns the YAML of a Bayesian search that starts from the results of these sweeps.
fn warm(earlier: &[&str]) -> String {
    RANDOM.replace("method: random", "method: bayes")
        + &format!("warm_start: [{}]\n", earlier.join(", "))
}

#[tokio::test]
async fn the_best_finished_trials_are_taken_over_and_kept() {
    let mut lab = Lab::start().await;
    let (one, two) =
        (lab.create(RANDOM).await, lab.create(&RANDOM.replace("val/loss", "other")).await);
    let (mut first, mut second) = (lab.agent("one", &one.id), lab.agent("two", &two.id));
    for value in [0.5, 0.25, f64::NAN] {
        first.trial(value).await;
    }
    let failed = first.ask().await;
    first.log(&failed, 0, "val/loss", &[0.01]).await.unwrap();
    first.end(&failed, "failed").await.unwrap();
    // The second earlier sweep optimized another metric, so the last value of `val/loss` counts,
    // not the best.
    let start = second.ask().await;
    second.log(&start, 0, "val/loss", &[0.1, 0.4]).await.unwrap();
    second.end(&start, "finished").await.unwrap();

    let sweep = lab.create(&warm(&[&one.id, &two.id])).await;
    assert_eq!((sweep.earlier_trials, sweep.warnings), (3, vec![]));
    let mut agent = lab.agent("three", &sweep.id);
    for value in 0..6 {
        agent.trial(f64::from(value)).await;
    }
    let repeated = Some(Repeated { sweep: one.id.clone(), value: 0.25 });
    assert_eq!(lab.sweep(&sweep.id).await.repeats, repeated);
    assert_eq!(lab.run(&format!("{}-0", sweep.id)).await.repeats, repeated);
    assert_eq!(lab.run(&format!("{}-1", sweep.id)).await.repeats, None);
    // Later trials of the earlier sweep change nothing in the new sweep.
    first.trial(0.001).await;
    lab.restart().await;
    let mut agent = lab.agent("four", &sweep.id);
    agent.trial(0.3).await;
    assert_eq!(lab.sweep(&sweep.id).await.earlier_trials, 3);
    let request = ReplayTrials { sweep: sweep.id.clone(), trials: Vec::new() };
    let found = lab.sweeps.replay(request).await.unwrap().into_inner();
    assert_eq!((found.equal, found.incomparable, found.different), (7, 0, vec![]));
}

#[tokio::test]
async fn trials_that_break_a_limit_are_not_taken_over() {
    let mut lab = Lab::start().await;
    let one = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &one.id);
    for ms in [10.0, 30.0] {
        let start = agent.ask().await;
        agent.log(&start, 0, "val/loss", &[0.5]).await.unwrap();
        agent.log(&start, 1, "ms", &[ms]).await.unwrap();
        agent.end(&start, "finished").await.unwrap();
    }
    agent.trial(0.1).await;
    let limits =
        |max: u32| warm(&[&one.id]) + &format!("constraints: [{{metric: ms, max: {max}}}]\n");
    assert_eq!(lab.create(&limits(20)).await.earlier_trials, 1);
    let none = lab.create(&limits(5)).await;
    assert_eq!((none.earlier_trials, none.warnings.len()), (0, 1));
    assert!(none.warnings[0].contains("no finished run of sweep"), "{:?}", none.warnings);
}

#[tokio::test]
async fn an_unknown_sweep_is_refused_and_another_method_takes_nothing() {
    let mut lab = Lab::start().await;
    let request = CreateSweep { yaml: warm(&["nobody"]), ..CreateSweep::default() };
    let refused = lab.sweeps.create(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().contains("`warm_start` names the sweep `nobody`"), "{refused:?}");
    let sweep = lab.create(&warm(&["nobody"]).replace("bayes", "random")).await;
    assert_eq!((sweep.earlier_trials, sweep.warnings.len()), (0, 1));
}
