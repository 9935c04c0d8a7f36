//! The rows of the stream `files`: each names contents, which have to be here before the row is
//! kept. Called by `app::rows::ingest`.

use std::sync::Arc;

use record::{
    artifact::{BadArtifact, MAX_ENTRIES, MAX_MANIFEST_BYTES},
    checkpoint::CheckpointRow,
    content_row::ContentRow,
    file::FileRow,
};

use super::{
    artifacts::{self, Logged},
    checkpoints, kept,
    owner::Names,
};
use crate::{
    app::{App, caller::Caller, change::Change, error::Error, runs::lookup::Standing},
    store::{self, blocks::Stream, files::File, runs::Run},
};

/// A row of the stream `files`, with what has to be known of it before it is kept.
#[derive(Clone, Debug)]
pub(in crate::app) enum Row {
    File(FileRow),
    Checkpoint(CheckpointRow),
    Artifact(Logged),
}

/// The rows of an append to the stream `files`.
///
/// # Errors
/// Invalid when a row tells of neither a file, a checkpoint nor an artifact, or all the artifacts
/// together are larger than one may be; refused with [`Why::Blob`] when a manifest is not here.
pub(in crate::app) async fn read(
    app: &Arc<App>,
    caller: &Caller,
    run: &str,
    frames: &[u8],
) -> Result<Vec<Row>, Error> {
    let told = record::rows(frames)
        .map_err(|corrupt| Error::invalid(format!("damaged rows: {corrupt}")))?;
    let told: Result<Vec<ContentRow>, BadArtifact> = told.iter().map(ContentRow::of).collect();
    let told = told.map_err(|bad| Error::invalid(bad.to_string()))?;
    let most = app.settings.limits.checkpoint_rows;
    let checkpoints = told.iter().filter(|told| matches!(told, ContentRow::Checkpoint(_))).count();
    if checkpoints > most {
        let message = format!("an append with {checkpoints} checkpoints, {most} at most");
        return Err(Error::invalid(message).hint("send the rows apart"));
    }
    let (mut rows, mut bytes, mut entries) = (Vec::new(), 0, 0);
    for told in told {
        rows.push(match told {
            ContentRow::File(file) => Row::File(file),
            ContentRow::Checkpoint(checkpoint) => Row::Checkpoint(checkpoint),
            ContentRow::Artifact(artifact) => {
                // A row of a hundred bytes may name a manifest of megabytes, and an append has room
                // for many such rows. Our own clients send one at a time (`blobs::batch`).
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

/// Passes for what the artifacts of one append may have in all: as much as the largest of them.
fn check_together(bytes: u64, entries: usize) -> Result<(), Error> {
    if bytes <= MAX_MANIFEST_BYTES && entries <= MAX_ENTRIES {
        return Ok(());
    }
    let message = format!(
        "the artifacts of one append have {MAX_ENTRIES} files and {MAX_MANIFEST_BYTES} bytes of \
        manifests at most"
    );
    Err(Error::invalid(message).hint("send the rows apart"))
}

/// Keeps such rows, and their blobs with them. Of an attempt that is over a file is added, and
/// takes the place of none.
///
/// # Errors
/// Refused with [`Why::Blob`] when a blob is not here.
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
    // Nobody goes on from a fenced one: its attempt is not the run's any more.
    let goes_on = !fenced && rows.iter().any(|row| matches!(row, Row::Checkpoint(_)));
    if goes_on { kept::trim(change.tx, run, kept::KEPT) } else { Ok(()) }
}
