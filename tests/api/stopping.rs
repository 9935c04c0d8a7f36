//! Tests early stopping. As soon as a row arrives, the controller decides whether the trial stops,
//! and reports the decision to the program and the agent. The controller stores the decision. The
//! search receives the result through the event of the run's end.

use std::time::Duration;

use proto::v1::{Change, ReplayTrials, RetryRuns, Rung, Start};
use record::{Row, Value, Writer};
use rusqlite::Connection;
use tonic::Code;

use crate::lab::{FakeAgent, Lab, RANDOM, code, eventually, pause};

/// A rule with rungs at 1, 3, 9, ... logged values. As with W&B, the worse of two trials at a rung
/// stops.
const HYPERBAND: &str = "early_terminate: {type: hyperband, min_iter: 1, eta: 3}";

const KEY: &str = "val/loss";

fn with(rule: &str) -> String {
    format!("{RANDOM}\n{rule}\n")
}

fn rung(iteration: u64, value: f64, (rank, of): (u64, u64), threshold: f64, stop: bool) -> Rung {
    Rung { iteration, value, rank, of, threshold: Some(threshold), stop }
}

/// Runs a trial that logs these values and finishes.
async fn whole(agent: &mut FakeAgent, values: &[f64]) -> Start {
    let start = agent.ask().await;
    let appended = agent.log(&start, 0, KEY, values).await.unwrap();
    assert!(!appended.stop_wanted, "{values:?}");
    agent.end(&start, "finished").await.unwrap();
    start
}

/// Returns the events of the ends of all runs, from which the search takes the results.
fn ends(lab: &Lab) -> Vec<serde_json::Value> {
    let database = Connection::open(lab.folder().join("besom.db")).unwrap();
    let mut statement = database
        .prepare("SELECT body FROM events WHERE kind = 'run.ended' ORDER BY number")
        .unwrap();
    let bodies = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    bodies.map(|body| serde_json::from_str(&body.unwrap()).unwrap()).collect()
}

#[tokio::test]
async fn a_rule_that_judged_no_trial_is_reported() {
    let mut lab = Lab::start().await;
    let rule = "run_cap: 2\nearly_terminate: {type: hyperband, min_iter: 3}";
    let (never, judges) = (lab.create(&with(rule)).await, lab.create(&with(rule)).await);
    let mut agent = lab.agent("one", &never.id);
    let once = whole(&mut agent, &[5.0]).await;
    assert_eq!(
        lab.run(&once.run).await.note,
        "`val/loss` was logged once in its history, and `early_terminate` judges a trial from 3 \
        on: it can stop \
         no trial like this one"
    );
    assert_eq!(lab.sweep(&never.id).await.note, "", "other trials may log more");
    whole(&mut agent, &[5.0, 4.0]).await;
    assert_eq!(
        lab.sweep(&never.id).await.note,
        "the sweep is over: run_cap is reached; `early_terminate` has judged no trial, since none \
        logged \
         `val/loss` 3 times in its history"
    );

    let mut agent = lab.agent("two", &judges.id);
    whole(&mut agent, &[5.0, 4.0, 3.0]).await;
    let short = whole(&mut agent, &[5.0]).await;
    assert_eq!(lab.run(&short.run).await.note, "", "the rule is known to judge");
    assert_eq!(lab.sweep(&judges.id).await.note, "the sweep is over: run_cap is reached");
}

