//! Tests the files of runs: blobs that are stored and collected, rows that name them, and hostile
//! names that look like paths.

use std::time::Duration;

use blobs::{Folder, Hashed, Trouble};
use controller::settings::Limits;
use proto::v1::{BlobChunk, BlobHashes, BlobRef, File, RunRef};
use record::{
    Row, Value, Writer,
    file::{FileRow, MAX_FILE_BYTES},
};
use tonic::Code;

use crate::lab::{FakeAgent, Lab, RANDOM, below, code, eventually};

fn row(path: &str, content: &[u8]) -> Row {
    let Hashed { sha256, size } = Hashed::of(content);
    FileRow { path: path.to_owned(), sha256, size, kind: "file".to_owned() }.to_row(0, 0)
}

fn frames(rows: &[Row]) -> Vec<u8> {
    let mut out = Vec::new();
    Writer::default().frame(rows, &mut out);
    out
}

async fn list(lab: &Lab, run: &str) -> Vec<File> {
    let mut stream =
        lab.dial(None).files().list(RunRef { run: run.to_owned() }).await.unwrap().into_inner();
    let mut files = Vec::new();
    while let Some(file) = stream.message().await.unwrap() {
        files.push(file);
    }
    files
}

fn of_run(run: &str, path: &str) -> BlobRef {
    BlobRef { run: run.to_owned(), path: path.to_owned(), ..BlobRef::default() }
}

async fn chunks(lab: &Lab, chunks: Vec<BlobChunk>) -> Code {
    code(lab.dial(None).files().put(tokio_stream::iter(chunks)).await)
}

fn chunk(sha256: &str, size: u64, data: &[u8]) -> BlobChunk {
    BlobChunk { sha256: sha256.to_owned(), size, data: data.to_owned() }
}

#[tokio::test]
async fn stored_contents_come_back_after_a_restart() {
    let mut lab = Lab::start().await;
    let content: Vec<u8> =
        (0..3_000_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let (large, empty) = (lab.put(None, &content).await, lab.put(None, b"").await);
    lab.put(None, &content).await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    let rows = [row("model/weights.bin", &content), row("empty", b"")];
    assert_eq!(agent.append(&start, "files", 0, frames(&rows)).await.unwrap().next, 2);
    assert_eq!(agent.append(&start, "files", 0, frames(&rows)).await.unwrap().next, 2);
    lab.restart().await;
    let names: Vec<_> =
        list(&lab, &start.run).await.into_iter().map(|file| (file.path, file.sha256)).collect();
    let wanted = [("empty", &empty), ("model/weights.bin", &large)];
    assert_eq!(names, wanted.map(|(path, hashed)| (path.to_owned(), hashed.sha256.clone())));
    for (path, hashed, content) in
        [("empty", empty, &[][..]), ("model/weights.bin", large, &content)]
    {
        let (mut out, mut client) = (Vec::new(), lab.dial(None).files());
        blobs::download(client.get(of_run(&start.run, path)), &hashed, &mut out, |_| {})
            .await
            .unwrap();
        assert!(out == content);
        let by_hash = BlobRef { sha256: hashed.sha256.clone(), ..BlobRef::default() };
        blobs::download(client.get(by_hash), &hashed, &mut Vec::new(), |_| {}).await.unwrap();
    }
    assert_eq!(below(&lab.folder().join("blobs")), 2);
}

#[tokio::test]
async fn a_content_that_does_not_match_its_hash_leaves_nothing() {
    assert_eq!(
        Limits::default().blob_bytes,
        MAX_FILE_BYTES,
        "the controller takes what the SDK takes"
    );
    let lab = Lab::with(|settings| settings.limits.blob_bytes = 100).await;
    let hash = Hashed::of(b"abc").sha256;
    for bad in [
        vec![chunk(&hash, 3, b"abd")],
        vec![chunk(&hash, 3, b"ab")],
        vec![chunk(&hash, 3, b"ab"), chunk("", 0, b"cd")],
        vec![chunk("../../etc/passwd", 3, b"abc")],
        vec![chunk(&hash.to_uppercase(), 3, b"abc")],
        vec![chunk(&hash, 101, b"abc")],
        vec![],
    ] {
        assert_eq!(chunks(&lab, bad).await, Code::InvalidArgument);
    }
    let missing = BlobHashes { sha256: vec![hash.clone()] };
    assert_eq!(
        lab.dial(None).files().missing(missing.clone()).await.unwrap().into_inner(),
        missing
    );
    assert_eq!(below(&lab.folder().join("blobs")), 0);
    assert_eq!(chunks(&lab, vec![chunk(&hash, 3, b"a"), chunk("", 0, b"bc")]).await, Code::Ok);
    assert_eq!(lab.dial(None).files().missing(missing).await.unwrap().into_inner().sha256, [""; 0]);
}

#[tokio::test]
async fn a_row_waits_for_its_blob_and_hostile_names_are_refused() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    let early = agent.append(&start, "files", 0, frames(&[row("a", b"abc")])).await.unwrap_err();
    assert_eq!(early.code(), Code::FailedPrecondition);
    assert!(early.message().contains("is not here"), "{early}");
    lab.put(None, b"abc").await;
    agent.append(&start, "files", 0, frames(&[row("a", b"abc")])).await.unwrap();
    let long = "x/".repeat(600);
    for path in
        ["../x", "/etc/passwd", "a/../../b", "a//b", "", "a\\b", "a\0b", "a\u{1b}[2Jb", &long]
    {
        let refused =
            agent.append(&start, "files", 1, frames(&[row(path, b"abc")])).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{path:?}");
    }
    let mut lies = row("b", b"abc");
    lies.values[2].1 = Value::I64(4);
    assert_eq!(
        code(agent.append(&start, "files", 1, frames(&[lies])).await),
        Code::InvalidArgument
    );
    let numbers = crate::lab::frames(1, "path", &[1.0]);
    assert_eq!(code(agent.append(&start, "files", 1, numbers).await), Code::InvalidArgument);
    assert_eq!(list(&lab, &start.run).await.len(), 1);
    assert_eq!(code(lab.dial(None).files().get(of_run(&start.run, "../x")).await), Code::NotFound);
    assert_eq!(code(lab.dial(None).files().get(of_run("nobody", "a")).await), Code::NotFound);
}

