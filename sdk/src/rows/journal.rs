//! Writes the journal, so that every row is on disk before the sender sends it. The journal takes
//! the rows from the buffer, turns them into frames, and appends the frames to one file per stream.
//! The journal thread calls this module every few milliseconds. A thread that makes a checkpoint
//! calls it too, and the thread that ends the run calls it once more. The journal never sends a row
//! and never drops one. If a write fails, the next call repeats it. At the end of the run, the
//! sender gets the frames that the disk has not taken.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use super::{
    row_buffer::{self, HALF_BYTES, RowBuffer, Stream},
    stream_file::{StreamFile, make_private},
};
use crate::clock::wall_ms;
use proto::folder::JOURNAL;

/// The largest number of writers of one attempt. Each journal that is open has a writer of its own,
/// and a corrupt journal also takes up the name of a writer.
const MAX_WRITERS: u32 = 256;

/// The number of bytes of whole frames in each stream's file. The sender reads these numbers.
#[derive(Debug, Default)]
pub(crate) struct Written([AtomicU64; Stream::COUNT]);

impl Written {
    pub(crate) fn bytes(&self, stream: Stream) -> u64 {
        self.0[stream as usize].load(Ordering::Acquire)
    }
}

/// The files of one writer. The writer's name belongs to this process until [`Journal::release`] is
/// called or all handles of the history file are closed.
#[derive(Debug)]
pub(crate) struct Journal {
    writer: String,
    files: [StreamFile; Stream::COUNT],
    spare: Vec<u8>,
    cut: u64,
}

impl Journal {
    /// Opens `<folder>/journal/<writer>.<stream>`. The writer is `sdk`, or the first of `sdk-2`,
    /// `sdk-3`, ... that no open journal holds and whose files are intact. The rows of an earlier
    /// process stay in the files. If a file ends in a torn frame, the call cuts this frame off.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        let folder = folder.join(JOURNAL);
        make_private(&folder)?;
        for number in 1..=MAX_WRITERS {
            let writer = if number == 1 { "sdk".to_owned() } else { format!("sdk-{number}") };
            let history = open(&path(&folder, &writer, Stream::History))?;
            match history.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => continue,
                Err(TryLockError::Error(error)) => return Err(error),
            }
            let mut files: Vec<StreamFile> = StreamFile::new(history)?.into_iter().collect();
            for stream in &Stream::ALL[1..] {
                files.extend(StreamFile::new(open(&path(&folder, &writer, *stream))?)?);
            }
            // If one of the files is corrupt, the loop tries the next name. The corrupt file stays
            // as it is, so that its rows may still be rescued.
            if let Ok(files) = <[StreamFile; Stream::COUNT]>::try_from(files) {
                return Ok(Self { writer, files, spare: Vec::with_capacity(HALF_BYTES), cut: 0 });
            }
        }
        Err(io::Error::other(format!("this attempt has {MAX_WRITERS} journals already")))
    }

    pub(crate) fn writer(&self) -> &str {
        &self.writer
    }

    /// Returns, per stream, the largest step that the file had when the journal was opened plus
    /// one, or 0 for an empty file.
    pub(crate) fn next_steps(&self) -> [u64; Stream::COUNT] {
        self.files.each_ref().map(StreamFile::next_step)
    }

    /// Returns the current sizes of the journal's files, in bytes.
    pub(crate) fn written(&self) -> Written {
        Written(self.files.each_ref().map(|file| AtomicU64::new(file.end().bytes)))
    }

    /// Opens a second handle of a stream's file, for reading.
    pub(crate) fn reader(&self, stream: Stream) -> io::Result<File> {
        self.files[stream as usize].reader()
    }

    /// Returns the number of rows on disk, per stream.
    pub(crate) fn rows(&self) -> [u64; Stream::COUNT] {
        self.files.each_ref().map(|file| file.end().rows)
    }

    /// Returns the number of values that were left out because no frame could hold their row.
    pub(crate) fn cut(&self) -> u64 {
        self.cut
    }

    /// Writes the waiting rows of the buffer to disk. If the write fails, the frames stay in
    /// memory, and the next call writes them first. Until that write succeeds, no call takes rows
    /// from the buffer, so the frames in memory stay bounded. Returns the number of bytes that the
    /// call took from the buffer.
    pub(crate) fn drain(&mut self, buffer: &RowBuffer, written: &Written) -> io::Result<usize> {
        self.write(written)?;
        self.take(buffer);
        self.write(written)?;
        Ok(self.spare.len())
    }

    /// Drains the buffer for the last time, and takes its rows even if the disk takes no frames.
    /// Returns the disk's error and, per stream, the frames that the disk has not taken. The sender
    /// sends these frames from memory.
    pub(crate) fn finish(
        &mut self,
        buffer: &RowBuffer,
        written: &Written,
    ) -> (io::Result<()>, [Vec<u8>; Stream::COUNT]) {
        let mut wrote = self.write(written);
        self.take(buffer);
        if wrote.is_ok() {
            wrote = self.write(written);
        }
        (wrote, self.files.each_ref().map(|file| file.pending().to_vec()))
    }

    /// Releases the writer's name, so that another process, or another run of this process, may
    /// take it. The journal must not write after this call.
    pub(crate) fn release(&self) -> io::Result<()> {
        self.files[Stream::History as usize].unlock()
    }

    /// Turns the waiting rows of the buffer into frames.
    fn take(&mut self, buffer: &RowBuffer) {
        buffer.swap(&mut self.spare);
        let wall_ms = wall_ms();
        for row in row_buffer::rows(&self.spare) {
            let file = &mut self.files[row.stream as usize];
            self.cut += file.push(row.step, wall_ms, row.values);
        }
        for file in &mut self.files {
            file.seal();
        }
    }

    fn write(&mut self, written: &Written) -> io::Result<()> {
        for (file, published) in self.files.iter_mut().zip(&written.0) {
            file.write()?;
            published.store(file.end().bytes, Ordering::Release);
        }
        Ok(())
    }
}

