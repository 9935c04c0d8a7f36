//! Lists the contents that the controller must have before it accepts rows of the stream `files`,
//! and divides such rows into batches. `wire`, the SDK, the agent and `sweep sync` call it.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::Path,
};

use record::{
    MAX_FRAME_BYTES,
    artifact::{ArtifactRow, Content, MAX_MANIFEST_BYTES, entries},
    content_row::ContentRow,
    file::STREAM,
};

use crate::Hashed;

/// The maximum number of bytes of the stream `files` in one piece. No frame of that stream is
/// larger, because each frame has one row.
pub const ROWS_BYTES: usize = 128 << 10;
/// The maximum size in bytes of the contents of one batch. A larger content is a batch by itself.
const BATCH_BYTES: u64 = 16 << 20;
const BATCH_ROWS: u64 = 64;
/// The maximum number of checkpoints in one batch. The bound exists because the controller reads
/// rows of the run for each checkpoint.
const BATCH_CHECKPOINTS: u64 = 8;

/// Returns the next piece of a journal to send, from byte `from` on. The piece has whole frames,
/// and can end with the beginning of another frame. For the stream `files` the piece has as many
/// frames as [`batch`] takes. A piece that begins with damage is returned as it is, so that the
/// code that decodes it sees the damage.
///
/// # Errors
/// Fails if the journal cannot be read.
pub fn piece(journal: &mut File, from: u64, stream: &str) -> io::Result<Vec<u8>> {
    journal.seek(SeekFrom::Start(from))?;
    let are_files = stream == STREAM;
    let most = if are_files { ROWS_BYTES } else { MAX_FRAME_BYTES };
    let mut bytes = Vec::new();
    journal.take(most as u64).read_to_end(&mut bytes)?;
    let together = if are_files { batch(&bytes) } else { 0 };
    if together > 0 {
        bytes.truncate(together);
    }
    Ok(bytes)
}

/// Returns the length in bytes of the first batch: the leading frames whose contents are sent
/// together. The batch has only whole frames, and at least one if the first frame is whole. A
/// sender sends the rows of a batch before the contents of the next batch. So a long queue of files
/// does not hold back the first file.
pub fn batch(frames: &[u8]) -> usize {
    let (mut end, mut rows, mut size) = (0, 0, 0_u64);
    for frame in record::frames(frames).map_while(Result::ok) {
        (rows, size) = (rows + frame.rows(), size.saturating_add(contents(frame.bytes())));
        if end > 0 && (rows > BATCH_ROWS || size > BATCH_BYTES) {
            break;
        }
        end += frame.bytes().len();
    }
    end
}

/// Returns the size in bytes of the contents that these rows name. An artifact counts as a full
/// batch, because its row does not contain the sizes of its files. A checkpoint counts as at least
/// an eighth of a batch.
fn contents(frames: &[u8]) -> u64 {
    let told = record::rows(frames).unwrap_or_default();
    let sizes = told.iter().map(|row| match ContentRow::of(row) {
        Ok(ContentRow::File(file)) => file.size,
        Ok(ContentRow::Checkpoint(checkpoint)) => {
            checkpoint.size.max(BATCH_BYTES / BATCH_CHECKPOINTS)
        }
        Ok(ContentRow::Artifact(_)) => BATCH_BYTES,
        Err(_) => 0,
    });
    sizes.fold(0, u64::saturating_add)
}

/// Returns the contents that the rows in these frames name, each once and sorted by hash: files,
/// checkpoints, manifests of artifacts, and the files that the manifests list. The function reads
/// the manifests from `folder`, where each content has its hash as its name. It skips invalid rows,
/// because the controller refuses them later.
///
/// # Errors
/// Fails if a manifest cannot be read or cannot be parsed.
pub(crate) fn named(frames: &[u8], folder: &Path) -> io::Result<Vec<Hashed>> {
    let mut contents = Vec::new();
    for told in
        record::rows(frames).unwrap_or_default().iter().filter_map(|row| ContentRow::of(row).ok())
    {
        match told {
            ContentRow::File(file) => {
                contents.push(Hashed { sha256: file.sha256, size: file.size })
            }
            ContentRow::Checkpoint(checkpoint) => {
                contents.push(Hashed { sha256: checkpoint.sha256, size: checkpoint.size });
            }
            ContentRow::Artifact(artifact) => {
                contents.extend(listed(&artifact, folder)?);
                contents.push(Hashed { sha256: artifact.digest, size: artifact.size });
            }
        }
    }
    contents.sort_by(|one, two| one.sha256.cmp(&two.sha256));
    contents.dedup();
    Ok(contents)
}

fn listed(artifact: &ArtifactRow, folder: &Path) -> io::Result<Vec<Hashed>> {
    let mut manifest = String::new();
    File::open(folder.join(&artifact.digest))?
        .take(MAX_MANIFEST_BYTES)
        .read_to_string(&mut manifest)?;
    let entries =
        entries(&manifest).map_err(|bad| io::Error::new(io::ErrorKind::InvalidData, bad))?;
    let blobs = entries.into_iter().filter_map(|entry| match entry.content {
        Content::Blob { sha256, size } => Some(Hashed { sha256, size }),
        Content::Reference { .. } => None,
    });
    Ok(blobs.collect())
}

#[cfg(test)]
mod tests {
    use record::{
        Writer,
        file::{FileRow, MAX_FILE_BYTES},
    };

    use super::*;

    #[test]
    fn a_batch_ends_before_its_contents_exceed_the_limit() {
        let (mut frames, mut ends) = (Vec::new(), vec![0]);
        for (step, size) in [(0_u8, 1), (1, BATCH_BYTES - 1), (2, 1), (3, MAX_FILE_BYTES), (4, 1)] {
            let (path, kind) = (format!("{step}"), "file".to_owned());
            let row = FileRow { path, sha256: record::file::hex(&[step; 32]), size, kind };
            Writer::default().frame(&[row.to_row(step.into(), 0)], &mut frames);
            ends.push(frames.len());
        }
        let batches: Vec<usize> =
            [0, 2, 3, 4].map(|from| batch(&frames[ends[from]..]) + ends[from]).into();
        assert_eq!(batches, [ends[2], ends[3], ends[4], ends[5]]);
        assert_eq!((batch(&[]), batch(&frames[..ends[1] + 5])), (0, ends[1]));
    }
}