#[tokio::test]
async fn a_bad_trial_is_stopped_at_once_and_ends_pruned() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(&with(HYPERBAND)).await;
    assert_eq!(
        sweep.early_terminate,
        "hyperband judges a trial when it has logged the metric 1, 3, 9, ... times: of 4, 10, 100 \
        trials there \
         the best 2, 4, 34 go on"
    );
    let mut agent = lab.agent("one", &sweep.id);
    whole(&mut agent, &[5.0, 4.0, 3.0]).await;

    let bad = agent.ask().await;
    assert!(!agent.log(&bad, 0, KEY, &[4.5]).await.unwrap().stop_wanted, "better at 1");
    agent.beat.wait_ms = 20_000;
    let mut waiting = agent.clone();
    let orders = tokio::spawn(async move { waiting.heartbeat().await.unwrap() });
    pause(300).await;
    assert!(!orders.is_finished(), "the heartbeat waits for an order");
    assert!(agent.log(&bad, 1, KEY, &[4.4, 4.2]).await.unwrap().stop_wanted, "worse at 3");
    let orders = tokio::time::timeout(Duration::from_secs(60), orders).await.unwrap().unwrap();
    assert_eq!((orders.stop.len(), orders.stop[0].reason.as_str()), (1, "pruned"));
    agent.beat.beat += 1;

    let decisions = [rung(1, 4.5, (1, 2), 4.5, false), rung(3, 4.2, (2, 2), 3.0, true)];
    let run = lab.run(&bad.run).await;
    assert!(run.stop_wanted && run.state == "running");
    assert_eq!(run.rungs, decisions);
    let ended = agent.end(&bad, "stopped").await.unwrap().run.unwrap();
    assert_eq!((ended.state.as_str(), ended.value), ("pruned", Some(4.2)));
    let counts = lab.sweep(&sweep.id).await.counts.unwrap();
    assert_eq!((counts.pruned, counts.stopped, counts.finished), (1, 0, 1));

    let told = ends(&lab);
    let rungs = serde_json::json!([{"iteration": 1, "value": 4.5}, {"iteration": 3, "value": 4.2}]);
    assert_eq!(
        (&told[1]["state"], &told[1]["value"], &told[1]["rungs"]),
        (&"pruned".into(), &4.2.into(), &rungs)
    );
    assert_eq!(
        told[0]["rungs"][1],
        serde_json::json!({"iteration": 3, "value": 3.0}),
        "finished trials report theirs"
    );
    let retry = RetryRuns { sweep: sweep.id.clone(), runs: vec![bad.run.clone()] };
    assert_eq!(
        code(lab.sweeps.retry(retry).await),
        Code::FailedPrecondition,
        "a rule's decision is final"
    );
    lab.restart().await;
    assert_eq!(lab.run(&bad.run).await.rungs, decisions);
}

#[tokio::test]
async fn repeated_rows_count_once_and_rungs_of_one_append_come_in_order() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(&with(HYPERBAND)).await;
    let mut agent = lab.agent("one", &sweep.id);
    let good = agent.ask().await;
    let nine = [9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0];
    for _ in 0..2 {
        agent.log(&good, 0, KEY, &nine[..2]).await.unwrap();
    }
    agent.log(&good, 1, KEY, &nine[1..2]).await.unwrap();
    let first = rung(1, 9.0, (1, 1), 9.0, false);
    assert_eq!(
        lab.run(&good.run).await.rungs,
        std::slice::from_ref(&first),
        "two values were logged, not five"
    );
    agent.log(&good, 1, KEY, &nine[1..]).await.unwrap();
    let all = [first, rung(3, 7.0, (1, 1), 7.0, false), rung(9, 1.0, (1, 1), 1.0, false)];
    assert_eq!(lab.run(&good.run).await.rungs, all);

    // The trial is the better one at rung 1 and the worse one at rung 3. At rung 9 it would have
    // been the best, but a stopped trial is not judged again.
    let bad = agent.ask().await;
    let appended =
        agent.log(&bad, 0, KEY, &[8.0, 8.0, 8.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]).await.unwrap();
    assert!(appended.stop_wanted && appended.next == 9, "all rows are kept");
    let decided = [rung(1, 8.0, (1, 2), 8.0, false), rung(3, 8.0, (2, 2), 7.0, true)];
    assert_eq!(lab.run(&bad.run).await.rungs, decided);
    agent.log(&bad, 9, KEY, &[0.0; 30]).await.unwrap();
    let run = lab.run(&bad.run).await;
    assert_eq!((run.rungs.as_slice(), run.rows, run.value), (&decided[..], 39, Some(0.0)));
}

