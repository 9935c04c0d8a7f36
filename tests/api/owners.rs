//! Tests which project owns a content: what a run may name, what it learns about contents of other
//! projects, and the quotas of runs and projects.

use std::time::Duration;

use blobs::Hashed;
use proto::v1::{
    AliasArtifact, AppendRows, ArtifactRef, BeginRun, BlobChunk, BlobHashes, BlobStored, EndRun,
    FindRuns, ListRuns, Outcome, RunBegun,
};
use record::{
    Row, Writer,
    artifact::{ArtifactRow, Content, Entry, manifest},
    checkpoint::CheckpointRow,
    file::FileRow,
};
use rusqlite::Connection;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};

use crate::lab::{Lab, below, code, eventually};

const TOKEN: &str = "a token of the controller";

async fn lab() -> Lab {
    Lab::with(|settings| settings.token = Some(TOKEN.to_owned())).await
}

async fn begin(lab: &mut Lab, project: &str) -> RunBegun {
    let begin = BeginRun { project: project.to_owned(), ..BeginRun::default() };
    lab.runs.begin(begin).await.unwrap().into_inner()
}

async fn put(lab: &Lab, token: &str, content: &[u8]) -> Result<BlobStored, Status> {
    let Hashed { sha256, size } = Hashed::of(content);
    let chunk = BlobChunk { sha256, size, data: content.to_owned() };
    Ok(lab.dial(Some(token)).files().put(tokio_stream::iter([chunk])).await?.into_inner())
}

async fn missing(lab: &Lab, token: &str, content: &[u8]) -> bool {
    let sha256 = vec![Hashed::of(content).sha256];
    let missing = lab.dial(Some(token)).files().missing(BlobHashes { sha256 }).await.unwrap();
    !missing.into_inner().sha256.is_empty()
}

async fn append(lab: &Lab, of: &RunBegun, offset: u64, row: Row) -> Result<u64, Status> {
    let mut frames = Vec::new();
    Writer::default().frame(&[row], &mut frames);
    let [run, writer, stream] = [of.run.as_str(), "sdk", "files"].map(str::to_owned);
    let append = AppendRows { run, attempt: of.attempt, writer, stream, offset, frames };
    Ok(lab.dial(Some(&of.token)).runs().append(append).await?.into_inner().next)
}

/// Makes rows that name a content as a file, as a checkpoint and as an artifact's manifest.
fn rows(content: &[u8], size: u64) -> [Row; 3] {
    let sha256 = Hashed::of(content).sha256;
    let kind = "file".to_owned();
    let file = FileRow { path: "a".to_owned(), sha256: sha256.clone(), size, kind }.to_row(0, 0);
    let checkpoint =
        CheckpointRow { step: 0, sha256: sha256.clone(), size, history: 0, summary: 0 };
    let artifact = ArtifactRow {
        name: "net".to_owned(),
        kind: "model".to_owned(),
        digest: sha256,
        size,
        metadata: String::new(),
        aliases: Vec::new(),
    };
    let row = |values: Vec<(&'static str, record::Value)>| Row {
        values: values.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
        ..Row::default()
    };
    [file, row(checkpoint.values()), row(artifact.values())]
}

/// Returns the errors that a run gets when it appends each of the rows from [`rows`]. `HASH`
/// replaces the hash in the texts.
async fn refusals(lab: &Lab, of: &RunBegun, content: &[u8], size: u64) -> Vec<(Code, String)> {
    let mut told = Vec::new();
    for row in rows(content, size) {
        let status = append(lab, of, 0, row).await.unwrap_err();
        told.push((status.code(), status.message().replace(&Hashed::of(content).sha256, "HASH")));
    }
    told
}

