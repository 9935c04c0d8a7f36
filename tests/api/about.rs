//! Tests how runs begin (idempotency keys, ids, resumes), and what they report about themselves:
//! configs, definitions of metrics, notes and times.

use proto::v1::{AppendRows, BeginRun, EndRun, Outcome, ReadCurve, ReadHistory, RunBegun};
use record::{Row, Value, Writer};
use serde_json::{Value as Json, json};
use tonic::Code;

use crate::lab::{Lab, RANDOM, frames};

fn said(key: &str, said: &Json) -> Vec<u8> {
    let values = vec![(key.to_owned(), Value::Json(said.to_string()))];
    let mut frames = Vec::new();
    Writer::default().frame(&[Row { step: 0, wall_ms: 0, values }], &mut frames);
    frames
}

async fn begin(lab: &mut Lab, key: &str, id: &str, resume: &str) -> RunBegun {
    let [idempotency_key, id, resume] = [key, id, resume].map(str::to_owned);
    let begin = BeginRun { idempotency_key, id, resume, ..BeginRun::default() };
    lab.runs.begin(begin).await.unwrap().into_inner()
}

#[tokio::test]
async fn a_key_begins_one_attempt() {
    let mut lab = Lab::start().await;
    let first = begin(&mut lab, "one", "", "").await;
    assert_eq!(begin(&mut lab, "one", "", "").await, first);
    let id = first.run.clone();
    assert_eq!(begin(&mut lab, "two", &id, "must").await.attempt, 2);
    assert_eq!(begin(&mut lab, "two", &id, "must").await.attempt, 2);
    // The key still names the first attempt, although the second attempt owns the run now.
    assert_eq!(begin(&mut lab, "one", "", "").await.attempt, 1);
    assert_eq!((lab.list("").await.len(), lab.run(&id).await.attempt), (1, 2));
}

#[tokio::test]
async fn bad_ids_and_bad_resumes_are_refused() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    let start = lab.agent("one", &sweep.id).ask().await;
    for (id, resume, code) in [
        (sweep.id.clone(), "", Code::FailedPrecondition),
        (format!("{}-7", sweep.id), "", Code::FailedPrecondition),
        (start.run, "allow", Code::FailedPrecondition),
        ("../x".to_owned(), "", Code::InvalidArgument),
        ("x".repeat(65), "", Code::InvalidArgument),
        ("x".to_owned(), "maybe", Code::InvalidArgument),
        (String::new(), "must", Code::InvalidArgument),
        (String::new(), "anew", Code::InvalidArgument),
        ("x".to_owned(), "must", Code::NotFound),
        ("x".to_owned(), "anew", Code::NotFound),
    ] {
        let begin = BeginRun { id: id.clone(), resume: resume.to_owned(), ..BeginRun::default() };
        assert_eq!(lab.runs.begin(begin).await.unwrap_err().code(), code, "{id} {resume}");
    }
}

async fn log(lab: &mut Lab, begun: &RunBegun, first: u64, values: &[f64]) {
    let append = AppendRows {
        run: begun.run.clone(),
        attempt: begun.attempt,
        writer: "sdk".to_owned(),
        stream: "history".to_owned(),
        offset: 0,
        frames: frames(first, "loss", values),
    };
    lab.runs.append(append).await.unwrap();
}

/// Returns the number of rows of the history that count, and of those that are stored, the number
/// of points of the curve of `loss`, and the summary.
async fn story(lab: &mut Lab, id: &str) -> (u64, u64, u64, String) {
    let mut counts = [0; 2];
    for (count, all) in counts.iter_mut().zip([false, true]) {
        let request = ReadHistory { run: id.to_owned(), all, ..ReadHistory::default() };
        let mut blocks = lab.dial(None).history().rows(request).await.unwrap().into_inner();
        while let Some(block) = blocks.message().await.unwrap() {
            *count += block.rows;
        }
    }
    let curve =
        ReadCurve { run: id.to_owned(), keys: vec!["loss".to_owned()], ..ReadCurve::default() };
    let curves = lab.dial(None).history().curve(curve).await.unwrap().into_inner().curves;
    let points = curves[0].buckets.iter().map(|bucket| bucket.count).sum();
    let run = lab.run(id).await;
    assert_eq!(run.rows, counts[0]);
    (counts[0], counts[1], points, run.summary_json)
}