#[tokio::test]
async fn nonfinite_values_and_summaries_are_no_iterations() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(&with("early_terminate: {type: asha, min_iter: 2}")).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    agent.log(&start, 0, KEY, &[f64::NAN, 1.0, f64::INFINITY]).await.unwrap();
    agent.log(&start, 3, "other", &[1.0, 1.0]).await.unwrap();
    let mut summary = Vec::new();
    let values = vec![(KEY.to_owned(), Value::F64(0.5))];
    Writer::default().frame(&[Row { step: 0, wall_ms: 0, values }], &mut summary);
    agent.append(&start, "summary", 0, summary).await.unwrap();
    assert_eq!(lab.run(&start.run).await.rungs, []);
    agent.log(&start, 5, KEY, &[2.0]).await.unwrap();
    let decided = Rung { iteration: 2, value: 0.5, rank: 1, of: 1, threshold: None, stop: false };
    assert_eq!(
        lab.run(&start.run).await.rungs,
        [decided],
        "the best so far, wherever it was logged"
    );
}

#[tokio::test]
async fn larger_is_better_where_the_sweep_says_so() {
    let mut lab = Lab::start().await;
    let yaml = with(HYPERBAND).replace("name: val/loss", "name: val/loss, goal: maximize");
    let sweep = lab.create(&yaml).await;
    let mut agent = lab.agent("one", &sweep.id);
    whole(&mut agent, &[0.5]).await;
    whole(&mut agent, &[0.7]).await;
    let bad = agent.ask().await;
    assert!(agent.log(&bad, 0, KEY, &[0.4]).await.unwrap().stop_wanted);
    assert_eq!(lab.run(&bad.run).await.rungs, [rung(1, 0.4, (3, 3), 0.5, true)]);
}

#[tokio::test]
async fn a_stopped_trial_is_pruned_however_it_ends() {
    let mut lab = Lab::with(|settings| settings.lease = Duration::from_secs(1)).await;
    let sweep = lab.create(&with(HYPERBAND)).await;
    let mut agent = lab.agent("one", &sweep.id);
    whole(&mut agent, &[0.5]).await;
    for (value, state) in [(0.6, "finished"), (0.7, "failed"), (0.8, "stopped"), (0.9, "preempted")]
    {
        let bad = agent.ask().await;
        assert!(agent.log(&bad, 0, KEY, &[value]).await.unwrap().stop_wanted);
        let ended = agent.end(&bad, state).await.unwrap().run.unwrap();
        assert_eq!(ended.state, "pruned", "{state}");
    }
    let lost = agent.ask().await;
    assert!(agent.log(&lost, 0, KEY, &[1.0]).await.unwrap().stop_wanted);
    eventually("the lease ends", async || {
        let run = lab.run(&lost.run).await;
        (run.state == "pruned", run)
    })
    .await;
    let sweep = lab.sweep(&sweep.id).await;
    assert_eq!((sweep.counts.unwrap().pruned, sweep.best.unwrap().value), (5, Some(0.5)));
}

#[tokio::test]
async fn a_new_attempt_starts_its_rungs_anew_and_an_old_one_does_not_count() {
    let mut lab = Lab::with(|settings| settings.lease = Duration::from_secs(1)).await;
    let sweep = lab.create(&with(HYPERBAND)).await;
    let mut lost = lab.agent("lost", &sweep.id);
    let old = lost.ask().await;
    lost.log(&old, 0, KEY, &[0.1]).await.unwrap();
    eventually("the lease ends", async || (lab.run(&old.run).await.state == "queued", ())).await;

    let mut heir = lab.agent("heir", &sweep.id);
    let new = heir.ask().await;
    assert_eq!((&new.run, new.attempt), (&old.run, 2));
    assert_eq!(lab.run(&new.run).await.rungs, []);
    assert_eq!(code(lost.log(&old, 1, KEY, &[0.1, 0.1]).await), Code::Aborted);
    assert_eq!(lab.run(&new.run).await.rungs, [], "late rows are kept and not judged");

    // Another trial competes with the values of the old attempt. The new attempt of the same run
    // does not compete with them.
    let mut other = lab.agent("other", &sweep.id);
    let second = other.ask().await;
    assert!(other.log(&second, 0, KEY, &[0.2]).await.unwrap().stop_wanted, "0.1 was better");
    assert!(heir.log(&new, 0, KEY, &[0.3]).await.unwrap().stop_wanted);
    assert_eq!(lab.run(&new.run).await.rungs, [rung(1, 0.3, (2, 2), 0.2, true)]);
}

