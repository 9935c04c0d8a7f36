//! Tests how rows are appended and read.

use std::time::Duration;

use proto::v1::{AppendRows, BeginRun, ReadRows};
use record::{Row, Value, Writer};
use tonic::Code;

use crate::{
    fsck::fsck,
    lab::{Lab, RANDOM, code, eventually, frames, pause},
};

/// Makes a line of 208 pseudorandom hexadecimal digits, which compresses badly.
fn noise(number: u64) -> String {
    let word = |at: u64| (number * 13 + at + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    (0..13).map(|at| format!("{:016x}", word(at).wrapping_mul(word(at + 1)))).collect()
}

#[tokio::test]
async fn the_first_and_the_last_part_of_a_long_console_stay() {
    const ROWS: u64 = 800;
    let mut lab = Lab::with(|settings| {
        settings.lease = Duration::from_secs(1);
        settings.limits.console_part = 16 << 10;
    })
    .await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    let (run, stream) = (start.run.clone(), "console".to_owned());
    let mut follow = lab
        .runs
        .read(ReadRows { run, stream, attempt: 0, follow: true })
        .await
        .unwrap()
        .into_inner();
    let mut seen = 0;
    for number in 0..ROWS {
        let values = vec![("stdout".to_owned(), Value::Text(noise(number)))];
        let mut frames = Vec::new();
        Writer::default().frame(&[Row { step: number, wall_ms: 0, values }], &mut frames);
        assert_eq!(agent.append(&start, "console", number, frames).await.unwrap().next, number + 1);
        if number % 50 == 0 {
            let _ = agent.heartbeat().await;
            while seen <= number {
                let block = follow.message().await.unwrap().unwrap();
                seen = block.offset + block.rows;
            }
        }
    }
    let mut blocks = Vec::new();
    eventually("the middle is gone", async || {
        let _ = agent.heartbeat().await;
        blocks = lab.blocks(&start.run, "console").await;
        let kept: u64 = blocks.iter().map(|block| block.rows).sum();
        (kept <= ROWS / 2, kept)
    })
    .await;
    let last = blocks.last().unwrap();
    assert_eq!((blocks[0].offset, last.offset + last.rows), (0, ROWS));
    let rows = blocks.iter().flat_map(|block| record::rows(&block.frames).unwrap());
    assert!(rows.into_iter().all(|row| row.values[0].1 == Value::Text(noise(row.step))));
    let first: u64 =
        blocks.iter().take_while(|block| block.offset < ROWS / 2).map(|block| block.rows).sum();
    assert!(
        first >= 64 && blocks.iter().map(|block| block.rows).sum::<u64>() - first >= 64,
        "{blocks:?}"
    );
    let again = agent.append(&start, "console", ROWS, Vec::new()).await.unwrap().next;
    assert_eq!(again, ROWS, "removed rows are not requested again");
    agent.end(&start, "finished").await.unwrap();
    lab.stop().await;
    assert_eq!(fsck(lab.folder()).await.problems, []);
}

#[tokio::test]
async fn appends_are_idempotent_and_gaps_are_refused_with_the_offset() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    assert_eq!(agent.log(&start, 0, "val/loss", &[5.0, 4.0, 3.0]).await.unwrap().next, 3);
    assert_eq!(agent.log(&start, 0, "val/loss", &[5.0, 4.0, 3.0]).await.unwrap().next, 3);
    assert_eq!(agent.log(&start, 1, "val/loss", &[4.0, 3.0, 2.0, 1.0]).await.unwrap().next, 5);

    let gap = agent.log(&start, 7, "val/loss", &[0.0]).await.unwrap_err();
    assert_eq!(gap.code(), Code::OutOfRange);
    assert_eq!(gap.metadata().get("besom-offset").unwrap().to_str().unwrap(), "5");
    assert_eq!(gap.message(), "rows 5 to 6 of `history` are missing");

    let run = lab.run(&start.run).await;
    assert_eq!(
        (run.rows, run.value, run.summary_json.as_str()),
        (5, Some(1.0), r#"{"val/loss":1.0}"#)
    );
    let rows: Vec<Row> = lab
        .blocks(&start.run, "history")
        .await
        .iter()
        .flat_map(|b| record::rows(&b.frames).unwrap())
        .collect();
    assert_eq!(rows.iter().map(|row| row.step).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn an_empty_append_tells_where_a_stream_ends() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    agent.log(&start, 0, "val/loss", &[1.0, 2.0]).await.unwrap();
    assert_eq!(agent.append(&start, "history", 0, Vec::new()).await.unwrap().next, 2);
    assert_eq!(agent.append(&start, "console", 0, Vec::new()).await.unwrap().next, 0);
}

#[tokio::test]
async fn damaged_rows_and_unknown_streams_are_refused() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    let mut damaged = frames(0, "val/loss", &[1.0]);
    *damaged.last_mut().unwrap() ^= 1;
    assert_eq!(code(agent.append(&start, "history", 0, damaged).await), Code::InvalidArgument);
    assert_eq!(code(agent.append(&start, "poetry", 0, Vec::new()).await), Code::InvalidArgument);
    let ahead = proto::v1::Start { attempt: 2, ..start.clone() };
    assert_eq!(code(agent.append(&ahead, "history", 0, Vec::new()).await), Code::InvalidArgument);
}

#[tokio::test]
async fn the_summary_stream_overlays_history_and_counts_for_the_value() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    agent.log(&start, 0, "val/loss", &[0.7]).await.unwrap();
    let rows = [Row {
        step: 0,
        wall_ms: 0,
        values: vec![("val/loss".to_owned(), Value::I64(-1)), ("ok".to_owned(), Value::Bool(true))],
    }];
    let mut frames = Vec::new();
    Writer::default().frame(&rows, &mut frames);
    agent.append(&start, "summary", 0, frames).await.unwrap();
    let ended = agent.end(&start, "finished").await.unwrap().run.unwrap();
    assert_eq!(
        (ended.value, ended.summary_json.as_str()),
        (Some(-1.0), r#"{"val/loss":-1,"ok":true}"#)
    );
}

#[tokio::test]
async fn a_metric_that_differs_by_a_slash_is_reported() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    agent.log(&start, 0, "epoch", &[1.0]).await.unwrap();
    agent.log(&start, 1, "val_loss", &[0.1]).await.unwrap();
    let ended = agent.end(&start, "finished").await.unwrap();
    let note =
        "`val/loss` was never logged; the run logged `val_loss`, `epoch`: did you mean `val_loss`?";
    assert_eq!(ended.note, note);
    assert_eq!(lab.run(&start.run).await.note, note);
}