#[tokio::test]
async fn the_newest_attempt_names_the_file_and_a_fenced_one_does_not() {
    let mut lab = Lab::start().await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    for content in [&b"one"[..], b"two", b"three", b"late"] {
        lab.put(None, content).await;
    }
    let rows = [row("kept", b"one"), row("model", b"one"), row("model", b"two")];
    agent.append(&start, "files", 0, frames(&rows)).await.unwrap();
    agent.end(&start, "failed").await.unwrap();
    let retry = proto::v1::RetryRuns { sweep: sweep.id.clone(), runs: vec![start.run.clone()] };
    lab.sweeps.retry(retry).await.unwrap();
    let second = agent.ask().await;
    assert_eq!((&second.run, second.attempt), (&start.run, 2));
    agent.append(&second, "files", 0, frames(&[row("model", b"three")])).await.unwrap();
    let late = agent
        .append(&start, "files", 3, frames(&[row("model", b"late"), row("new", b"late")]))
        .await;
    assert_eq!(code(late), Code::Aborted);
    let names: Vec<_> =
        list(&lab, &start.run).await.into_iter().map(|file| (file.path, file.size)).collect();
    assert_eq!(names, [("kept".to_owned(), 3), ("model".to_owned(), 5)]);
}

#[tokio::test]
async fn a_run_token_opens_only_its_own_files() {
    let mut lab = Lab::with(|settings| settings.token = Some("hush".to_owned())).await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let (own, other) = (agent.ask().await, lab.agent("two", &sweep.id).ask().await);
    let hashed = Hashed::of(b"abc");
    let mut client = lab.dial(Some(&own.token)).files();
    client.put(tokio_stream::iter([chunk(&hashed.sha256, 3, b"abc")])).await.unwrap();
    agent.append(&own, "files", 0, frames(&[row("a", b"abc")])).await.unwrap();
    let mut out = Vec::new();
    blobs::download(client.get(of_run(&own.run, "a")), &hashed, &mut out, |_| {}).await.unwrap();
    assert_eq!(code(client.get(of_run(&other.run, "a")).await), Code::PermissionDenied);
    assert_eq!(code(client.list(RunRef { run: other.run }).await), Code::PermissionDenied);
    let by_hash = BlobRef { sha256: hashed.sha256, ..BlobRef::default() };
    assert_eq!(code(client.get(by_hash).await), Code::PermissionDenied);
    assert_eq!(
        code(lab.dial(None).files().missing(BlobHashes::default()).await),
        Code::Unauthenticated
    );
}

