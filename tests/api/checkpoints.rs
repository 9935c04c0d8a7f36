//! Tests checkpoints and the attempts that continue from one. A run that was killed and resumed has
//! the same history, counts and rungs as a run that was never killed.

use std::time::Duration;

use blobs::Hashed;
use proto::v1::{
    BlobRef, Checkpoint, CurveBucket, HistoryKey, HistoryKeys, ReadCurve, ReadHistory, ResumeRun,
    RunRef, Start,
};
use record::{Row, Value, Writer, checkpoint::CheckpointRow};
use tonic::{Code, Status};

use crate::lab::{FakeAgent, Lab, RANDOM, below, code, eventually};

const RULE: &str = "early_terminate: {type: hyperband, min_iter: 1, eta: 3}";

/// Returns the row that the training logs at a step. The row is the same in every attempt.
fn at(step: u64) -> Row {
    let loss = 1.0 + ((step * 7919) % 101) as f64 / 101.0 - step as f64 / 500.0;
    let mut values = vec![("val/loss".to_owned(), Value::F64(loss))];
    if step.is_multiple_of(3) {
        values.push(("lr".to_owned(), Value::F64(1.0 / (step + 1) as f64)));
    }
    Row { step, wall_ms: 0, values }
}

fn frames(rows: &[Row]) -> Vec<u8> {
    let mut out = Vec::new();
    Writer::default().frame(rows, &mut out);
    out
}

/// Logs these steps as the attempt's rows from `offset` on, each in an append of its own.
async fn train(agent: &mut FakeAgent, start: &Start, offset: u64, steps: std::ops::Range<u64>) {
    for (offset, step) in (offset..).zip(steps) {
        agent.append(start, "history", offset, frames(&[at(step)])).await.unwrap();
    }
}

/// Logs a checkpoint. The tuple has the number of earlier checkpoints of the attempt, the number of
/// history rows that the checkpoint claims, and the step.
async fn checkpoint(
    lab: &Lab,
    agent: &mut FakeAgent,
    start: &Start,
    (number, history, step): (u64, u64, u64),
) {
    let content = format!("weights of {} at {step}", start.run);
    let Hashed { sha256, size } = lab.put(None, content.as_bytes()).await;
    let row = CheckpointRow { step, sha256, size, history, summary: 0 };
    let values = row.values().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let row = Row { step: number, wall_ms: 0, values };
    agent.append(start, "files", number, frames(&[row])).await.unwrap();
}

async fn list(lab: &Lab, run: &str) -> Vec<Checkpoint> {
    let listed = lab.dial(None).checkpoints().list(RunRef { run: run.to_owned() }).await.unwrap();
    listed.into_inner().checkpoints
}

async fn resume(lab: &Lab, start: &Start, checkpoint: u64) -> Result<(), Status> {
    let request = ResumeRun { run: start.run.clone(), attempt: start.attempt, checkpoint };
    lab.dial(None).checkpoints().resume(request).await.map(drop)
}

/// Makes the agent lose its trial and receive the next attempt of the same trial.
async fn lose(agent: &mut FakeAgent, start: &Start) -> Start {
    agent.reborn();
    let next = agent.ask().await;
    assert_eq!((&next.run, next.attempt), (&start.run, start.attempt + 1));
    next
}

async fn rows(lab: &Lab, request: ReadHistory) -> Vec<Row> {
    let mut stream = lab.dial(None).history().rows(request).await.unwrap().into_inner();
    let mut rows = Vec::new();
    while let Some(block) = stream.message().await.unwrap() {
        let read = record::rows(&block.frames).unwrap();
        assert_eq!(read.len() as u64, block.rows);
        rows.extend(read);
    }
    rows
}

/// A run's history as the controller returns it: all rows, the last 17 rows with `lr`, the keys, a
/// curve, the summary, the value, the number of rows, and the rungs.
type Story =
    (Vec<Row>, Vec<Row>, Vec<HistoryKey>, Vec<CurveBucket>, String, Option<f64>, u64, Vec<u64>);

