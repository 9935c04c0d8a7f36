//! Decodes a row of the stream `files`. Such a row announces a file, a version of an artifact or a
//! checkpoint, and names contents by their hashes.

use crate::{
    Row,
    artifact::{ArtifactRow, BadArtifact},
    checkpoint::CheckpointRow,
    file::FileRow,
};

/// A row of the stream `files`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContentRow {
    /// A file of the run.
    File(FileRow),
    /// A version of an artifact.
    Artifact(ArtifactRow),
    /// A checkpoint.
    Checkpoint(CheckpointRow),
}

impl ContentRow {
    /// Reads a row of the stream `files`.
    ///
    /// # Errors
    /// Fails with [`BadArtifact`] if the row is invalid.
    pub fn of(row: &Row) -> Result<Self, BadArtifact> {
        if ArtifactRow::is_one(row) {
            Ok(Self::Artifact(ArtifactRow::of(row)?))
        } else if CheckpointRow::is_one(row) {
            Ok(Self::Checkpoint(CheckpointRow::of(row)?))
        } else {
            Ok(Self::File(FileRow::of(row)?))
        }
    }
}