fn path(folder: &Path, writer: &str, stream: Stream) -> PathBuf {
    folder.join(format!("{writer}.{}", stream.name()))
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, Permissions},
        os::unix::fs::PermissionsExt as _,
    };

    use super::*;

    fn logged(journal: &mut Journal, rows: usize) {
        let (buffer, written) = (RowBuffer::new(journal.next_steps()), journal.written());
        for _ in 0..rows {
            buffer.push(Stream::History, None, [("a", 1)]);
        }
        journal.drain(&buffer, &written).unwrap();
        assert_eq!(written.bytes(Stream::History), journal.files[0].end().bytes);
    }

    fn steps(folder: &Path, writer: &str) -> Vec<u64> {
        let bytes = fs::read(folder.join(JOURNAL).join(format!("{writer}.history"))).unwrap();
        record::rows(&bytes).unwrap().iter().map(|row| row.step).collect()
    }

    #[test]
    fn a_second_writer_has_its_own_files() {
        let folder = tempfile::tempdir().unwrap();
        let (mut first, mut second) =
            (Journal::open(folder.path()).unwrap(), Journal::open(folder.path()).unwrap());
        logged(&mut first, 2);
        logged(&mut second, 1);
        assert_eq!((first.writer(), second.writer()), ("sdk", "sdk-2"));
        assert_eq!(
            (steps(folder.path(), "sdk"), steps(folder.path(), "sdk-2")),
            (vec![0, 1], vec![0])
        );
    }

    #[test]
    fn the_name_of_a_writer_that_is_done_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = Journal::open(folder.path()).unwrap();
        logged(&mut first, 2);
        first.release().unwrap();
        let second = Journal::open(folder.path()).unwrap();
        assert_eq!((second.writer(), second.next_steps()[0]), ("sdk", 2));
    }

    #[test]
    fn the_next_process_cuts_off_a_torn_tail() {
        let folder = tempfile::tempdir().unwrap();
        logged(&mut Journal::open(folder.path()).unwrap(), 3);
        let path = folder.path().join("journal/sdk.history");
        let mut bytes = fs::read(&path).unwrap();
        bytes.extend_from_within(..20);
        fs::write(&path, bytes).unwrap();
        let mut journal = Journal::open(folder.path()).unwrap();
        assert_eq!(
            (journal.writer(), journal.rows(), journal.next_steps()),
            ("sdk", [3, 0, 0, 0, 0], [3, 0, 0, 0, 0])
        );
        logged(&mut journal, 2);
        assert_eq!(steps(folder.path(), "sdk"), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn nobody_else_reads_rows_whatever_the_folder_is() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
        let mode =
            || fs::metadata(folder.path().join(JOURNAL)).unwrap().permissions().mode() & 0o777;
        drop(Journal::open(folder.path()).unwrap());
        assert_eq!(mode(), 0o700);
        fs::set_permissions(folder.path().join(JOURNAL), Permissions::from_mode(0o755)).unwrap();
        drop(Journal::open(folder.path()).unwrap());
        assert_eq!(mode(), 0o700, "a folder that was left open is closed");
    }

    #[test]
    fn a_corrupt_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(JOURNAL)).unwrap();
        fs::write(folder.path().join("journal/sdk.history"), [7; 50]).unwrap();
        assert_eq!(Journal::open(folder.path()).unwrap().writer(), "sdk-2");
        assert_eq!(fs::read(folder.path().join("journal/sdk.history")).unwrap(), [7; 50]);
    }

    #[test]
    fn a_full_disk_delays_rows_and_loses_none() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path()).unwrap();
        let (buffer, written) = (RowBuffer::new([0; Stream::COUNT]), journal.written());
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let good = journal.files[0].replace(full);
        buffer.push(Stream::History, None, [("a", 1)]);
        assert!(journal.drain(&buffer, &written).is_err());
        buffer.push(Stream::History, None, [("a", 2)]);
        assert!(journal.drain(&buffer, &written).is_err());
        let waiting = |journal: &Journal| record::count(journal.files[0].pending());
        assert_eq!((waiting(&journal), written.bytes(Stream::History)), (Ok(1), 0));
        let (error, rest) = journal.finish(&buffer, &written);
        assert!(error.is_err());
        assert_eq!(
            (record::count(&rest[0]), rest[1].len()),
            (Ok(2), 0),
            "the frames that the disk never took"
        );
        journal.files[0].replace(good);
        let (ended, rest) = journal.finish(&buffer, &written);
        assert_eq!((ended.is_ok(), rest), (true, [const { Vec::new() }; Stream::COUNT]));
        assert_eq!((steps(folder.path(), "sdk"), waiting(&journal)), (vec![0, 1], Ok(0)));
    }
}
