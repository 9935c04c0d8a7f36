//! Tests failed attempts: which of them are retried, which count as diverged, and when failures
//! pause the sweep.

use proto::v1::{Change, EndRun, Outcome, ReplayTrials, RetryRuns, Start};
use record::{Row, Value, Writer};
use tonic::Code;

use crate::lab::{Lab, RANDOM, code};

/// Returns the attempt and the class of each failure of a run.
async fn failures(lab: &mut Lab, run: &str) -> Vec<(u32, String)> {
    lab.run(run)
        .await
        .failures
        .into_iter()
        .map(|failure| (failure.attempt, failure.class))
        .collect()
}

#[tokio::test]
async fn a_failed_trial_is_retried_as_its_class_allows() {
    let mut lab = Lab::start().await;
    let yaml = format!("{RANDOM}\nrun_cap: 1\nretry: {{error: 1, out_of_memory: 1}}\n");
    let sweep = lab.create(&yaml).await;
    let mut agent = lab.agent("one", &sweep.id);
    let first = agent.ask().await;
    agent.log(&first, 0, "val/loss", &[0.1]).await.unwrap();
    let queued = agent.fail(&first, "error", 600).await.unwrap();
    assert_eq!(
        (queued.state.as_str(), queued.outcome.unwrap().class.as_str()),
        ("queued", "error")
    );
    assert_eq!(
        code(agent.log(&first, 1, "val/loss", &[0.1]).await),
        Code::Aborted,
        "the attempt is over"
    );

    let second = agent.ask().await;
    assert_eq!((second.attempt, second.token == first.token), (2, false));
    let as_first = Start { attempt: 1, token: first.token.clone(), ..second.clone() };
    assert_eq!(as_first, first, "nothing else differs");
    assert_eq!(
        agent.fail(&second, "out_of_memory", 600).await.unwrap().state,
        "queued",
        "each class has its own count"
    );
    let third = agent.ask().await;
    let failed = agent.fail(&third, "error", 600).await.unwrap();
    assert_eq!(
        (failed.state.as_str(), failed.value),
        ("failed", None),
        "the first attempt's value is not its own"
    );
    let all = [(1, "error"), (2, "out_of_memory"), (3, "error")]
        .map(|(attempt, class)| (attempt, class.to_owned()));
    assert_eq!(failures(&mut lab, &first.run).await, all);
    assert_eq!(lab.sweep(&sweep.id).await.state, "finished");

    lab.sweeps.retry(RetryRuns { sweep: sweep.id.clone(), runs: vec![] }).await.unwrap();
    let fourth = agent.ask().await;
    let queued = agent.fail(&fourth, "error", 600).await.unwrap();
    assert_eq!((queued.state.as_str(), queued.attempt), ("queued", 4), "a retry resets the counts");
}

#[tokio::test]
async fn without_a_rule_only_lost_attempts_are_retried() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    for class in ["start", "error", "out_of_memory", "timeout", "diverged"] {
        let start = agent.ask().await;
        assert_eq!(agent.fail(&start, class, 600).await.unwrap().state, "failed", "{class}");
    }
    let start = agent.ask().await;
    assert_eq!(
        code(agent.fail(&start, "lost", 600).await),
        Code::InvalidArgument,
        "no agent may report this class"
    );
    assert_eq!(code(agent.fail(&start, "eror", 600).await), Code::InvalidArgument);
}

#[tokio::test]
async fn a_failure_after_a_nonfinite_metric_has_diverged() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(&format!("{RANDOM}\nretry: {{diverged: 1}}\n")).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    agent.log(&start, 0, "val/loss", &[0.5, f64::NAN]).await.unwrap();
    let queued = agent.fail(&start, "error", 5).await.unwrap();
    assert_eq!(
        (queued.state.as_str(), queued.outcome.unwrap().class.as_str()),
        ("queued", "diverged")
    );
    let again = agent.ask().await;
    agent.log(&again, 0, "val/loss", &[f64::INFINITY, 0.5]).await.unwrap();
    let failed = agent.fail(&again, "error", 5).await.unwrap();
    assert_eq!(failed.outcome.unwrap().class, "error", "the metric was finite again");

    let start = agent.ask().await;
    agent.log(&start, 0, "val/loss", &[f64::NAN]).await.unwrap();
    let finished = agent.end(&start, "finished").await.unwrap();
    assert_eq!(finished.note, "`val/loss` was logged once, as nan, which is no finite number");
}

#[tokio::test]
async fn an_announced_preemption_is_not_charged_as_a_failure_or_a_loss() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(&format!("{RANDOM}\nrun_cap: 2\nretry: {{lost: 0}}\n")).await;
    let (mut agent, mut other) = (lab.agent("one", &sweep.id), lab.agent("two", &sweep.id));
    let waiting = other.ask().await;
    let start = agent.ask().await;
    other.decline(&waiting);
    other.beat.free = 0;
    other.heartbeat().await.unwrap();
    assert_eq!(lab.run(&waiting.run).await.state, "queued");
    for attempt in 1..=3 {
        let start = if attempt == 1 { start.clone() } else { agent.ask().await };
        assert_eq!(
            (&start.run, start.attempt),
            (&format!("{}-1", sweep.id), attempt),
            "it comes first"
        );
        agent.append(&start, "meta", 0, said("preempting", "{}")).await.unwrap();
        match attempt {
            1 => assert_eq!(agent.fail(&start, "error", 600).await.unwrap().state, "queued"),
            2 => {
                agent.reborn();
                agent.beat.free = 0;
                agent.heartbeat().await.unwrap();
                assert_eq!(lab.run(&start.run).await.state, "queued");
            }
            _ => assert_eq!(
                agent.end(&start, "finished").await.unwrap().run.unwrap().state,
                "finished"
            ),
        }
    }
    assert_eq!(failures(&mut lab, &start.run).await, []);
    let last = agent.ask().await;
    assert_eq!(last.run, waiting.run);
    agent.append(&last, "meta", 0, said("preempting", "{}")).await.unwrap();
    agent.end(&last, "preempted").await.unwrap();
    let last = agent.ask().await;
    let failed = agent.fail(&last, "error", 600).await.unwrap();
    assert_eq!(failed.state, "failed", "each attempt has to announce it");
}

