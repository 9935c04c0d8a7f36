//! Tests reads of a run's history, before and after the controller merges its blocks in the
//! background. The rows and the curves stay the same.

use std::{collections::BTreeMap, time::Duration};

use proto::v1::{Block, CurveAxis, CurveBucket, HistoryKeys, ReadCurve, ReadHistory, Start};
use record::{Row, Value, Writer};
use tonic::Code;

use crate::lab::{FakeAgent, Lab, RANDOM, code, eventually, frames};

/// Starts a controller with leases of one second. With this short lease, it takes a background step
/// every 50 ms.
async fn hasty() -> Lab {
    Lab::with(|settings| settings.lease = Duration::from_secs(1)).await
}

/// Waits until a run has at most `most` blocks, and returns them. Meanwhile, the agent's heartbeats
/// keep the lease.
async fn merged(lab: &mut Lab, agent: &mut FakeAgent, run: &str, most: usize) -> Vec<Block> {
    let mut blocks = Vec::new();
    eventually("the appends are merged", async || {
        let _ = agent.heartbeat().await;
        blocks = lab.blocks(run, "history").await;
        (blocks.len() <= most, blocks.len())
    })
    .await;
    blocks
}

fn text(rows: &[Row]) -> Vec<String> {
    // NaN is not equal to itself, but its text is.
    rows.iter().map(|row| format!("{row:?}")).collect()
}

fn decoded(blocks: &[Block]) -> Vec<Row> {
    blocks.iter().flat_map(|block| record::rows(&block.frames).unwrap()).collect()
}

