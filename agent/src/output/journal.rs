//! Writes journal files of the agent's own writer. The files hold only frames, appended whole. When
//! a journal is opened after a crash, a torn or damaged end is cut off. `tail` writes rows of the
//! console that were lost again, because the console files are still there. Lost samples of system
//! metrics are gone. `tail` and `samples` call it.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use record::{Row, RowRef, ValueRef, Writer};

/// One journal. The file appears when its first row is written.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: Option<File>,
    writer: Writer,
    pending: Vec<u8>,
}

impl Journal {
    /// Opens the journal at `path`, and calls `each` with every row in it. Cuts off everything from
    /// the first torn or damaged frame on.
    ///
    /// # Errors
    /// Fails if the disk fails.
    pub fn open(path: &Path, mut each: impl FnMut(RowRef<'_>)) -> io::Result<Self> {
        let mut journal = Self {
            path: path.to_owned(),
            file: None,
            writer: Writer::default(),
            pending: Vec::new(),
        };
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(journal),
            Err(error) => return Err(error),
        };
        let mut whole = 0;
        for frame in record::frames(&bytes) {
            // A damaged frame counts as a torn one: the journal is cut off before it.
            let Ok(frame) = frame else { break };
            if frame.each(&mut each).is_err() {
                break;
            }
            whole += frame.bytes().len();
        }
        if whole < bytes.len() {
            journal.file()?.set_len(whole as u64)?;
        }
        Ok(journal)
    }

    /// Adds a row. The row is in the file after the next [`Journal::flush`].
    pub fn push(&mut self, row: &Row) {
        let values = row.values.iter().map(|(key, value)| (key.as_str(), value.borrow()));
        // The writer cuts values beyond the limits of a frame. `tail` reports such cuts of printed
        // rows to people.
        self.writer.row(row.step, row.wall_ms, values, &mut self.pending);
    }

    /// Adds a row with one text.
    pub fn push_text(&mut self, step: u64, wall_ms: i64, key: &str, text: &str) {
        let values = std::iter::once((key, ValueRef::Text(text)));
        self.writer.row(step, wall_ms, values, &mut self.pending);
    }

    /// Writes the added rows in one call. Returns whether there were any added rows.
    ///
    /// # Errors
    /// Fails if the disk fails.
    pub fn flush(&mut self) -> io::Result<bool> {
        self.writer.flush(&mut self.pending);
        if self.pending.is_empty() {
            return Ok(false);
        }
        let pending = std::mem::take(&mut self.pending);
        self.file()?.write_all(&pending)?;
        self.pending = pending;
        self.pending.clear();
        Ok(true)
    }

    fn file(&mut self) -> io::Result<&mut File> {
        if self.file.is_none() {
            self.file = Some(File::options().append(true).create(true).open(&self.path)?);
        }
        Ok(self.file.as_mut().expect("it was just opened"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(path: &Path) -> Vec<u64> {
        let mut steps = Vec::new();
        Journal::open(path, |row| steps.push(row.step)).unwrap();
        steps
    }

    #[test]
    fn a_torn_tail_is_cut_at_every_byte() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("agent.console");
        let mut journal = Journal::open(&path, |_| {}).unwrap();
        assert!(!journal.flush().unwrap() && !path.exists(), "without a row there is no file");
        let mut ends = vec![0];
        for step in 0..3 {
            journal.push_text(step, 0, "stdout", "line");
            assert!(journal.flush().unwrap());
            ends.push(fs::metadata(&path).unwrap().len() as usize);
        }
        let whole = fs::read(&path).unwrap();
        for length in 0..=whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            let frames = ends.iter().filter(|end| **end <= length).count() - 1;
            assert_eq!(texts(&path).len(), frames);
            assert_eq!(fs::metadata(&path).unwrap().len() as usize, ends[frames]);
        }
    }
}
