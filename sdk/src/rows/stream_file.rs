//! Appends frames to the file of one stream. The journal of rows and the journal of files use this
//! module. If a write fails halfway, the next write begins at the same offset and overwrites the
//! partial frame.

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
    /// The frames that are not on disk yet.
    pending: Vec<u8>,
    /// The number of rows in `pending`.
    pending_rows: u64,
}

impl StreamFile {
    /// Finds the end of the intact frames, and cuts off a torn frame at the end of the file.
    /// Returns `None` if the file is corrupt.
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

    /// Returns the end of the frames that are on disk.
    pub(crate) fn end(&self) -> Place {
        self.end
    }

    /// Returns the next step of [`StreamFile::append`]: the largest step at the opening plus one,
    /// and one more for each appended row.
    pub(crate) fn next_step(&self) -> u64 {
        self.next_step
    }

    /// Returns the frames that are not on disk yet.
    pub(crate) fn pending(&self) -> &[u8] {
        &self.pending
    }

    /// Opens a second handle of the file, for reading.
    pub(crate) fn reader(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Replaces the file that gets the frames. Returns the old file.
    #[cfg(test)]
    pub(crate) fn replace(&mut self, file: File) -> File {
        std::mem::replace(&mut self.file, file)
    }

    /// Releases the lock on the file.
    pub(crate) fn unlock(&self) -> io::Result<()> {
        self.file.unlock()
    }

    /// Writes one row at the next step. If the write fails, the row stays in memory, and a later
    /// write may still add it to the file.
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

    /// Adds a row to the open frame. Returns the number of the row's values that were left out,
    /// because they do not fit into a frame.
    pub(crate) fn push<'a>(
        &mut self,
        step: u64,
        wall_ms: i64,
        values: impl Iterator<Item = (&'a str, ValueRef<'a>)> + Clone,
    ) -> u64 {
        self.pending_rows += 1;
        self.encoder.row(step, wall_ms, values, &mut self.pending)
    }

    /// Closes the open frame.
    pub(crate) fn seal(&mut self) {
        self.encoder.flush(&mut self.pending);
    }

    /// Writes the frames that are not on disk yet, at the offset where the frames on disk end.
    /// After a failed write, the next call writes at the same offset again.
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

/// Makes a folder that only its owner may enter, whatever the permissions of its parents. If the
/// folder exists and is open to other users, the function closes it to them.
pub(crate) fn make_private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    if fs::metadata(folder)?.permissions().mode() & 0o077 != 0 {
        // The permissions of another user's folder cannot be changed, so they stay as they are.
        let _ = fs::set_permissions(folder, Permissions::from_mode(0o700));
    }
    Ok(())
}
