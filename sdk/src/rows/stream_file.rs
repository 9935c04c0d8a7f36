//! The file of one stream of rows: frames, appended in their order. Used by the journals of rows and
//! of files. A frame that the disk takes only in part is written again at its place.

use std::{
    fs::{self, DirBuilder, File, Permissions},
    io,
    os::unix::fs::{DirBuilderExt as _, FileExt as _, PermissionsExt as _},
    path::Path,
};

use record::{Corrupt, ValueRef, Writer};

use super::cursor::{self, Place};

/// The file of one stream, open for appends.
#[derive(Debug)]
pub(crate) struct StreamFile {
    file: File,
    end: Place,
    next_step: u64,
    encoder: Writer,
    /// Frames that are not on disk yet, and their rows.
    pending: Vec<u8>,
    pending_rows: u64,
}

impl StreamFile {
    /// `None` when the file is corrupt.
    pub(crate) fn new(file: File) -> io::Result<Option<Self>> {
        let length = file.metadata()?.len();
        let (mut end, mut next_step) = (Place::default(), 0);
        loop {
            let bytes = cursor::read(&file, end, length)?;
            let start = end;
            for frame in record::frames(&bytes) {
                let steps =
                    |row: record::RowRef<'_>| next_step = row.step.saturating_add(1).max(next_step);
                match frame.and_then(|frame| frame.each(steps).map(|()| frame)) {
                    Ok(frame) => {
                        end.bytes += frame.bytes().len() as u64;
                        end.rows += frame.rows();
                    }
                    Err(Corrupt::Torn { .. }) => break,
                    Err(Corrupt::Bad { .. }) => return Ok(None),
                }
            }
            if end == start {
                break;
            }
        }
        if length > end.bytes {
            file.set_len(end.bytes)?;
        }
        let (encoder, pending) = (Writer::default(), Vec::new());
        Ok(Some(Self { file, end, next_step, encoder, pending, pending_rows: 0 }))
    }

    /// Where the file ends.
    pub(crate) fn end(&self) -> Place {
        self.end
    }

    /// The largest step in the file plus one.
    pub(crate) fn next_step(&self) -> u64 {
        self.next_step
    }

    /// Frames that are not on disk yet.
    pub(crate) fn pending(&self) -> &[u8] {
        &self.pending
    }

    /// Opens a second handle, to read with.
    pub(crate) fn reader(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Writes to another file from now on; returns the one before.
    #[cfg(test)]
    pub(crate) fn replace(&mut self, file: File) -> File {
        std::mem::replace(&mut self.file, file)
    }

    /// Gives up the lock on the file.
    pub(crate) fn unlock(&self) -> io::Result<()> {
        self.file.unlock()
    }

    /// Writes one row at its next step. On an error the row is not there, unless it comes with the
    /// next one.
    pub(crate) fn append<'a>(
        &mut self,
        wall_ms: i64,
        values: impl IntoIterator<Item = (&'a str, ValueRef<'a>), IntoIter: Clone>,
    ) -> io::Result<()> {
        self.push(self.next_step, wall_ms, values.into_iter());
        self.seal();
        self.next_step += 1;
        self.write()
    }

    /// Adds a row to the frame that is being made. Returns how many of its values no frame can
    /// hold.
    pub(crate) fn push<'a>(
        &mut self,
        step: u64,
        wall_ms: i64,
        values: impl Iterator<Item = (&'a str, ValueRef<'a>)> + Clone,
    ) -> u64 {
        self.pending_rows += 1;
        self.encoder.row(step, wall_ms, values, &mut self.pending)
    }

    /// Ends the frame that is being made.
    pub(crate) fn seal(&mut self) {
        self.encoder.flush(&mut self.pending);
    }

    /// Writes the frames that are not on disk yet, at a fixed place: what a full disk took in part
    /// is overwritten by the next try.
    pub(crate) fn write(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        self.file.write_all_at(&self.pending, self.end.bytes)?;
        self.end.bytes += self.pending.len() as u64;
        self.end.rows += self.pending_rows;
        self.pending.clear();
        self.pending_rows = 0;
        Ok(())
    }
}

/// Makes a folder that only its owner may enter, whatever lies above it; closes one that an earlier
/// version has left open.
pub(crate) fn make_private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    if fs::metadata(folder)?.permissions().mode() & 0o077 != 0 {
        // Somebody else's folder stays as it is.
        let _ = fs::set_permissions(folder, Permissions::from_mode(0o700));
    }
    Ok(())
}