#[tokio::test]
async fn a_reader_that_follows_sees_rows_until_the_run_is_over() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    agent.log(&start, 0, "val/loss", &[1.0]).await.unwrap();
    let request =
        ReadRows { run: start.run.clone(), stream: "history".to_owned(), attempt: 0, follow: true };
    let mut stream = lab.runs.read(request).await.unwrap().into_inner();
    assert_eq!(stream.message().await.unwrap().unwrap().offset, 0);
    agent.log(&start, 1, "val/loss", &[0.9, 0.8]).await.unwrap();
    let block = stream.message().await.unwrap().unwrap();
    assert_eq!((block.offset, block.rows, block.writer.as_str()), (1, 2, "sdk"));
    agent.end(&start, "finished").await.unwrap();
    assert_eq!(stream.message().await.unwrap(), None);
}

#[tokio::test]
async fn a_run_without_a_sweep_lives_by_its_appends() {
    let mut lab = Lab::with(|settings| settings.lease = Duration::from_secs(1)).await;
    let request = BeginRun {
        project: "p".to_owned(),
        name: "n".to_owned(),
        config_json: r#"{"lr":0.1}"#.to_owned(),
        ..BeginRun::default()
    };
    let begun = lab.runs.begin(request).await.unwrap().into_inner();
    assert_eq!((begun.attempt, begun.lease_ms, begun.run.len()), (1, 1000, 8));
    let empty = AppendRows {
        run: begun.run.clone(),
        attempt: 1,
        writer: "sdk".to_owned(),
        stream: "history".to_owned(),
        ..AppendRows::default()
    };
    for _ in 0..6 {
        pause(250).await;
        lab.runs.append(empty.clone()).await.unwrap();
    }
    assert_eq!(lab.run(&begun.run).await.state, "running");
    eventually("a silent run counts as crashed", async || {
        let run = lab.run(&begun.run).await;
        (run.state == "crashed", run)
    })
    .await;
    let back = AppendRows { frames: frames(0, "loss", &[1.0]), ..empty };
    lab.runs.append(back).await.unwrap();
    assert_eq!(lab.run(&begun.run).await.state, "running");
    assert_eq!(lab.list("").await.len(), 1);
    let joined = lab
        .runs
        .begin(BeginRun { run: begun.run, attempt: 1, ..BeginRun::default() })
        .await
        .unwrap();
    assert_eq!(joined.into_inner().config_json, r#"{"lr":0.1}"#);
}
