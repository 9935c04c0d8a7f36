//! Keeps the rows of the stream `files`. Each row names contents, which must be stored before the
//! row is kept. `app::rows::ingest` calls this module.

use std::sync::Arc;

use record::{
    artifact::{BadArtifact, MAX_ENTRIES, MAX_MANIFEST_BYTES},
    checkpoint::CheckpointRow,
    content_row::ContentRow,
    file::FileRow,
    ids::RunId,
};

use super::{
    artifacts::{self, Logged},
    checkpoints, kept,
    owner::Names,
};
use crate::{
    app::{App, change::Change, error::Error, people::caller::Caller, runs::lookup::Standing},
    store::{self, blocks::Stream, files::File, runs::Run},
};

/// A row of the stream `files` that has been read and checked, and is ready to be kept.
#[derive(Clone, Debug)]
pub(in crate::app) enum Row {
    File(FileRow),
    Checkpoint(CheckpointRow),
    Artifact(Logged),
}

/// Reads the rows of an append to the stream `files`, and prepares the versions of its artifacts.
///
/// # Errors
/// - Fails with [`Error::Invalid`] if a row names neither a file, a checkpoint nor an artifact.
/// - Fails with [`Error::Invalid`] if the append has too many checkpoints.
/// - Fails with [`Error::Invalid`] if the artifacts of the append together exceed the limits for
///   one artifact.
/// - Fails with [`Why::Blob`](crate::app::error::Why::Blob) if a manifest or one of its contents is
///   not stored.
pub(in crate::app) async fn read(
    app: &Arc<App>,
    caller: &Caller,
    run: &RunId,
    frames: &[u8],
) -> Result<Vec<Row>, Error> {
    let told = record::rows(frames)
        .map_err(|corrupt| Error::invalid(format!("the rows are damaged: {corrupt}")))?;
    let told: Result<Vec<ContentRow>, BadArtifact> = told.iter().map(ContentRow::of).collect();
    let told = told.map_err(|bad| Error::invalid(bad.to_string()))?;
    let most = app.settings.limits.checkpoint_rows;
    let checkpoints = told.iter().filter(|told| matches!(told, ContentRow::Checkpoint(_))).count();
    if checkpoints > most {
        let message = format!("the append has {checkpoints} checkpoints; the limit is {most}");
        return Err(Error::invalid(message).hint("send the rows in several appends"));
    }
    let (mut rows, mut bytes, mut entries) = (Vec::new(), 0, 0);
    for told in told {
        rows.push(match told {
            ContentRow::File(file) => Row::File(file),
            ContentRow::Checkpoint(checkpoint) => Row::Checkpoint(checkpoint),
            ContentRow::Artifact(artifact) => {
                // A row of a hundred bytes may name a manifest of megabytes, and an append has room
                // for many such rows. So the limits for one artifact hold for all artifacts of an
                // append together. The clients of this project send one such row per append
                // (`blobs::batch`).
                bytes += artifact.size;
                check_together(bytes, entries)?;
                let logged = artifacts::stage(app, caller, run, artifact).await?;
                entries += logged.entries;
                check_together(bytes, entries)?;
                Row::Artifact(logged)
            }
        });
    }
    Ok(rows)
}

/// Passes if the artifacts of one append together are within the limits for one artifact.
fn check_together(bytes: u64, entries: usize) -> Result<(), Error> {
    if bytes <= MAX_MANIFEST_BYTES && entries <= MAX_ENTRIES {
        return Ok(());
    }
    let message = format!(
        "the artifacts of one append have more than {MAX_ENTRIES} files or {MAX_MANIFEST_BYTES} \
        bytes of manifests"
    );
    Err(Error::invalid(message).hint("send the rows in several appends"))
}

/// Keeps rows of the stream `files`, and records that the run's project has their blobs. A late
/// file is left out if its attempt already has a file with the same path.
///
/// # Errors
/// Fails with [`Why::Blob`](crate::app::error::Why::Blob) if a blob is not stored, or if the caller
/// may not name it.
pub(in crate::app) fn keep(
    change: &Change<'_>,
    caller: &Caller,
    run: &Run,
    stream: Stream<'_>,
    standing: Standing,
    rows: &[Row],
) -> Result<(), Error> {
    let logged_ms = change.app.clock.wall_ms();
    let fenced = standing == Standing::Fenced;
    let apart = standing != Standing::Current;
    let names = Names::of(change.tx, caller, &run.project)?;
    for row in rows {
        match row {
            Row::File(file) => {
                names.claim(change.tx, &file.path, &file.sha256, file.size)?;
                let file = File { file: file.clone(), attempt: stream.attempt, logged_ms };
                if standing != Standing::Late || !store::files::is_there(change.tx, run.key, &file)?
                {
                    store::files::put(change.tx, run.key, &file, fenced)?;
                }
            }
            Row::Checkpoint(checkpoint) => {
                checkpoints::keep(change, &names, run, stream, apart, checkpoint)?
            }
            Row::Artifact(logged) => artifacts::keep(change, &names, run, apart, logged)?,
        }
    }
    // The content of a fenced attempt's checkpoint is never kept, so there is nothing to trim.
    let goes_on = !fenced && rows.iter().any(|row| matches!(row, Row::Checkpoint(_)));
    if goes_on { kept::trim(change.tx, run, kept::KEPT) } else { Ok(()) }
}