#[tokio::test]
async fn only_blobs_that_nothing_refers_to_are_collected() {
    let mut lab = Lab::with(|settings| {
        settings.blob_grace = Duration::from_millis(300);
        settings.collect_every = Duration::from_millis(20);
        settings.limits.collected = 1;
    })
    .await;
    let sweep = lab.create(RANDOM).await;
    let mut agent: FakeAgent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    lab.put(None, b"first").await;
    lab.put(None, b"kept").await;
    let rows = [row("a", b"first"), row("b", b"kept")];
    agent.append(&start, "files", 0, frames(&rows)).await.unwrap();
    lab.put(None, b"second").await;
    agent.append(&start, "files", 2, frames(&[row("a", b"second")])).await.unwrap();
    let folder = lab.folder().join("blobs");
    eventually("the first content goes", async || (below(&folder) == 2, below(&folder))).await;
    crate::lab::pause(500).await;
    for (path, content) in [("a", b"second".as_slice()), ("b", b"kept")] {
        let (mut out, hashed) = (Vec::new(), Hashed::of(content));
        let mut client = lab.dial(None).files();
        blobs::download(client.get(of_run(&start.run, path)), &hashed, &mut out, |_| {})
            .await
            .unwrap();
    }
    // A content that was collected can be stored again.
    lab.put(None, b"first").await;
    agent.append(&start, "files", 3, frames(&[row("c", b"first")])).await.unwrap();
    assert_eq!(list(&lab, &start.run).await.len(), 3);
}

#[tokio::test]
async fn contents_are_refused_until_there_is_room() {
    let mut lab = Lab::with(|settings| {
        settings.storage_bytes = 10;
        settings.blob_grace = Duration::from_millis(500);
        settings.collect_every = Duration::from_millis(20);
    })
    .await;
    let sweep = lab.create(RANDOM).await;
    let mut agent = lab.agent("one", &sweep.id);
    let start = agent.ask().await;
    let (six, five) = (Hashed::of(b"6 here"), Hashed::of(b"5 now"));
    assert_eq!(chunks(&lab, vec![chunk(&six.sha256, 6, b"6 here")]).await, Code::Ok);
    agent.append(&start, "files", 0, frames(&[row("a", b"6 here")])).await.unwrap();
    assert_eq!(chunks(&lab, vec![chunk(&five.sha256, 5, b"5 now")]).await, Code::ResourceExhausted);
    // A content that is already stored needs no room, and a refused content takes no room.
    assert_eq!(chunks(&lab, vec![chunk(&six.sha256, 6, b"6 here")]).await, Code::Ok);
    assert_eq!(chunks(&lab, vec![chunk(&five.sha256, 4, b"4 of")]).await, Code::InvalidArgument);
    lab.restart().await;
    assert_eq!(chunks(&lab, vec![chunk(&five.sha256, 5, b"5 now")]).await, Code::ResourceExhausted);
    let mut agent = lab.agent("one", &sweep.id);
    assert_eq!(chunks(&lab, vec![chunk(&Hashed::of(b"4 of").sha256, 4, b"4 of")]).await, Code::Ok);
    agent.append(&start, "files", 1, frames(&[row("a", b"4 of")])).await.unwrap();
    eventually("the first content makes room", async || {
        let code = chunks(&lab, vec![chunk(&five.sha256, 5, b"5 now")]).await;
        (code == Code::Ok, code)
    })
    .await;
}

#[tokio::test]
async fn a_client_trusts_neither_bytes_nor_names() {
    let lab = Lab::start().await;
    let (short, other) = (lab.put(None, b"abc").await, lab.put(None, b"abd").await);
    let mut client = lab.dial(None).files();
    let wanted = BlobRef { sha256: other.sha256.clone(), ..BlobRef::default() };
    let damaged = blobs::download(client.get(wanted), &short, &mut Vec::new(), |_| {}).await;
    assert!(matches!(damaged, Err(Trouble::Damaged(..))), "{damaged:?}");
    let target = tempfile::tempdir().unwrap();
    let folder = Folder::open(&target.path().join("in")).unwrap();
    assert!(folder.create("../out").is_err());
    assert_eq!(below(target.path()), 0);
}

#[tokio::test]
async fn aborted_uploads_take_no_more_room_than_allowed() {
    const EACH: usize = 10;
    let lab = Lab::with(|settings| settings.storage_bytes = 400).await;
    let content = |number: u32| format!("{number:0EACH$}").into_bytes();
    let put = async |number: u32| {
        let content = content(number);
        let sent = chunk(&Hashed::of(&content).sha256, EACH as u64, &content);
        lab.dial(None).files().put(tokio_stream::iter([sent])).await
    };
    // The client gives up each of these calls after a different time, up to 16 ms: before, during
    // or after the upload.
    for number in 0..80 {
        let _ =
            tokio::time::timeout(Duration::from_micros(u64::from(number) * 200), put(number)).await;
    }
    crate::lab::pause(300).await;
    for number in 80..200 {
        let _ = put(number).await;
    }
    let sha256 = (0..200).map(|number| Hashed::of(&content(number)).sha256).collect::<Vec<_>>();
    let missing =
        lab.dial(None).files().missing(BlobHashes { sha256 }).await.unwrap().into_inner().sha256;
    assert_eq!((200 - missing.len()) * EACH, 400);
}
