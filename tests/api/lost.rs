//! Tests a data folder that disappears under a running controller. The controller acknowledges
//! nothing that the next controller would not find. Everything continues when the folder is back.

use std::{
    fs,
    path::{Path, PathBuf},
};

use proto::v1::{BeginRun, BlobChunk, Change};
use tonic::{Code, Status};

use crate::lab::{GRID, Lab, code, eventually, frames, serves};

const KEY: &str = "val/loss";

/// Returns the path to which a test moves a file or folder.
fn aside(folder: &Path) -> PathBuf {
    folder.with_extension("aside")
}

async fn put(lab: &Lab, content: &[u8]) -> Result<(), Status> {
    let hashed = blobs::Hashed::of(content);
    let chunk = BlobChunk { sha256: hashed.sha256, size: hashed.size, data: content.to_vec() };
    lab.dial(None).files().put(tokio_stream::once(chunk)).await.map(drop)
}

async fn begin(lab: &Lab) -> Result<(), Status> {
    let begin =
        BeginRun { project: "p".to_owned(), config_json: "{}".to_owned(), ..BeginRun::default() };
    lab.dial(None).runs().begin(begin).await.map(drop)
}

/// Checks that the controller refuses calls that must write, but still reads. Each error is
/// transient, names this path and has a hint.
async fn refuses(lab: &mut Lab, sweep: &str, names: &Path) {
    let mut agent = lab.agent("other", sweep);
    agent.beat.free = 1;
    let start = proto::v1::Start { run: format!("{sweep}-0"), attempt: 1, ..Default::default() };
    let answers = [
        agent.append(&start, "history", 1, frames(1, KEY, &[0.1])).await.map(drop),
        put(lab, b"new").await,
        begin(lab).await,
        agent.end(&start, "finished").await.map(drop),
        lab.change(sweep, Change::Pause).await.map(drop),
    ];
    for refused in answers.map(Result::unwrap_err) {
        assert_eq!(refused.code(), Code::Unavailable, "{refused}");
        assert!(refused.message().contains(&names.display().to_string()), "{refused}");
        assert!(proto::dial::hint(&refused).is_some());
    }
    eventually("health reports it", async || {
        (!serves(lab, "").await && !serves(lab, "ingest").await, ())
    })
    .await;
    // Files that the controller has open can still be read.
    assert_eq!(lab.blocks(&start.run, "history").await.len(), 1);
    assert!(lab.sweep(sweep).await.note.contains("lost its data folder"));
}

async fn accepts(lab: &Lab, sweep: &str) {
    eventually("writes succeed again", async || {
        let mut agent = lab.agent("one", sweep);
        let start =
            proto::v1::Start { run: format!("{sweep}-0"), attempt: 1, ..Default::default() };
        let append = agent.append(&start, "history", 1, frames(1, KEY, &[0.1])).await;
        let whole = append.is_ok() && put(lab, b"new").await.is_ok() && begin(lab).await.is_ok();
        (whole && serves(lab, "").await && serves(lab, "ingest").await, append)
    })
    .await;
}

/// Makes a run with one row in its history, and stores a content. Returns the id of the run's
/// sweep.
async fn logged(lab: &mut Lab) -> String {
    let sweep = lab.create(GRID).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    agent.log(&start, 0, KEY, &[0.5]).await.unwrap();
    put(lab, b"old").await.unwrap();
    sweep.id
}

#[tokio::test]
async fn nothing_is_acknowledged_into_a_folder_that_is_gone() {
    let mut lab = Lab::start().await;
    let (sweep, folder) = (logged(&mut lab).await, lab.folder().to_owned());
    assert!(serves(&lab, "").await && serves(&lab, "ingest").await);
    fs::rename(&folder, aside(&folder)).unwrap();
    refuses(&mut lab, &sweep, &folder).await;
    assert!(!folder.exists(), "no part of it is made again");
    // The controller does not accept another folder in its place.
    fs::create_dir(&folder).unwrap();
    refuses(&mut lab, &sweep, &folder).await;
    assert_eq!(
        fs::read_dir(&folder).unwrap().count(),
        0,
        "nothing is written into a foreign folder"
    );
    fs::remove_dir(&folder).unwrap();
    fs::rename(aside(&folder), &folder).unwrap();
    accepts(&lab, &sweep).await;
    lab.restart().await;
    assert_eq!(lab.blocks(&format!("{sweep}-0"), "history").await.len(), 2);
}

#[tokio::test]
async fn nothing_is_acknowledged_when_a_part_of_the_folder_is_gone() {
    for part in ["besom.db", "besom.db-wal", "blobs"] {
        let mut lab = Lab::start().await;
        let (sweep, path) = (logged(&mut lab).await, lab.folder().join(part));
        fs::rename(&path, aside(&path)).unwrap();
        refuses(&mut lab, &sweep, &path).await;
        if path.extension().is_some() {
            fs::copy(aside(&path), &path).unwrap();
        } else {
            fs::create_dir(&path).unwrap();
        }
        refuses(&mut lab, &sweep, &path).await;
        if path.is_dir() { fs::remove_dir(&path) } else { fs::remove_file(&path) }.unwrap();
        fs::rename(aside(&path), &path).unwrap();
        accepts(&lab, &sweep).await;
    }
}

#[tokio::test]
async fn trials_that_ran_meanwhile_go_on_and_nothing_new_was_handed_out() {
    let mut lab = Lab::with(|settings| settings.lease = std::time::Duration::from_secs(1)).await;
    let (sweep, folder) = (logged(&mut lab).await, lab.folder().to_owned());
    fs::rename(&folder, aside(&folder)).unwrap();
    let mut agent = lab.agent("one", &sweep);
    let start = proto::v1::Start { run: format!("{sweep}-0"), attempt: 1, ..Default::default() };
    agent.hold(&start);
    let clock = controller::clock::Clock::system();
    let end = clock.now() + std::time::Duration::from_secs(3);
    while clock.now() < end {
        agent.beat.free = 1;
        if let Ok(orders) = agent.heartbeat().await {
            assert!(orders.start.is_empty(), "{orders:?}");
        }
        clock.sleep(std::time::Duration::from_millis(100)).await;
    }
    fs::rename(aside(&folder), &folder).unwrap();
    eventually("the run goes on", async || {
        let orders = agent.heartbeat().await;
        (
            orders.as_ref().is_ok_and(|orders| orders.keep.len() == 1 || orders.start.len() == 1),
            orders,
        )
    })
    .await;
    assert_eq!(code(agent.log(&start, 1, KEY, &[0.1]).await), Code::Ok);
    assert_eq!(lab.run(&start.run).await.attempt, 1);
}