/// Makes rows with values of many types. Some rows have an earlier step than the row before them,
/// and the values of one key change their type.
fn motley(count: u64) -> Vec<Row> {
    let row = |at: u64| {
        let mixed = at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        let loss = match mixed % 11 {
            0 => f64::NAN,
            1 => f64::INFINITY,
            2 => f64::NEG_INFINITY,
            _ => 1.0 / (mixed + 1) as f64,
        };
        let mut values = vec![("loss".to_owned(), Value::F64(loss))];
        if at.is_multiple_of(3) {
            values.push((
                "n".to_owned(),
                if mixed.is_multiple_of(2) { Value::I64(at as i64) } else { Value::F64(0.5) },
            ));
        }
        if at % 50 == 7 {
            values.insert(0, ("said".to_owned(), Value::Text(format!("at {at}"))));
            values
                .push(("picture".to_owned(), Value::Json(r#"{"_type":"image-file"}"#.to_owned())));
        }
        // Some rows have an earlier step than the rows before them.
        let step = if at % 40 == 39 { at - 30 } else { at };
        Row { step, wall_ms: 1_700_000_000_000 + 13 * at as i64, values }
    };
    (0..count).map(row).collect()
}

async fn log(agent: &mut FakeAgent, start: &Start, rows: &[Row], at_once: usize) {
    let mut offset = 0;
    for some in rows.chunks(at_once) {
        let mut frames = Vec::new();
        Writer::default().frame(some, &mut frames);
        offset = agent.append(start, "history", offset, frames).await.unwrap().next;
    }
}

async fn read(lab: &Lab, request: ReadHistory) -> Vec<Block> {
    let mut stream = lab.dial(None).history().rows(request).await.unwrap().into_inner();
    let mut blocks = Vec::new();
    while let Some(block) = stream.message().await.unwrap() {
        blocks.push(block);
    }
    blocks
}

async fn curve(lab: &Lab, request: ReadCurve) -> Vec<CurveBucket> {
    lab.dial(None).history().curve(request).await.unwrap().into_inner().curves.remove(0).buckets
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::F64(number) => Some(*number),
        Value::I64(number) => Some(*number as f64),
        _ => None,
    }
}

/// Returns the last value of `key` at each step. The buckets of a curve must contain exactly these
/// values.
fn last_values(rows: &[Row], key: &str) -> BTreeMap<u64, f64> {
    let values = |row: &Row| {
        let own = row.values.iter().filter(|(name, _)| name == key);
        own.filter_map(|(_, value)| number(value)).next_back()
    };
    rows.iter().filter_map(|row| Some((row.step, values(row)?))).collect()
}

fn check(buckets: &[CurveBucket], all: &BTreeMap<u64, f64>) {
    let mut points = 0;
    for bucket in buckets {
        let inside: Vec<f64> =
            all.range(bucket.first_step..=bucket.last_step).map(|(_, value)| *value).collect();
        let finite = || inside.iter().copied().filter(|value| value.is_finite());
        assert_eq!(
            (bucket.min, bucket.max),
            (finite().reduce(f64::min), finite().reduce(f64::max))
        );
        assert_eq!((bucket.last, bucket.count as usize), (finite().next_back(), finite().count()));
        let odd = bucket.nan + bucket.positive_infinity + bucket.negative_infinity;
        assert_eq!(odd as usize, inside.len() - finite().count());
        points += inside.len();
    }
    assert_eq!(points, all.len());
}

async fn looks_right(lab: &Lab, run: &str, rows: &[Row]) {
    for key in ["loss", "n"] {
        let all = last_values(rows, key);
        let whole = ReadCurve {
            run: run.to_owned(),
            keys: vec![key.to_owned()],
            buckets: 7,
            ..ReadCurve::default()
        };
        let found = curve(lab, whole.clone()).await;
        assert!(found.len() <= 7);
        check(&found, &all);
        let (from_step, to_step) = (Some(100), Some(900));
        let part = all.range(100..=900).map(|(step, value)| (*step, *value)).collect();
        check(&curve(lab, ReadCurve { from_step, to_step, ..whole.clone() }).await, &part);
        // With a bucket for each step, no values are combined.
        let exact = curve(lab, ReadCurve { buckets: 100_000, ..whole.clone() }).await;
        assert_eq!(exact.len(), all.len());
        let over_time = curve(lab, ReadCurve { x: CurveAxis::WallTime.into(), ..whole }).await;
        let sum = |bucket: &CurveBucket| {
            bucket.count + bucket.nan + bucket.positive_infinity + bucket.negative_infinity
        };
        assert_eq!(over_time.iter().map(sum).sum::<u64>() as usize, all.len());
    }
    let all = read(lab, ReadHistory { run: run.to_owned(), ..ReadHistory::default() }).await;
    assert_eq!(text(&decoded(&all)), text(rows));
    for last in [1, 700, 1999] {
        let wanted = ReadHistory { run: run.to_owned(), last, ..ReadHistory::default() };
        let from = rows.len() - last as usize;
        assert_eq!(text(&decoded(&read(lab, wanted).await)), text(&rows[from..]));
    }
    let said: Vec<Row> = rows
        .iter()
        .filter(|row| row.values.iter().any(|(key, _)| key == "said"))
        .cloned()
        .collect();
    let keys = vec!["said".to_owned()];
    let wanted = ReadHistory { run: run.to_owned(), keys, last: 5, ..ReadHistory::default() };
    let last = decoded(&read(lab, wanted.clone()).await);
    assert_eq!(
        last.iter().map(|row| row.step).collect::<Vec<_>>(),
        said[said.len() - 5..].iter().map(|row| row.step).collect::<Vec<_>>()
    );
    assert!(last.iter().all(|row| row.values.len() == 1));
    let middle = decoded(&read(lab, ReadHistory { last: 0, from: 3, limit: 2, ..wanted }).await);
    assert_eq!(middle.iter().map(|row| row.step).collect::<Vec<_>>(), [said[3].step, said[4].step]);
}

#[tokio::test]
async fn merging_changes_nothing_that_is_read() {
    let mut lab = hasty().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    let rows = motley(2000);
    log(&mut agent, &start, &rows, 12).await;
    looks_right(&lab, &start.run, &rows).await;
    let blocks = merged(&mut lab, &mut agent, &start.run, 70).await;
    assert_eq!(text(&decoded(&blocks)), text(&rows));
    assert_eq!(blocks.iter().map(|block| block.rows).sum::<u64>(), 2000);
    looks_right(&lab, &start.run, &rows).await;
    // The merge does not change the offset at which the next append continues.
    assert_eq!(agent.log(&start, 2000, "loss", &[1.0]).await.unwrap().next, 2001);

    lab.restart().await;
    let more: Vec<Row> =
        rows.iter().cloned().chain(record::rows(&frames(2000, "loss", &[1.0])).unwrap()).collect();
    looks_right(&lab, &start.run, &more).await;
    let keys = lab
        .dial(None)
        .history()
        .keys(HistoryKeys { run: start.run.clone() })
        .await
        .unwrap()
        .into_inner()
        .keys;
    let seen: Vec<_> =
        keys.iter().map(|key| (key.key.as_str(), key.types.join(" "), key.count)).collect();
    assert_eq!(
        seen,
        [
            ("loss", "number".to_owned(), 2001),
            ("n", "number".to_owned(), 667),
            ("picture", "image-file".to_owned(), 40),
            ("said", "text".to_owned(), 40),
        ]
    );
    let loss = &keys[0];
    assert_eq!((loss.first_step, loss.last_step, loss.max), (0, 2000, Some(1.0)));
    assert!(loss.nan > 0 && loss.positive_infinity > 0 && loss.negative_infinity > 0);
}

#[tokio::test]
async fn curves_of_steps_without_gaps_are_exact_before_and_after_merging() {
    let mut lab = hasty().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    let mut rows = motley(1500);
    for (row, step) in rows.iter_mut().zip(40..) {
        row.step = step;
    }
    log(&mut agent, &start, &rows, 20).await;
    let all = last_values(&rows, "loss");
    for merge in [false, true] {
        if merge {
            merged(&mut lab, &mut agent, &start.run, 70).await;
        }
        for buckets in [1, 7, 800, 1499, 1500, 5000] {
            for (from_step, to_step) in
                [(None, None), (Some(41), Some(1000)), (Some(777), Some(777)), (Some(1500), None)]
            {
                let (run, keys) = (start.run.clone(), vec!["loss".to_owned()]);
                let asked =
                    ReadCurve { run, keys, buckets, from_step, to_step, ..ReadCurve::default() };
                let range = from_step.unwrap_or(0)..=to_step.unwrap_or(u64::MAX);
                let wanted = all.range(range).map(|(step, value)| (*step, *value)).collect();
                check(&curve(&lab, asked).await, &wanted);
            }
        }
    }
}

#[tokio::test]
async fn a_reader_that_follows_misses_nothing_when_blocks_are_merged_under_it() {
    let mut lab = hasty().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    let rows = motley(300);
    let request = proto::v1::ReadRows {
        run: start.run.clone(),
        stream: "history".to_owned(),
        attempt: 0,
        follow: true,
    };
    let mut stream = lab.runs.read(request).await.unwrap().into_inner();
    log(&mut agent, &start, &rows[..150], 1).await;
    let mut got = decoded(&[stream.message().await.unwrap().unwrap()]);
    merged(&mut lab, &mut agent, &start.run, 100).await;
    let mut offset = 150;
    for row in &rows[150..] {
        let mut frames = Vec::new();
        Writer::default().frame(std::slice::from_ref(row), &mut frames);
        offset = agent.append(&start, "history", offset, frames).await.unwrap().next;
    }
    agent.end(&start, "finished").await.unwrap();
    while let Some(block) = stream.message().await.unwrap() {
        assert_eq!(block.offset, got.len() as u64);
        got.extend(decoded(&[block]));
    }
    assert_eq!(text(&got), text(&rows));
}

#[tokio::test]
async fn the_newest_attempt_counts_at_each_step_and_fenced_rows_stay_marked() {
    let mut lab = hasty().await;
    let sweep = lab.create(RANDOM).await;
    let mut lost = lab.agent("lost", &sweep.id);
    let old = lost.ask().await;
    for step in 0..70 {
        lost.log(&old, step, "val/loss", &[0.9]).await.unwrap();
    }
    eventually("the lease ends", async || {
        let run = lab.run(&old.run).await;
        (run.state == "queued", run)
    })
    .await;
    let mut heir = lab.agent("heir", &sweep.id);
    let new = heir.ask().await;
    for step in 0..50 {
        heir.append(&new, "history", step, frames(20 + step, "val/loss", &[0.4])).await.unwrap();
    }
    for step in 70..80 {
        assert_eq!(code(lost.log(&old, step, "val/loss", &[0.1]).await), Code::Aborted);
    }
    let blocks = merged(&mut lab, &mut heir, &old.run, 70).await;
    let fenced: u64 = blocks.iter().filter(|block| block.fenced).map(|block| block.rows).sum();
    assert_eq!((fenced, blocks.iter().map(|block| block.rows).sum::<u64>()), (10, 130));
    let request = ReadCurve {
        run: old.run.clone(),
        keys: vec!["val/loss".to_owned()],
        buckets: 1000,
        ..ReadCurve::default()
    };
    let values: Vec<_> = curve(&lab, request).await.iter().map(|bucket| bucket.last).collect();
    let wanted: Vec<_> = (0..70).map(|step| Some(if step < 20 { 0.9 } else { 0.4 })).collect();
    assert_eq!(values, wanted);
}

#[tokio::test]
async fn another_key_is_the_axis_of_a_curve_and_bad_requests_are_refused() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    agent.log(&start, 0, "epoch", &[0.5, 1.5, 2.5]).await.unwrap();
    agent.append(&start, "history", 3, frames(1, "loss", &[0.3, 0.2, 0.1])).await.unwrap();
    let over = ReadCurve {
        run: start.run.clone(),
        keys: vec!["loss".to_owned(), "nonesuch".to_owned()],
        buckets: 2,
        x: CurveAxis::Key.into(),
        x_key: "epoch".to_owned(),
        ..ReadCurve::default()
    };
    let mut history = lab.dial(None).history();
    let curves = history.curve(over.clone()).await.unwrap().into_inner().curves;
    let points: Vec<_> =
        curves[0].buckets.iter().map(|bucket| (bucket.first_x, bucket.last)).collect();
    assert_eq!(points, [(1.5, Some(0.3)), (2.5, Some(0.2))]);
    assert!(curves[1].buckets.is_empty());
    for bad in [
        ReadCurve { keys: Vec::new(), ..over.clone() },
        ReadCurve { buckets: u32::MAX, ..over.clone() },
        ReadCurve { from_step: Some(2), to_step: Some(1), ..over.clone() },
        ReadCurve { x_key: String::new(), ..over.clone() },
    ] {
        assert_eq!(code(history.curve(bad).await), Code::InvalidArgument);
    }
    let nowhere = ReadCurve { run: "nowhere".to_owned(), ..over };
    assert_eq!(code(history.curve(nowhere).await), Code::NotFound);
    assert_eq!(code(history.keys(HistoryKeys { run: "nowhere".to_owned() }).await), Code::NotFound);
}
