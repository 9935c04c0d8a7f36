//! Tests what follows the end of an attempt: late rows never change a trial's value. When a grace
//! is over, a trial's late rows do not count at all, and the attempt's token stops working.

use std::time::Duration;

use proto::v1::{
    AppendRows, BeginRun, BlobHashes, EndRun, Outcome, ReadCurve, ReplayTrials, RunBegun, RunRef,
    Start,
};
use record::{Writer, file::FileRow};
use tonic::Code;

use crate::lab::{Lab, RANDOM, code, eventually, frames, pause};

const KEY: &str = "val/loss";

/// Starts a controller with a token and without a grace for late rows.
async fn strict() -> Lab {
    Lab::with(|settings| {
        settings.token = Some("hush".to_owned());
        settings.late_rows = Duration::ZERO;
    })
    .await
}

#[tokio::test]
async fn the_value_of_a_trial_is_final_once_it_ends() {
    let mut lab = Lab::start().await;
    let yaml = RANDOM.replace("method: random", "method: bayes");
    let sweep =
        lab.create(&format!("{yaml}early_terminate: {{type: hyperband, min_iter: 3}}\n")).await;
    let mut agent = lab.agent("one", &sweep.id);
    let mut starts = Vec::new();
    for value in [0.5, 0.4, 0.6, 0.7] {
        starts.push(agent.trial(value).await);
    }
    // Within the grace, the controller stores late rows like other rows. Late rows do not change
    // the trial's value.
    agent.log(&starts[2], 1, KEY, &[-1e9, 0.1]).await.unwrap();
    let run = lab.run(&starts[2].run).await;
    assert_eq!(
        (run.value, run.rows, run.summary_json.as_str()),
        (Some(0.6), 3, r#"{"val/loss":0.1}"#)
    );
    assert_eq!(run.rungs, [], "it crosses no rung any more");
    assert!(lab.blocks(&starts[2].run, "history").await.iter().all(|block| !block.fenced));
    let now = lab.sweep(&sweep.id).await;
    assert_eq!(
        now.best.map(|best| (best.id, best.value)),
        Some((starts[1].run.clone(), Some(0.4)))
    );
    agent.trial(0.3).await;
    let replay = ReplayTrials { sweep: sweep.id.clone(), trials: Vec::new() };
    let found = lab.sweeps.replay(replay).await.unwrap().into_inner();
    assert_eq!((found.equal, found.different), (5, vec![]));
}

#[tokio::test]
async fn rows_beyond_the_grace_are_kept_and_marked() {
    let mut lab = strict().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.trial(0.5).await;
    pause(5).await;
    let before = lab.run(&start.run).await;
    for _ in 0..2 {
        // The second append repeats a row that the controller already has.
        let late = agent.log(&start, 1, KEY, &[-1e9]).await;
        assert!(matches!(code(late), Code::Aborted | Code::Ok));
    }
    let late = agent.append(&start, "summary", 0, frames(0, KEY, &[-2e9])).await.unwrap_err();
    let says = format!(
        "attempt 1 of the run `{}` is over: late rows are kept and do not count",
        start.run
    );
    assert_eq!((late.code(), late.message()), (Code::Aborted, says.as_str()));
    let after = lab.run(&start.run).await;
    assert_eq!(after.note, "rows came after its end: they are kept and do not count");
    assert_eq!(proto::v1::Run { note: before.note.clone(), ..after }, before);
    let marks = |blocks: Vec<proto::v1::Block>| {
        blocks.into_iter().map(|block| (block.offset, block.rows, block.fenced)).collect::<Vec<_>>()
    };
    assert_eq!(marks(lab.blocks(&start.run, "history").await), [(0, 1, false), (1, 1, true)]);
    assert_eq!(marks(lab.blocks(&start.run, "summary").await), [(0, 1, true)]);
    assert_eq!(lab.sweep(&sweep.id).await.best.unwrap().value, Some(0.5));
    // An empty append still returns the end of the stream. A second report of the end returns the
    // first end.
    assert_eq!(agent.append(&start, "history", 0, Vec::new()).await.unwrap().next, 2);
    assert_eq!(agent.end(&start, "failed").await.unwrap().run.unwrap().state, "finished");
}

#[tokio::test]
async fn a_late_file_is_added_and_replaces_none() {
    let mut lab = strict().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    let row = |path: &str, hashed: &blobs::Hashed| {
        let (sha256, size) = (hashed.sha256.clone(), hashed.size);
        let mut out = Vec::new();
        let file = FileRow { path: path.to_owned(), sha256, size, kind: "file".to_owned() };
        Writer::default().frame(&[file.to_row(0, 0)], &mut out);
        out
    };
    let (early, late) =
        (lab.put(Some("hush"), b"early").await, lab.put(Some("hush"), b"late!!").await);
    agent.append(&start, "files", 0, row("model", &early)).await.unwrap();
    agent.end(&start, "finished").await.unwrap();
    pause(5).await;
    for (offset, path) in [(1, "model"), (2, "plot")] {
        assert_eq!(
            code(agent.append(&start, "files", offset, row(path, &late)).await),
            Code::Aborted
        );
    }
    let mut list =
        lab.dial(Some("hush")).files().list(RunRef { run: start.run.clone() }).await.unwrap();
    let mut files = Vec::new();
    while let Some(file) = list.get_mut().message().await.unwrap() {
        files.push((file.path, file.size));
    }
    assert_eq!(files, [("model".to_owned(), 5), ("plot".to_owned(), 6)]);
}

/// Returns the codes of seven calls with a token: an append, a begin that joins the attempt, a
/// question for missing contents, and reads of the run, its files, its checkpoints and its curves.
async fn opens(lab: &Lab, token: &str, run: &str, attempt: u32) -> Vec<Code> {
    let dial = lab.dial(Some(token));
    let append = AppendRows {
        run: run.to_owned(),
        attempt,
        writer: "straggler".to_owned(),
        stream: "history".to_owned(),
        ..AppendRows::default()
    };
    let join = BeginRun { run: run.to_owned(), attempt, ..BeginRun::default() };
    let curves =
        ReadCurve { run: run.to_owned(), keys: vec![KEY.to_owned()], ..ReadCurve::default() };
    let of = || RunRef { run: run.to_owned() };
    vec![
        code(dial.runs().append(append).await),
        code(dial.runs().get(of()).await),
        code(dial.runs().begin(join).await),
        code(dial.files().missing(BlobHashes::default()).await),
        code(dial.files().list(of()).await),
        code(dial.checkpoints().list(of()).await),
        code(dial.history().curve(curves).await),
    ]
}

#[tokio::test]
async fn a_token_ends_with_its_attempt_and_the_grace() {
    let mut lab = Lab::with(|settings| settings.token = Some("hush".to_owned())).await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.trial(0.5).await;
    let (live, run) = (agent.ask().await, start.run.clone());
    assert_eq!(opens(&lab, &start.token, &run, 1).await, [Code::Ok; 7], "the grace is not over");
    lab.restart_with(|settings| settings.late_rows = Duration::ZERO).await;
    assert_eq!(opens(&lab, &start.token, &run, 1).await, [Code::PermissionDenied; 7]);
    assert_eq!(opens(&lab, &live.token, &live.run, 1).await, [Code::Ok; 7], "its attempt goes on");
    // A program that did not receive the answer to its report of the end sends the report again.
    // The token of the attempt still opens this call.
    let outcome = Some(Outcome { state: "failed".to_owned(), ..Outcome::default() });
    let end = EndRun { run: run.clone(), attempt: 1, outcome, ..EndRun::default() };
    let ended = lab.dial(Some(&start.token)).runs().end(end).await.unwrap().into_inner();
    assert_eq!(ended.run.unwrap().state, "finished");
}

async fn begin(lab: &Lab, resume: &str) -> RunBegun {
    let (id, resume) = ("mine".to_owned(), resume.to_owned());
    let begin = BeginRun { id, resume, ..BeginRun::default() };
    lab.dial(Some("hush")).runs().begin(begin).await.unwrap().into_inner()
}

#[tokio::test]
async fn a_run_that_is_resumed_has_a_new_token_and_the_old_one_ends() {
    let mut lab = strict().await;
    let first = begin(&lab, "never").await;
    let second = begin(&lab, "allow").await;
    pause(5).await;
    assert_eq!(opens(&lab, &first.token, "mine", 1).await, [Code::PermissionDenied; 7]);
    assert_eq!(opens(&lab, &second.token, "mine", 2).await, [Code::Ok; 7]);
    let mut agent = lab.agent("nobody", "none");
    let start = Start { run: "mine".to_owned(), attempt: 2, ..Start::default() };
    agent.log(&start, 0, KEY, &[0.5]).await.unwrap();
    agent.end(&start, "finished").await.unwrap();
    pause(5).await;
    assert_eq!(opens(&lab, &second.token, "mine", 2).await, [Code::PermissionDenied; 7]);
    // An import or a sync of an offline folder may still append rows, because it uses the
    // controller's own token.
    agent.log(&start, 1, KEY, &[0.4]).await.unwrap();
    let run = lab.run("mine").await;
    assert_eq!(
        (run.state.as_str(), run.rows, run.summary_json.as_str()),
        ("finished", 2, r#"{"val/loss":0.4}"#)
    );
}

#[tokio::test]
async fn a_crashed_attempt_may_report_again() {
    let mut lab = Lab::with(|settings| {
        settings.token = Some("hush".to_owned());
        settings.late_rows = Duration::ZERO;
        settings.lease = Duration::from_secs(1);
    })
    .await;
    let begun = begin(&lab, "never").await;
    eventually("its lease ends", async || {
        let run = lab.run("mine").await;
        (run.state == "crashed", run)
    })
    .await;
    pause(5).await;
    let append = AppendRows {
        run: "mine".to_owned(),
        attempt: 1,
        writer: "sdk".to_owned(),
        stream: "history".to_owned(),
        offset: 0,
        frames: frames(0, KEY, &[1.0]),
    };
    lab.dial(Some(&begun.token)).runs().append(append).await.unwrap();
    assert_eq!(lab.run("mine").await.state, "running");
}