/// Returns frames with one row, which reports this JSON under `key`.
fn said(key: &str, json: &str) -> Vec<u8> {
    let row =
        Row { values: vec![(key.to_owned(), Value::Json(json.to_owned()))], ..Row::default() };
    let mut frames = Vec::new();
    Writer::default().frame(&[row], &mut frames);
    frames
}

#[tokio::test]
async fn trials_that_all_fail_at_once_pause_the_sweep_until_a_person_resumes_it() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(&format!("{RANDOM}\nretry: {{error: 9}}\n")).await;
    let mut agents = [lab.agent("one", &sweep.id), lab.agent("two", &sweep.id)];
    let held = agents[0].ask().await;
    for number in 0..5 {
        assert_eq!(lab.sweep(&sweep.id).await.state, "running", "after {number} failures");
        let start = agents[number % 2].ask().await;
        agents[number % 2].fail(&start, "error", 59).await.unwrap();
    }
    let paused = lab.sweep(&sweep.id).await;
    let note = "the sweep is paused: 5 attempts in a row failed within 60 s of their start, the \
        last with exit code 2: \
                no data folder; ";
    assert_eq!(
        (paused.state.as_str(), paused.note),
        ("paused", format!("{note}`sweep resume {}` goes on", sweep.id))
    );
    agents[1].beat.free = 1;
    let orders = agents[1].heartbeat().await.unwrap();
    assert!(orders.start.is_empty() && orders.note.starts_with(note), "{orders:?}");
    assert_eq!(lab.run(&held.run).await.state, "running", "running trials go on");

    lab.restart().await;
    let resumed = lab.change(&sweep.id, Change::Resume).await.unwrap();
    assert_eq!((resumed.state.as_str(), resumed.note.as_str()), ("running", ""));
    let mut agent = lab.agent("three", &sweep.id);
    for _ in 0..4 {
        let start = agent.ask().await;
        agent.fail(&start, "error", 1).await.unwrap();
    }
    assert_eq!(lab.sweep(&sweep.id).await.state, "running", "the count starts anew");
}

#[tokio::test]
async fn a_run_that_is_queued_again_has_no_end() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(&format!("{RANDOM}\nretry: {{error: 1}}\n")).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    agent.forget(&start.run);
    let outcome = Outcome { state: "failed".to_owned(), ..Outcome::default() };
    let (run, attempt) = (start.run.clone(), start.attempt);
    // `sweep sync` reports an end with its time.
    let end =
        EndRun { run, attempt, outcome: Some(outcome), ended_ms: Some(1), ..EndRun::default() };
    let queued = lab.runs.end(end).await.unwrap().into_inner().run.unwrap();
    assert_eq!((queued.state.as_str(), queued.ended_ms), ("queued", None));
    agent.ask().await;
    let running = lab.run(&start.run).await;
    assert_eq!((running.state.as_str(), running.ended_ms), ("leased", None));
}

#[tokio::test]
async fn one_bad_node_pauses_a_sweep_only_if_it_is_alone() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    let (mut good, mut bad) = (lab.agent("good", &sweep.id), lab.agent("bad", &sweep.id));
    let held = good.ask().await;
    for _ in 0..9 {
        let start = bad.ask().await;
        bad.fail(&start, "start", 1).await.unwrap();
    }
    assert_eq!(lab.sweep(&sweep.id).await.state, "running", "the program works elsewhere");
    good.end(&held, "finished").await.unwrap();
    for number in 0..5 {
        assert_eq!(lab.sweep(&sweep.id).await.state, "running", "after {number} failures");
        let start = bad.ask().await;
        bad.fail(&start, "start", 1).await.unwrap();
    }
    assert_eq!(lab.sweep(&sweep.id).await.state, "paused");
}

#[tokio::test]
async fn a_late_failure_or_another_class_is_no_crash_loop() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    for number in 0..24 {
        let start = agent.ask().await;
        let (class, seconds) = match number % 8 {
            3 => ("error", 61),
            7 => ("out_of_memory", 1),
            _ => ("error", 1),
        };
        agent.fail(&start, class, seconds).await.unwrap();
    }
    assert_eq!(lab.sweep(&sweep.id).await.state, "running");
}

#[tokio::test]
async fn further_attempts_change_no_suggestion() {
    let mut lab = Lab::start().await;
    let bayes = RANDOM.replace("random", "bayes");
    let sweep = lab.create(&format!("{bayes}\nrun_cap: 8\nretry: {{error: 1}}\n")).await;
    let mut agent = lab.agent("one", &sweep.id);
    let mut number = 0;
    while lab.sweep(&sweep.id).await.state != "finished" {
        number += 1;
        let start = agent.ask().await;
        agent.log(&start, 0, "val/loss", &[f64::from(number)]).await.unwrap();
        match number % 3 {
            0 => drop(agent.end(&start, "finished").await.unwrap()),
            _ => drop(agent.fail(&start, "error", 600).await.unwrap()),
        }
    }
    let replayed =
        lab.sweeps.replay(ReplayTrials { sweep: sweep.id.clone(), trials: vec![] }).await.unwrap();
    let replayed = replayed.into_inner();
    assert_eq!((replayed.equal, replayed.incomparable, replayed.different), (8, 0, vec![]));
}
