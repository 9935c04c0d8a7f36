//! Makes rows whose values follow from their steps, so that any change is noticed; `sdk_logger`
//! logs them. Other functions read the rows of a controller or a journal and compare them bit by
//! bit. The tests that kill programs use this module.

use std::path::Path;

use proto::{
    dial::Dial,
    v1::{Block, ReadHistory, ReadRows},
};
use record::{Row, Value};

use crate::Lab;

/// Returns the values of a step. The values have several types. Among them are floats whose bits
/// matter, such as NaN.
pub fn values(step: u64) -> Vec<(String, Value)> {
    let float = match step % 7 {
        0 => f64::from_bits(0x7ff8_0000_0000_0000 | step),
        1 => -0.0,
        2 => f64::NEG_INFINITY,
        _ => 0.1 * step as f64,
    };
    let mut values = vec![
        ("loss".to_owned(), Value::F64(float)),
        ("epoch".to_owned(), Value::I64(step as i64 - 50)),
        ("good".to_owned(), Value::Bool(step.is_multiple_of(2))),
    ];
    if step.is_multiple_of(10) {
        values.push(("note".to_owned(), Value::Text(format!("step {step}"))));
    }
    values
}

/// Returns the steps of the rows in these frames. Each row must have exactly the [`values`] of its
/// step.
///
/// # Panics
/// Panics if a row differs.
pub fn steps(frames: &[u8]) -> Vec<u64> {
    let rows = record::rows(frames).expect("frames are whole");
    rows.iter()
        .map(|row| {
            assert!(is_as_logged(row), "the row of step {} changed: {row:?}", row.step);
            row.step
        })
        .collect()
}

fn is_as_logged(row: &Row) -> bool {
    let want = values(row.step);
    row.values.len() == want.len()
        && row.values.iter().zip(&want).all(|(got, want)| match (&got.1, &want.1) {
            (Value::F64(a), Value::F64(b)) => got.0 == want.0 && a.to_bits() == b.to_bits(),
            _ => got == want,
        })
}

/// Returns the number after this one in a sequence in which each number depends on all earlier
/// numbers.
pub fn after(state: u64) -> u64 {
    state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407)
}

/// Converts a number of [`after`] to a metric from 0 to 1.
pub fn loss(state: u64) -> f64 {
    (state >> 11) as f64 / (1_u64 << 53) as f64
}

/// Returns the final state, and the loss of each step as bits, of a training that is never killed.
/// `first` is its state before the first step.
pub fn training(first: u64, steps: u64) -> (u64, Vec<(u64, u64)>) {
    let mut state = first;
    let losses = (0..steps).map(|step| {
        state = after(state);
        (step, loss(state).to_bits())
    });
    let losses = losses.collect();
    (state, losses)
}

/// Returns the step of a training's row, and the loss as bits.
///
/// # Panics
/// Panics if the row holds anything else.
pub fn step_and_loss(row: &Row) -> (u64, u64) {
    match &row.values[..] {
        [(key, Value::F64(loss))] if key == "loss" => (row.step, loss.to_bits()),
        _ => panic!("{row:?}"),
    }
}

/// Returns the rows that make up a run's history, each with its attempt, as `History.Rows` sends
/// them.
///
/// # Panics
/// Panics if the controller does not answer, or its rows are damaged.
pub async fn history(dial: &Dial, run: &str) -> Vec<(u32, Row)> {
    let wanted = ReadHistory { run: run.to_owned(), ..ReadHistory::default() };
    let mut blocks =
        dial.history().rows(wanted).await.expect("the controller answers").into_inner();
    let mut all = Vec::new();
    while let Some(block) = blocks.message().await.expect("blocks come") {
        let rows = record::rows(&block.frames).expect("frames are whole");
        all.extend(rows.into_iter().map(|row| (block.attempt, row)));
    }
    all
}

/// Returns the rows of a run's stream, of every attempt, as `Runs.Read` sends them.
///
/// # Panics
/// Panics if the controller does not answer, or its rows are damaged.
pub fn read(lab: &Lab, run: &str, stream: &str) -> Vec<Row> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    runtime.block_on(async {
        let mut runs = Dial::new(&lab.address(), None).expect("a lab's address is valid").runs();
        let request =
            ReadRows { run: run.to_owned(), stream: stream.to_owned(), ..ReadRows::default() };
        let mut blocks = runs.read(request).await.expect("rows can be read").into_inner();
        let mut rows = Vec::new();
        while let Some(block) = blocks.message().await.expect("rows come to an end") {
            rows.extend(record::rows(&block.frames).expect("frames are whole"));
        }
        rows
    })
}

/// Returns all blocks that a controller has of a run's history, of every attempt, including rows
/// that do not count.
///
/// # Panics
/// Panics if the controller does not answer.
pub async fn blocks(dial: &Dial, run: &str) -> Vec<Block> {
    let request =
        ReadRows { run: run.to_owned(), stream: "history".to_owned(), ..ReadRows::default() };
    let mut stream = dial.runs().read(request).await.expect("rows can be read").into_inner();
    let mut blocks = Vec::new();
    while let Some(block) = stream.message().await.expect("rows come to an end") {
        blocks.push(block);
    }
    blocks
}

/// Returns the steps that a controller has of a run's history, in order. The run must have one
/// attempt and one writer, whose blocks follow each other without a gap or an overlap.
///
/// # Panics
/// Panics if the controller does not answer, or its blocks do not fit together.
pub async fn stored(dial: &Dial, run: &str) -> Vec<u64> {
    let (mut frames, mut next) = (Vec::new(), 0);
    for Block { offset, rows, frames: more, writer, .. } in blocks(dial, run).await {
        assert_eq!((writer.as_str(), offset), ("sdk", next), "blocks of {run} follow each other");
        frames.extend(more);
        next += rows;
    }
    let steps = steps(&frames);
    assert_eq!(steps.len() as u64, next, "blocks of {run} have the rows that they claim");
    steps
}

/// Returns the steps of the history in the journal of a run's first attempt, outside sweeps, with
/// the data folder `data`. A torn tail does not count.
pub fn journal(data: &Path, run: &str) -> Vec<u64> {
    let path = data.join("runs").join(run).join("1/journal/sdk.history");
    let bytes = std::fs::read(path).unwrap_or_default();
    let whole = record::frames(&bytes).map_while(Result::ok).map(|frame| frame.bytes().len()).sum();
    steps(&bytes[..whole])
}
