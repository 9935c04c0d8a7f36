//! Appends frames to the file of one stream. The journals of rows and of files use it. If the disk
//! takes only a part of a frame, the next write starts again at the same place.

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
    /// Finds the end of the intact frames and cuts off a torn tail. Returns `None` if the file is
    /// corrupt.
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

    /// Returns the end of the file.
    pub(crate) fn end(&self) -> Place {
        self.end
    }

    /// Returns the largest step in the file plus one.
    pub(crate) fn next_step(&self) -> u64 {
        self.next_step
    }

    /// Returns the frames that are not on disk yet.
    pub(crate) fn pending(&self) -> &[u8] {
        &self.pending
    }

    /// Opens a second handle to read with.
    pub(crate) fn reader(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Replaces the file to write to. Returns the old file.
    #[cfg(test)]
    pub(crate) fn replace(&mut self, file: File) -> File {
        std::mem::replace(&mut self.file, file)
    }

    /// Releases the lock on the file.
    pub(crate) fn unlock(&self) -> io::Result<()> {
        self.file.unlock()
    }

    /// Writes one row at the next step. After an error the row is not on disk, but a later write
    /// may still add it.
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

    /// Adds a row to the open frame. Returns the number of its values that no frame can hold.
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

    /// Writes the frames that are not on disk yet, at a fixed place. The next try overwrites what a
    /// full disk took in part.
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

/// Makes a folder that only its owner may enter, whatever the permissions of its parents. Closes a
/// folder that an earlier version left open to others.
pub(crate) fn make_private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    if fs::metadata(folder)?.permissions().mode() & 0o077 != 0 {
        // A folder of another user stays as it is.
        let _ = fs::set_permissions(folder, Permissions::from_mode(0o700));
    }
    Ok(())
}