#[tokio::test]
async fn a_cancelled_trial_is_not_judged() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(&with(HYPERBAND)).await;
    let mut agent = lab.agent("one", &sweep.id);
    whole(&mut agent, &[0.5]).await;
    let start = agent.ask().await;
    lab.change(&sweep.id, Change::Cancel).await.unwrap();
    agent.log(&start, 0, KEY, &[0.9]).await.unwrap();
    let ended = agent.end(&start, "stopped").await.unwrap().run.unwrap();
    assert_eq!(ended.state, "stopped");
    assert_eq!(lab.run(&start.run).await.rungs, []);
}

#[tokio::test]
async fn a_search_with_pruned_trials_replays_from_its_events() {
    let mut lab = Lab::start().await;
    let yaml = with(HYPERBAND).replace("method: random", "method: bayes");
    let sweep = lab.create(&yaml).await;
    let mut agent = lab.agent("one", &sweep.id);
    let lr = |json: &str| {
        serde_json::from_str::<serde_json::Value>(json).unwrap()["lr"].as_f64().unwrap()
    };
    for round in 0..10 {
        if round == 6 {
            lab.restart().await;
            agent = lab.agent("two", &sweep.id);
        }
        let start = agent.ask().await;
        let value = (lr(&start.params_json) - 0.3).powi(2);
        let appended = agent.log(&start, 0, KEY, &[value; 3]).await.unwrap();
        agent.end(&start, if appended.stop_wanted { "stopped" } else { "finished" }).await.unwrap();
    }
    let counts = lab.sweep(&sweep.id).await.counts.unwrap();
    assert!(
        counts.pruned > 0 && counts.finished > 0 && counts.pruned + counts.finished == 10,
        "{counts:?}"
    );
    let request = ReplayTrials { sweep: sweep.id.clone(), trials: Vec::new() };
    let found = lab.sweeps.replay(request).await.unwrap().into_inner();
    assert_eq!((found.equal, found.incomparable, found.different), (10, 0, vec![]));
}

#[tokio::test]
async fn a_pruned_trial_reports_its_limits_and_is_never_the_best() {
    let mut lab = Lab::start().await;
    let yaml = with(HYPERBAND).replace("name: val/loss", "name: val/loss, target: 0.1")
        + "constraints: [{metric: ms, max: 20}]\n";
    let sweep = lab.create(&yaml).await;
    let mut agent = lab.agent("one", &sweep.id);
    let good = agent.ask().await;
    agent.log(&good, 0, KEY, &[0.5]).await.unwrap();
    agent.log(&good, 1, "ms", &[5.0]).await.unwrap();
    agent.end(&good, "finished").await.unwrap();
    let bad = agent.ask().await;
    assert!(agent.log(&bad, 0, KEY, &[0.6]).await.unwrap().stop_wanted);
    agent.log(&bad, 1, KEY, &[0.05]).await.unwrap();
    agent.log(&bad, 2, "ms", &[30.0]).await.unwrap();
    let ended = agent.end(&bad, "stopped").await.unwrap().run.unwrap();
    assert_eq!((ended.state.as_str(), ended.value), ("pruned", Some(0.05)));
    let told = ends(&lab);
    let (rungs, limits) = (&told[1]["rungs"], &told[1]["constrained"]);
    assert_eq!(
        (rungs, limits),
        (&serde_json::json!([{"iteration": 1, "value": 0.6}]), &serde_json::json!([30.0]))
    );
    let run = lab.run(&bad.run).await;
    assert!(run.rungs.len() == 1 && run.limited.len() == 1 && !run.limited[0].holds);
    let now = lab.sweep(&sweep.id).await;
    assert_eq!(
        (now.best.as_ref().map(|best| &best.id), now.closing.as_str()),
        (Some(&good.run), "")
    );

    // With this late row, the pruned trial would be within the limit, and its value would reach the
    // target.
    agent.log(&bad, 3, "ms", &[10.0]).await.unwrap();
    assert!(!lab.run(&bad.run).await.limited[0].holds);
    let now = lab.sweep(&sweep.id).await;
    assert_eq!((now.best.map(|best| best.id), now.closing.as_str()), (Some(good.run), ""));
}
