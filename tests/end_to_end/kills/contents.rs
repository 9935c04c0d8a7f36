//! Sends files and versions of artifacts to a controller that is killed meanwhile. Everything that
//! the controller acknowledged is stored exactly once, bit by bit.

use std::{fs, sync::Arc};

use blobs::{Hashed, Trouble};
use proto::{
    dial::Dial,
    v1::{AppendRows, ArtifactFile, ArtifactRef, BlobRef, ListArtifacts, RunBegun, RunRef},
};
use record::{
    Row, Writer,
    artifact::{ArtifactRow, Content, Entry, manifest},
    file::{FileRow, STREAM},
};
use tests::acknowledged::PROJECT;
use tonic::Status;

fn content(number: u64) -> String {
    format!("content {number}")
}

/// Sends the content with this number, as a file of the run and as a version of an artifact that is
/// named after the run. Returns the next number.
pub(crate) async fn tell(dial: Dial, begun: RunBegun, number: u64) -> Result<u64, Status> {
    let Hashed { sha256, size } = Hashed::of(content(number).as_bytes());
    let (path, kind) = (format!("{number:06}.txt"), "file".to_owned());
    let file = FileRow { path, sha256: sha256.clone(), size, kind };
    let entry = Entry { path: "it".to_owned(), content: Content::Blob { sha256, size } };
    let text = manifest(&mut [entry]).unwrap();
    let Hashed { sha256: digest, size } = Hashed::of(text.as_bytes());
    let (name, kind) = (begun.run.clone(), "model".to_owned());
    let version =
        ArtifactRow { name, kind, digest, size, metadata: String::new(), aliases: Vec::new() };
    let values = version.values().into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    let mut frames = Vec::new();
    Writer::default().frame(&[file.to_row(0, 0), Row { values, ..Row::default() }], &mut frames);
    let folder = tempfile::tempdir().unwrap();
    for text in [&content(number), &text] {
        fs::write(folder.path().join(Hashed::of(text.as_bytes()).sha256), text).unwrap();
    }
    blobs::upload_named(&dial.files(), &frames, folder.path(), &Arc::default())
        .await
        .map_err(remote)?;
    let append = AppendRows {
        run: begun.run,
        attempt: begun.attempt,
        writer: "sdk".to_owned(),
        stream: STREAM.to_owned(),
        offset: 2 * number,
        frames,
    };
    dial.runs().append(append).await?;
    Ok(number + 1)
}

/// Returns the controller's status. Panics on any other trouble, which comes from the test's own
/// machine.
fn remote(trouble: Trouble) -> Status {
    match trouble {
        Trouble::Remote(status) => status,
        trouble => panic!("{trouble}"),
    }
}

/// Checks that exactly the first `acked` contents are there, as files and as versions.
pub(crate) async fn check(dial: &Dial, run: &str, acked: u64) {
    let mut listed = dial.files().list(RunRef { run: run.to_owned() }).await.unwrap().into_inner();
    for number in 0..acked {
        let file = listed.message().await.unwrap().unwrap();
        assert_eq!(file.path, format!("{number:06}.txt"));
        let wanted = BlobRef { run: run.to_owned(), path: file.path, ..BlobRef::default() };
        let (hashed, mut bytes) = (Hashed::of(content(number).as_bytes()), Vec::new());
        blobs::download(dial.files().get(wanted), &hashed, &mut bytes, |_| {}).await.unwrap();
    }
    assert_eq!(listed.message().await.unwrap(), None, "there is no other file");
    let named = ListArtifacts { project: PROJECT.to_owned(), name: run.to_owned() };
    let mut listed = dial.artifacts().list(named).await.unwrap().into_inner();
    for number in (0..acked).rev() {
        let version = listed.message().await.unwrap().unwrap();
        assert_eq!((version.version, version.made_by.len()), (number, 0));
        let artifact = ArtifactRef {
            project: version.project.clone(),
            name: version.name.clone(),
            version: format!("v{number}"),
            ..ArtifactRef::default()
        };
        let wanted = ArtifactFile { artifact: Some(artifact), path: "it".to_owned() };
        let (hashed, mut bytes) = (Hashed::of(content(number).as_bytes()), Vec::new());
        blobs::download(dial.artifacts().read(wanted), &hashed, &mut bytes, |_| {}).await.unwrap();
    }
    assert_eq!(listed.message().await.unwrap(), None, "there is no other version");
}