#[tokio::test]
async fn an_attempt_that_starts_anew_does_not_count_earlier_rows() {
    let mut lab = Lab::start().await;
    let first = begin(&mut lab, "one", "", "").await;
    let id = first.run.clone();
    log(&mut lab, &first, 0, &[9.0; 10]).await;
    let second = begin(&mut lab, "two", &id, "must").await;
    log(&mut lab, &second, 10, &[8.0; 5]).await;
    assert_eq!(story(&mut lab, &id).await, (15, 15, 15, r#"{"loss":8.0}"#.to_owned()));
    let third = begin(&mut lab, "three", &id, "anew").await;
    assert_eq!((third.attempt, third.next_step), (3, 0));
    assert_eq!(begin(&mut lab, "three", &id, "anew").await.attempt, 3, "a repeat begins nothing");
    log(&mut lab, &third, 0, &[7.0; 3]).await;
    let fourth = begin(&mut lab, "four", &id, "must").await;
    assert_eq!((fourth.attempt, fourth.next_step), (4, 3));
    log(&mut lab, &fourth, 3, &[6.0]).await;
    let expected = (4, 19, 4, r#"{"loss":6.0}"#.to_owned());
    assert_eq!(story(&mut lab, &id).await, expected);
    lab.restart().await;
    assert_eq!(story(&mut lab, &id).await, expected);
}

#[tokio::test]
async fn a_trial_adds_to_its_parameters_and_changes_none() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    let config = said("config", &json!({"lr": 9, "epochs": 3}));
    agent.append(&start, "meta", 0, config.clone()).await.unwrap();
    agent.append(&start, "meta", 0, config).await.unwrap();
    agent.append(&start, "meta", 1, said("config", &json!({"model": {"width": 8}}))).await.unwrap();
    let run = lab.run(&start.run).await;
    assert_eq!(run.config_json, start.params_json);
    assert_eq!(run.added_config_json, r#"{"epochs":3,"model":{"width":8}}"#);
}

#[tokio::test]
async fn a_wrong_definition_is_noted_and_stops_nothing() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    let wrong = said("metric", &json!({"name": "loss", "summary": ["median"]}));
    let right = said("metric", &json!({"name": "loss", "summary": ["max"]}));
    agent.append(&start, "meta", 0, [wrong, right].concat()).await.unwrap();
    agent.log(&start, 0, "loss", &[1.0, 3.0, 2.0]).await.unwrap();
    let run = lab.run(&start.run).await;
    assert_eq!(
        run.note,
        "`loss` cannot be summed up as `median`: min, max, mean, last, best, none"
    );
    assert_eq!((run.summary_json.as_str(), run.metrics.len()), (r#"{"loss.max":3.0}"#, 1));
}

#[tokio::test]
async fn a_note_on_printed_lines_belongs_to_its_attempt() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(&format!("{RANDOM}\nretry: {{error: 1}}\n")).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    agent.append(&start, "meta", 0, said("printed", &json!({"note": "1 line"}))).await.unwrap();
    assert_eq!(lab.run(&start.run).await.note, "1 line");
    agent.append(&start, "meta", 1, said("printed", &json!({"note": "2 lines"}))).await.unwrap();
    assert_eq!(agent.fail(&start, "error", 5).await.unwrap().note, "2 lines");
    let again = agent.ask().await;
    assert_eq!(
        (again.run.as_str(), lab.run(&start.run).await.note.as_str()),
        (start.run.as_str(), "")
    );
    agent.append(&again, "meta", 0, said("printed", &json!({"note": "3 lines"}))).await.unwrap();
    let finished = agent.end(&again, "finished").await.unwrap();
    assert_eq!(finished.note, "`val/loss` was never logged; 3 lines");
}

#[tokio::test]
async fn a_run_that_is_reported_later_keeps_its_times() {
    let mut lab = Lab::start().await;
    let begin = BeginRun { started_ms: Some(1_000), ..BeginRun::default() };
    let begun = lab.runs.begin(begin).await.unwrap().into_inner();
    let outcome = Outcome { state: "crashed".to_owned(), ..Outcome::default() };
    let end = EndRun {
        run: begun.run.clone(),
        attempt: 1,
        outcome: Some(outcome),
        ended_ms: Some(61_000),
        ..EndRun::default()
    };
    for _ in 0..2 {
        lab.runs.end(end.clone()).await.unwrap();
        let run = lab.run(&begun.run).await;
        assert_eq!(
            (run.started_ms, run.ended_ms, run.state.as_str()),
            (Some(1_000), Some(61_000), "crashed")
        );
    }
}