async fn story(lab: &mut Lab, id: &str) -> Story {
    let run = lab.run(id).await;
    let all = ReadHistory { run: id.to_owned(), ..ReadHistory::default() };
    let some = ReadHistory { keys: vec!["lr".to_owned()], last: 17, ..all.clone() };
    let keys = lab
        .dial(None)
        .history()
        .keys(HistoryKeys { run: id.to_owned() })
        .await
        .unwrap()
        .into_inner();
    let curve =
        ReadCurve { run: id.to_owned(), keys: vec!["val/loss".to_owned()], ..ReadCurve::default() };
    let mut curves = lab.dial(None).history().curve(curve).await.unwrap().into_inner().curves;
    let rungs = run.rungs.iter().map(|rung| rung.iteration).collect();
    let (all, some) = (rows(lab, all).await, rows(lab, some).await);
    (all, some, keys.keys, curves.remove(0).buckets, run.summary_json, run.value, run.rows, rungs)
}

#[tokio::test]
async fn a_run_killed_and_resumed_twice_equals_one_never_killed() {
    // With this short lease, the controller takes a background step every 50 ms. So the controller
    // merges blocks during the test.
    let mut lab = Lab::with(|settings| settings.lease = Duration::from_secs(1)).await;
    let sweep = lab.create(&format!("{RANDOM}\n{RULE}\n")).await;
    let (mut one, mut other) = (lab.agent("one", &sweep.id), lab.agent("other", &sweep.id));
    let first = one.ask().await;
    train(&mut one, &first, 0, 0..200).await;
    checkpoint(&lab, &mut one, &first, (0, 130, 130)).await;
    // This checkpoint claims more rows than the controller has received, so the controller must not
    // list it.
    checkpoint(&lab, &mut one, &first, (1, 201, 201)).await;
    eventually("the appends are merged", async || {
        let _ = one.heartbeat().await;
        let blocks = lab.blocks(&first.run, "history").await.len();
        (blocks < 100, blocks)
    })
    .await;

    let second = lose(&mut one, &first).await;
    let found = list(&lab, &first.run).await;
    assert_eq!(
        found.iter().map(|found| (found.attempt, found.step)).collect::<Vec<_>>(),
        [(1, 130)]
    );
    assert_eq!(lab.run(&first.run).await.rows, 0, "an attempt begins with nothing");
    for _ in 0..2 {
        resume(&lab, &second, found[0].id).await.unwrap();
    }
    train(&mut one, &second, 0, 130..190).await;
    checkpoint(&lab, &mut one, &second, (0, 40, 170)).await;

    let third = lose(&mut one, &second).await;
    assert_eq!(
        code(resume(&lab, &second, found[0].id).await),
        Code::Aborted,
        "the attempt does not own the run any more"
    );
    let newest = list(&lab, &first.run).await.remove(0);
    assert_eq!((newest.attempt, newest.step), (2, 170));
    resume(&lab, &third, newest.id).await.unwrap();
    train(&mut one, &third, 0, 170..220).await;

    let twin = other.ask().await;
    train(&mut other, &twin, 0, 0..220).await;
    let (resumed, whole) = (story(&mut lab, &first.run).await, story(&mut lab, &twin.run).await);
    assert_eq!(resumed, whole);
    assert_eq!((whole.6, &whole.7), (220, &vec![1, 3, 9, 27, 81]));
    let all = ReadHistory { run: first.run.clone(), all: true, ..ReadHistory::default() };
    assert_eq!(rows(&lab, all).await.len(), 200 + 60 + 50, "nothing is gone");
    lab.restart().await;
    assert_eq!(story(&mut lab, &first.run).await, whole);
}

