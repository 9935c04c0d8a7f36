//! Tests backups of a data folder, with and without a running controller. A backup is complete, a
//! repeated backup copies only new contents, and a failed one leaves the earlier backup intact.

use std::{fs, path::Path, time::Duration};

use controller::StartError;
use tempfile::TempDir;

use crate::{
    fsck::fsck,
    lab::{GRID, Lab, below},
};

const KEY: &str = "val/loss";

async fn backup(lab: &Lab, into: &Path) -> Result<controller::Copied, StartError> {
    controller::backup(lab.folder(), into, &|_| {}).await
}

#[tokio::test]
async fn contents_that_are_removed_meanwhile_are_in_the_backup() {
    let lab = Lab::with(|settings| {
        settings.lease = Duration::from_millis(400);
        settings.blob_grace = Duration::ZERO;
        settings.collect_every = Duration::ZERO;
    })
    .await;
    let into = TempDir::new().unwrap();
    let mut held = 0;
    for round in 0..20 {
        // Nothing refers to these contents, so the controller removes them as soon as possible.
        for number in 0..5 {
            lab.put(None, format!("content {round} {number}").as_bytes()).await;
        }
        let copied = backup(&lab, into.path()).await.unwrap();
        assert_eq!(copied.report.problems, [], "round {round}");
        assert_eq!(
            below(&into.path().join("blobs")) as u64,
            copied.report.contents,
            "the backup has nothing else"
        );
        held += copied.report.contents;
    }
    assert!(held > 0, "the backups hold some contents");
}

#[tokio::test]
async fn a_backup_is_restored_and_goes_on_where_it_was() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(GRID).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    agent.log(&start, 0, KEY, &[0.5, 0.25]).await.unwrap();
    lab.put(None, b"content").await;
    let (into, home) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let first = backup(&lab, into.path()).await.unwrap();
    assert_eq!((first.contents, first.bytes, first.report.contents), (1, 7, 1));
    agent.log(&start, 2, KEY, &[0.125]).await.unwrap();
    lab.put(None, b"more").await;
    let second = backup(&lab, into.path()).await.unwrap();
    assert_eq!(
        (second.contents, second.bytes, second.report.contents),
        (1, 4, 2),
        "the first backup has the other content"
    );
    let before = (lab.sweep(&sweep.id).await, lab.blocks(&start.run, "history").await);
    let data = home.path().join("data");
    let restored = controller::restore(into.path(), &data, &|_| {}).await.unwrap();
    assert_eq!((restored.contents, restored.report.clone()), (2, second.report));
    assert_eq!(fsck(&data).await, restored.report);
    lab.stop().await;
    for entry in ["besom.db", "blobs"] {
        let path = lab.folder().join(entry);
        if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) }.unwrap();
        fs::rename(data.join(entry), path).unwrap();
    }
    lab.come_back().await;
    assert_eq!((lab.sweep(&sweep.id).await, lab.blocks(&start.run, "history").await), before);
    let mut agent = lab.agent("one", &sweep.id);
    agent.log(&start, 3, KEY, &[0.1]).await.unwrap();
}

#[tokio::test]
async fn a_bad_source_leaves_the_earlier_backup_as_it_was() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(GRID).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    agent.log(&start, 0, KEY, &[0.5]).await.unwrap();
    let hash = lab.put(None, b"content").await.sha256;
    lab.stop().await;
    let into = TempDir::new().unwrap();
    let good = backup(&lab, into.path()).await.unwrap().report;
    assert_eq!((good.rows, good.problems.len()), (1, 0));
    // A backup copies a content again if the earlier copy is damaged. If a content is damaged at
    // its source, the earlier copy stays.
    let content = |folder: &Path| folder.join("blobs").join(&hash[..2]).join(&hash[2..]);
    fs::write(content(into.path()), b"decayed").unwrap();
    assert_eq!(backup(&lab, into.path()).await.unwrap().report, good);
    fs::write(content(lab.folder()), b"decayed").unwrap();
    assert_eq!(backup(&lab, into.path()).await.unwrap().report, good);
    let database = lab.folder().join("besom.db");
    let mut bytes = fs::read(&database).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0xA5);
    fs::write(&database, bytes).unwrap();
    let refused = backup(&lab, into.path()).await.unwrap_err();
    assert!(matches!(refused, StartError::Damaged { .. }), "{refused}");
    assert_eq!(fsck(into.path()).await, good);
}

#[tokio::test]
async fn a_copy_refuses_a_foreign_folder() {
    let lab = Lab::start().await;
    let (into, home) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    fs::write(into.path().join("letter"), "dear").unwrap();
    let wrong = |outcome: Result<controller::Copied, StartError>| {
        let refused = outcome.unwrap_err();
        assert!(matches!(refused, StartError::NoFolder { .. }), "{refused}");
        refused.to_string()
    };
    assert!(wrong(backup(&lab, into.path()).await).contains("it holds `letter`"));
    assert!(
        wrong(controller::restore(home.path(), into.path(), &|_| {}).await).contains("no database")
    );
    fs::remove_file(into.path().join("letter")).unwrap();
    backup(&lab, into.path()).await.unwrap();
    assert!(matches!(
        controller::backup(lab.folder(), lab.folder(), &|_| {}).await,
        Err(StartError::NoFolder { .. })
    ));
    assert!(
        wrong(controller::restore(into.path(), into.path(), &|_| {}).await)
            .contains("holds a database")
    );
}