#[tokio::test]
async fn a_hash_opens_no_content_of_another_project() {
    let mut lab = lab().await;
    let (owner, mate) = (begin(&mut lab, "ours").await, begin(&mut lab, "ours").await);
    let stranger = begin(&mut lab, "theirs").await;
    let text =
        manifest(&mut [Entry { path: "r".to_owned(), content: Content::reference("s3://r") }]);
    let secret = text.unwrap().into_bytes();
    let size = secret.len() as u64;
    assert_eq!(put(&lab, &owner.token, &secret).await.unwrap(), BlobStored { known: false });
    append(&lab, &owner, 0, rows(&secret, size)[2].clone()).await.unwrap();

    let absent = refusals(&lab, &stranger, b"nobody has sent this", size).await;
    for wrong in [size, size + 1] {
        assert_eq!(refusals(&lab, &stranger, &secret, wrong).await, absent);
    }
    assert!(missing(&lab, &stranger.token, &secret).await);
    assert!(!missing(&lab, &mate.token, &secret).await && !missing(&lab, TOKEN, &secret).await);
    assert_eq!(put(&lab, &mate.token, &secret).await.unwrap(), BlobStored { known: true });
    for (offset, row) in (0..).zip(rows(&secret, size)) {
        append(&lab, &mate, offset, row).await.unwrap();
    }

    // A run proves that it has a content by sending all of it; a part proves nothing. The
    // controller stores the content only once.
    let part = BlobChunk { sha256: Hashed::of(&secret).sha256, size, data: secret[..4].to_owned() };
    let part = lab.dial(Some(&stranger.token)).files().put(tokio_stream::iter([part])).await;
    assert_eq!(code(part), Code::InvalidArgument);
    assert!(missing(&lab, &stranger.token, &secret).await);
    assert_eq!(put(&lab, &stranger.token, &secret).await.unwrap(), BlobStored { known: false });
    lab.restart().await;
    assert!(!missing(&lab, &stranger.token, &secret).await);
    for (offset, row) in (0..).zip(rows(&secret, size)) {
        append(&lab, &stranger, offset, row).await.unwrap();
    }
    assert_eq!(below(&lab.folder().join("blobs")), 1);
}

#[tokio::test]
async fn a_project_has_the_contents_that_a_person_names_for_it() {
    let mut lab = lab().await;
    let (one, two) = (begin(&mut lab, "ours").await, begin(&mut lab, "ours").await);
    put(&lab, TOKEN, b"brought by a person").await.unwrap();
    let row = rows(b"brought by a person", 19)[0].clone();
    assert_eq!(code(append(&lab, &one, 0, row.clone()).await), Code::FailedPrecondition);
    let by_person = RunBegun { token: TOKEN.to_owned(), ..one };
    append(&lab, &by_person, 0, row.clone()).await.unwrap();
    append(&lab, &two, 0, row).await.unwrap();
}