#[tokio::test]
async fn an_attempt_resumes_once_before_it_logs() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let first = agent.ask().await;
    train(&mut agent, &first, 0, 0..10).await;
    for (number, rows) in [(0, 4), (1, 8)] {
        checkpoint(&lab, &mut agent, &first, (number, rows, rows)).await;
    }
    let [newest, older] = list(&lab, &first.run).await.try_into().unwrap();
    resume(&lab, &first, newest.id).await.unwrap();
    assert_eq!(lab.run(&first.run).await.rows, 10, "its own checkpoint changes nothing");

    let second = lose(&mut agent, &first).await;
    assert_eq!(code(resume(&lab, &second, newest.id + 7).await), Code::NotFound);
    resume(&lab, &second, older.id).await.unwrap();
    let other = resume(&lab, &second, newest.id).await.unwrap_err();
    assert_eq!(other.code(), Code::FailedPrecondition);
    assert!(other.message().ends_with("goes on from another checkpoint already"), "{other}");
    train(&mut agent, &second, 0, 4..6).await;
    assert_eq!(lab.run(&first.run).await.rows, 6);

    // An attempt that does not resume from a checkpoint has only its own rows.
    let third = lose(&mut agent, &second).await;
    train(&mut agent, &third, 0, 0..2).await;
    assert_eq!(lab.run(&first.run).await.rows, 2);
    let late = resume(&lab, &third, newest.id).await.unwrap_err();
    assert!(late.message().ends_with("has logged rows already"), "{late}");
    // A late row of an attempt that is over creates no checkpoint.
    agent.hold(&third);
    let content = lab.put(None, b"late").await;
    let row = CheckpointRow {
        step: 9,
        sha256: content.sha256,
        size: content.size,
        history: 10,
        summary: 0,
    };
    let values = row.values().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let late =
        agent.append(&first, "files", 2, frames(&[Row { step: 2, wall_ms: 0, values }])).await;
    assert_eq!(code(late), Code::Aborted);
    assert_eq!(list(&lab, &first.run).await, [newest, older]);
}

#[tokio::test]
async fn the_newest_contents_stay_and_the_run_may_read_them() {
    let mut lab = Lab::with(|settings| {
        settings.token = Some("hush".to_owned());
        settings.collect_every = Duration::from_millis(20);
    })
    .await;
    let sweep = lab.create(RANDOM).await;
    let (mut agent, mut other) = (lab.agent("one", &sweep.id), lab.agent("two", &sweep.id));
    let (start, foreign) = (agent.ask().await, other.ask().await);
    train(&mut agent, &start, 0, 0..5).await;
    let hush = lab.dial(Some("hush"));
    for number in 0..6 {
        let content = lab.put(Some("hush"), format!("at {number}").as_bytes()).await;
        // The last checkpoint claims more rows than the controller has received.
        let history = if number == 5 { 99 } else { number };
        let row = CheckpointRow {
            step: number,
            sha256: content.sha256,
            size: content.size,
            history,
            summary: 0,
        };
        let values =
            row.values().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        agent
            .append(&start, "files", number, frames(&[Row { step: number, wall_ms: 0, values }]))
            .await
            .unwrap();
    }
    let folder = lab.folder().join("blobs");
    eventually("old contents go, whatever their age", async || {
        (below(&folder) == 3, below(&folder))
    })
    .await;
    let reference = RunRef { run: start.run.clone() };
    let mut own = lab.dial(Some(&start.token));
    let found = own.checkpoints().list(reference.clone()).await.unwrap().into_inner().checkpoints;
    assert_eq!(found.iter().map(|found| found.step).collect::<Vec<_>>(), [4, 3]);
    let hashed = Hashed { sha256: found[0].sha256.clone(), size: found[0].size };
    let by_hash = BlobRef { sha256: hashed.sha256.clone(), ..BlobRef::default() };
    let mut out = Vec::new();
    blobs::download(own.files().get(by_hash.clone()), &hashed, &mut out, |_| {}).await.unwrap();
    assert_eq!(out, b"at 4");
    own = lab.dial(Some(&foreign.token));
    assert_eq!(code(own.files().get(by_hash).await), Code::PermissionDenied);
    assert_eq!(code(own.checkpoints().list(reference.clone()).await), Code::PermissionDenied);

    agent.end(&start, "finished").await.unwrap();
    // The content of the older complete checkpoint goes. The content of the checkpoint whose rows
    // may still arrive stays, but this checkpoint is not listed.
    eventually("one is enough for a run that is over", async || {
        (below(&folder) == 2, below(&folder))
    })
    .await;
    let left = hush.checkpoints().list(reference).await.unwrap().into_inner().checkpoints;
    assert_eq!(left, found[..1]);
}
