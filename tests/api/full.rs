//! Tests a disk that counts as full: what the controller refuses, what it still accepts, and how it
//! reports the state.

use std::{fs, sync::Arc, time::Duration};

use controller::settings::Settings;
use proto::v1::{BlobChunk, Change};
use tonic::Code;

use crate::lab::{GRID, Lab, code, eventually, serves};

const KEY: &str = "val/loss";

/// Requires more free bytes than any disk has, so that the disk counts as full.
fn never_enough(settings: &mut Settings) {
    settings.lease = Duration::from_secs(1);
    settings.least_free_bytes = u64::MAX / 4;
}

async fn ingests(lab: &Lab) -> bool {
    serves(lab, "ingest").await
}

#[tokio::test]
async fn rows_and_contents_are_refused_and_the_rest_goes_on() {
    let mut lab = Lab::with(|settings| settings.lease = Duration::from_secs(1)).await;
    let sweep = lab.create(GRID).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    agent.log(&start, 0, KEY, &[0.5]).await.unwrap();
    assert!(ingests(&lab).await);
    eventually("the reserve appears", async || (lab.folder().join("reserve").exists(), ())).await;

    lab.restart_with(never_enough).await;
    eventually("the disk counts as full", async || (!ingests(&lab).await, ())).await;
    assert!(!lab.folder().join("reserve").exists(), "its bytes are free for others");
    let mut agent = lab.agent("one", &sweep.id);
    agent.hold(&start);
    let refused = agent.log(&start, 1, KEY, &[0.4]).await.unwrap_err();
    assert_eq!(
        (refused.code(), refused.message()),
        (Code::Unavailable, "the disk of the controller is full")
    );
    assert_eq!(
        agent.append(&start, "history", 0, Vec::new()).await.unwrap().next,
        1,
        "an empty append still works"
    );
    let content = tempfile::NamedTempFile::new().unwrap();
    fs::write(content.path(), b"model").unwrap();
    let hashed = blobs::Hashed::of(b"model");
    let put =
        blobs::upload(&mut lab.dial(None).files(), content.path(), &hashed, &Arc::default()).await;
    assert!(put.is_err());
    agent.beat.free = 1;
    let orders = agent.heartbeat().await.unwrap();
    assert!(
        orders.start.is_empty() && orders.keep.len() == 1 && orders.note.contains("is full"),
        "{orders:?}"
    );
    assert!(lab.sweep(&sweep.id).await.note.contains("is full"));
    lab.change(&sweep.id, Change::Cancel).await.unwrap();
    assert_eq!(agent.heartbeat().await.unwrap().stop.len(), 1);
    assert_eq!(code(agent.end(&start, "stopped").await), Code::Ok);
}

#[tokio::test]
async fn a_failing_disk_is_not_reported_as_full() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(GRID).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    fs::write(lab.folder().join("blobs/incoming"), "no folder").unwrap();
    let hashed = blobs::Hashed::of(b"model");
    let put = BlobChunk { sha256: hashed.sha256, size: hashed.size, data: b"model".to_vec() };
    let refused = lab.dial(None).files().put(tokio_stream::once(put)).await.unwrap_err();
    let names = format!("the controller cannot write to `{}`: ", lab.folder().display());
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(refused.message().starts_with(&names), "{refused}");
    assert!(proto::dial::hint(&refused).is_some());
    assert!(ingests(&lab).await && lab.sweep(&sweep.id).await.note.is_empty(), "there is room");
    agent.log(&start, 0, KEY, &[0.5]).await.unwrap();
}