/// Returns which project has which contents, and the bytes of each project.
fn held(database: &Connection) -> Vec<String> {
    let sql = "SELECT concat_ws(' ', sha256, project, size) FROM holdings
               UNION SELECT concat_ws(' ', project, bytes) FROM project_bytes ORDER BY 1";
    let mut query = database.prepare(sql).unwrap();
    query.query_map((), |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

#[tokio::test]
async fn the_schema_finds_the_owners_of_older_contents() {
    let mut lab = lab().await;
    let [entry, of_file, of_checkpoint] = [&b"an entry"[..], b"a file", b"a checkpoint"];
    for project in ["ours", "theirs"] {
        let run = begin(&mut lab, project).await;
        let Hashed { sha256, size } = Hashed::of(entry);
        let content = Content::Blob { sha256, size };
        let text =
            manifest(&mut [Entry { path: project.to_owned(), content }]).unwrap().into_bytes();
        for content in [entry, of_file, of_checkpoint, &text] {
            put(&lab, &run.token, content).await.unwrap();
        }
        let rows = [
            rows(of_file, of_file.len() as u64)[0].clone(),
            rows(of_checkpoint, of_checkpoint.len() as u64)[1].clone(),
            rows(&text, text.len() as u64)[2].clone(),
        ];
        for (offset, row) in (0..).zip(rows) {
            append(&lab, &run, offset, row).await.unwrap();
        }
    }
    lab.stop().await;
    let database = Connection::open(lab.folder().join("besom.db")).unwrap();
    let before = held(&database);
    assert_eq!(before.len(), 8 + 2, "{before:?}");
    let tables = "DROP TABLE holdings; DROP TABLE project_bytes; DROP TABLE run_bytes";
    database.execute_batch(tables).unwrap();
    database.execute_batch(include_str!("../../controller/src/store/schema/013.sql")).unwrap();
    assert_eq!(held(&database), before);
}

/// Begins an upload of `size` bytes and sends ten of them. Returns the channel for the other bytes,
/// and the future answer.
async fn open(lab: &Lab, size: u64) -> (mpsc::Sender<BlobChunk>, tokio::task::JoinHandle<Code>) {
    let (send, receive) = mpsc::channel(1);
    let mut client = lab.dial(None).files();
    let answer = tokio::spawn(async move { code(client.put(ReceiverStream::new(receive)).await) });
    let sha256 = Hashed::of(b"what will never be whole").sha256;
    send.send(BlobChunk { sha256, size, data: vec![1; 10] }).await.unwrap();
    (send, answer)
}

#[tokio::test]
async fn an_upload_takes_room_only_for_its_received_bytes() {
    let lab = Lab::with(|settings| settings.storage_bytes = 1000).await;
    let (_open, waits) = open(&lab, 1000).await;
    eventually("the upload has begun", async || {
        let files = below(&lab.folder().join("blobs"));
        (files == 1, files)
    })
    .await;
    lab.put(None, &[7; 900]).await;
    let chunk = |content: &[u8]| BlobChunk { data: content.to_owned(), ..BlobChunk::default() };
    let Hashed { sha256, size } = Hashed::of(&[8; 95]);
    let late = [BlobChunk { sha256, size, data: Vec::new() }, chunk(&[8; 95])];
    let late = lab.dial(None).files().put(tokio_stream::iter(late)).await;
    assert_eq!(code(late), Code::ResourceExhausted, "10 bytes of the open upload count");
    assert!(!waits.is_finished());
}

#[tokio::test]
async fn a_content_that_stalls_is_given_up() {
    let lab = Lab::with(|settings| settings.stall = Duration::from_millis(300)).await;
    let (_open, answer) = open(&lab, 1000).await;
    assert_eq!(answer.await.unwrap(), Code::Unavailable);
    eventually("nothing of it is left", async || {
        let files = below(&lab.folder().join("blobs"));
        (files == 0, files)
    })
    .await;
}

#[tokio::test]
async fn a_run_and_a_project_have_quotas() {
    let mut lab = Lab::with(|settings| {
        settings.token = Some(TOKEN.to_owned());
        (settings.run_bytes, settings.project_bytes) = (100, 150);
        settings.blob_grace = Duration::from_millis(500);
        settings.collect_every = Duration::from_millis(20);
    })
    .await;
    let (one, two) = (begin(&mut lab, "ours").await, begin(&mut lab, "ours").await);
    let outcome = Some(Outcome { state: "finished".to_owned(), ..Outcome::default() });
    let end = EndRun { run: one.run.clone(), attempt: 1, outcome, ..EndRun::default() };
    lab.runs.end(end).await.unwrap();
    put(&lab, &one.token, &[1; 60]).await.unwrap();
    let refused = put(&lab, &one.token, &[2; 60]).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    let told = format!("no room for 60 bytes: the run `{}` has 60 of 100 bytes", one.run);
    assert_eq!(refused.message(), told);
    put(&lab, &two.token, &[3; 80]).await.unwrap();
    let refused = put(&lab, &two.token, &[4; 15]).await.unwrap_err();
    assert_eq!(refused.message(), "no room for 15 bytes: the project `ours` has 140 of 150 bytes");
    let elsewhere = begin(&mut lab, "theirs").await;
    put(&lab, &elsewhere.token, &[4; 90]).await.unwrap();
    put(&lab, TOKEN, &[5; 500]).await.unwrap();
    // A collected content no longer counts against a quota.
    eventually("contents that no row names are collected", async || {
        let tried = code(put(&lab, &one.token, &[6; 100]).await);
        (tried == Code::Ok, tried)
    })
    .await;
}

#[tokio::test]
async fn names_and_lists_have_bounds() {
    let mut lab = Lab::start().await;
    let text = |length: usize| "x".repeat(length);
    let base = BeginRun::default;
    for (begin, told) in [
        (
            BeginRun { tags: vec![String::new(); 400_000], ..base() },
            "the run has 400000 tags; the limit is 100",
        ),
        (BeginRun { tags: vec![text(3), String::new()], ..base() }, "a tag is empty"),
        (BeginRun { tags: vec![text(257)], ..base() }, "has 257 bytes; the limit is 256"),
        (BeginRun { project: text(1025), ..base() }, "the project `xxx"),
        (BeginRun { name: text(1025), ..base() }, "the name `xxx"),
        (BeginRun { group: text(1025), ..base() }, "the group `xxx"),
        (BeginRun { job_type: text(1025), ..base() }, "the job type `xxx"),
        (BeginRun { idempotency_key: text(1025), ..base() }, "the idempotency key `xxx"),
        (BeginRun { notes: text((16 << 10) + 1), ..base() }, "have more than 16384 bytes"),
    ] {
        let refused = lab.runs.begin(begin).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(refused.message().contains(told), "{refused}");
    }
    let tags = vec![text(256); 50];
    lab.runs.begin(BeginRun { tags, name: text(1024), notes: text(1000), ..base() }).await.unwrap();
    let many = vec![String::new(); 1001];
    let states = lab.runs.list(ListRuns { states: many.clone(), ..ListRuns::default() }).await;
    let filters = lab.runs.find(FindRuns { filters: many.clone(), ..FindRuns::default() }).await;
    let artifact = Some(ArtifactRef::default());
    let alias = AliasArtifact { artifact, add: many, ..AliasArtifact::default() };
    let alias = lab.dial(None).artifacts().alias(alias).await;
    let told = [states.err(), filters.err(), alias.err()]
        .map(|refused| refused.unwrap().message().to_owned());
    assert_eq!(
        told,
        ["1001 states", "1001 filters", "1001 aliases to give"]
            .map(|what| format!("the request has {what}; the limit is 1000"))
    );
}
