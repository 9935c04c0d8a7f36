//! Sends files of imported runs: those that lie beside the source, and those inside it.

use std::{collections::HashSet, io::Write as _, path::Path, sync::Arc};

use blobs::{Hashed, Trouble, missing, of_file, upload};
use proto::v1::RunRef;
use record::file::FileRow;
use tempfile::NamedTempFile;
use terminal::{Exit, Failure};

use super::{
    paths,
    source::{Attached, Content},
};
use crate::connect::Controller;

/// Returns the paths and hashes of the files that a run has.
pub(super) async fn known(
    controller: &Controller,
    run: &str,
) -> Result<HashSet<(String, String)>, Failure> {
    let lost = |status| controller.failure(&status);
    let request = RunRef { run: run.to_owned() };
    let mut files = controller.dial().files().list(request).await.map_err(lost)?.into_inner();
    let mut known = HashSet::new();
    while let Some(file) = files.message().await.map_err(lost)? {
        known.insert((file.path, file.sha256));
    }
    Ok(known)
}

/// Sends the content of a file, unless the controller has it. Returns the file's row.
pub(super) async fn send(controller: &Controller, file: &Attached) -> Result<FileRow, Failure> {
    let Hashed { sha256, size } = content(controller, &file.content).await?;
    Ok(FileRow { path: file.path.clone(), sha256, size, kind: file.kind.to_owned() })
}

/// Sends a content, unless the controller has it. Returns its hash and its size.
pub(super) async fn content(controller: &Controller, content: &Content) -> Result<Hashed, Failure> {
    match content {
        Content::File(place) => {
            let hashed = of_file(place).map_err(|error| unreadable(place, &error))?;
            put(controller, place, &hashed).await?;
            Ok(hashed)
        }
        Content::Bytes(bytes) => {
            let hashed = Hashed::of(bytes);
            let mut place = NamedTempFile::new().map_err(|error| unwritable(&error))?;
            place.write_all(bytes).map_err(|error| unwritable(&error))?;
            put(controller, place.path(), &hashed).await?;
            Ok(hashed)
        }
    }
}

async fn put(controller: &Controller, place: &Path, hashed: &Hashed) -> Result<(), Failure> {
    let mut client = controller.dial().files();
    let hashes = [hashed.sha256.clone()];
    let lost = missing(&mut client, &hashes).await.map_err(|status| controller.failure(&status))?;
    if lost.is_empty() {
        return Ok(());
    }
    match upload(&mut client, place, hashed, &Arc::default()).await {
        Ok(()) => Ok(()),
        Err(Trouble::Remote(status)) => Err(controller.failure(&status)),
        Err(Trouble::Local(error)) => Err(unreadable(place, &error)),
        Err(damaged @ Trouble::Damaged(..)) => Err(Failure::new(Exit::Bug, damaged.to_string())),
    }
}

fn unreadable(place: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Input, paths::unreadable(place, error))
}

fn unwritable(error: &std::io::Error) -> Failure {
    Failure::new(Exit::Refused, format!("cannot write a temporary file: {error}"))
}
