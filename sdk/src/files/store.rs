//! Stores the files of a run on this machine. The run's folder has each content once, under its
//! hash, and a journal of the rows that name the contents. The thread that logs a file writes both,
//! and the uploader reads both. A content is written before its row, so a process that sends the
//! journal finds the contents of all rows that are still to be sent. This module sends nothing.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use blobs::Hashed;
use proto::folder::{FILES, JOURNAL};
use record::{
    ValueRef,
    artifact::ArtifactRow,
    checkpoint::CheckpointRow,
    content_row::ContentRow,
    file::{FileRow, STREAM},
};

use crate::{
    clock::wall_ms,
    rows::stream_file::{StreamFile, make_private},
};

/// The source of a file's content.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source<'a> {
    /// Bytes in memory.
    Bytes(&'a [u8]),
    /// A file, which is copied because it may change later.
    File(&'a Path),
}

/// The files of one writer of a run.
#[derive(Debug)]
pub(crate) struct Files {
    folder: PathBuf,
    journal: PathBuf,
    open: Mutex<Option<StreamFile>>,
    /// The number of bytes in whole frames of the journal, for the uploader; 0 until this process
    /// has stored a file.
    bytes: AtomicU64,
    /// The number of rows in the journal, for the uploader; 0 until this process has stored a file.
    rows: AtomicU64,
    /// The number of values whose file could not be stored.
    lost: AtomicU64,
    number: AtomicU64,
    closed: AtomicBool,
    /// The checkpoints of this process that the controller does not have yet. Each entry has the
    /// number of rows in the journal up to and including the checkpoint's row, and the hash of the
    /// checkpoint's content.
    checkpoints: Mutex<Vec<(u64, String)>>,
}

impl Files {
    /// Makes the store of this writer's files. The call touches no disk. The first stored file
    /// creates the folder of contents and opens the writer's journal of files.
    pub(crate) fn new(folder: &Path, writer: &str) -> Self {
        Self {
            journal: folder.join(JOURNAL).join(format!("{writer}.{STREAM}")),
            folder: folder.join(FILES),
            open: Mutex::default(),
            bytes: AtomicU64::new(0),
            rows: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            number: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            checkpoints: Mutex::default(),
        }
    }

    /// Stores a content and the row that names this content. `path` makes the file's path from the
    /// content's hash.
    pub(crate) fn keep(
        &self,
        kind: &str,
        source: Source<'_>,
        path: impl FnOnce(&Hashed) -> String,
    ) -> io::Result<FileRow> {
        let hashed = self.content(source)?;
        let file = FileRow {
            path: path(&hashed),
            sha256: hashed.sha256,
            size: hashed.size,
            kind: kind.to_owned(),
        };
        file.check().map_err(|bad| io::Error::new(io::ErrorKind::InvalidInput, bad))?;
        let size = i64::try_from(file.size).unwrap_or(i64::MAX);
        self.row([
            ("path", ValueRef::Text(&file.path)),
            ("sha256", ValueRef::Text(&file.sha256)),
            ("size", ValueRef::I64(size)),
            ("kind", ValueRef::Text(&file.kind)),
        ])?;
        Ok(file)
    }

    /// Stores the row of an artifact, whose contents and manifest are stored already.
    pub(crate) fn artifact(&self, artifact: &ArtifactRow) -> io::Result<()> {
        let values = artifact.values();
        self.row(values.iter().map(|(name, value)| (*name, value.borrow())))
    }

    /// Stores the row of a checkpoint, whose content is stored already.
    pub(crate) fn checkpoint(&self, checkpoint: &CheckpointRow) -> io::Result<()> {
        let values = checkpoint.values();
        self.row(values.iter().map(|(name, value)| (*name, value.borrow())))?;
        self.lock_checkpoints().push((self.rows(), checkpoint.sha256.clone()));
        Ok(())
    }

    /// Records that the controller has this many rows. Removes the contents of the checkpoints in
    /// these rows, because later checkpoints need the space on this disk.
    pub(crate) fn shipped(&self, rows: u64) {
        let mut checkpoints = self.lock_checkpoints();
        let gone = checkpoints.iter().take_while(|(row, _)| *row <= rows).count();
        let gone: Vec<_> = checkpoints.drain(..gone).collect();
        // A content stays if a later checkpoint with the same content is not sent yet.
        for (_, sha256) in
            gone.iter().filter(|(_, gone)| checkpoints.iter().all(|(_, later)| later != gone))
        {
            // A file that cannot be removed only takes space.
            let _ = fs::remove_file(self.folder.join(sha256));
        }
    }

    fn lock_checkpoints(&self) -> MutexGuard<'_, Vec<(u64, String)>> {
        self.checkpoints.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the checkpoint with the latest timestamp in the journals of this attempt, whichever
    /// process of the attempt made it.
    pub(crate) fn newest_checkpoint(&self) -> io::Result<Option<CheckpointRow>> {
        let mut newest = None;
        for entry in fs::read_dir(self.journal.parent().unwrap_or(&self.folder))? {
            let path = entry?.path();
            if path.extension().is_none_or(|stream| stream != STREAM) {
                continue;
            }
            let frames = fs::read(path)?;
            for row in record::frames(&frames)
                .map_while(Result::ok)
                .flat_map(|frame| record::rows(frame.bytes()))
                .flatten()
            {
                if let Ok(ContentRow::Checkpoint(checkpoint)) = ContentRow::of(&row)
                    && newest.as_ref().is_none_or(|(wall_ms, _)| *wall_ms <= row.wall_ms)
                {
                    newest = Some((row.wall_ms, checkpoint));
                }
            }
        }
        Ok(newest.map(|(_, checkpoint)| checkpoint))
    }

    /// Makes the store refuse all files after this call.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Counts a value whose file could not be stored.
    pub(crate) fn lose(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Returns the number of rows in the journal; 0 until this process has stored a file.
    pub(crate) fn rows(&self) -> u64 {
        self.rows.load(Ordering::Acquire)
    }

    /// Returns the number of bytes of whole frames in the journal; 0 until this process has stored
    /// a file.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Acquire)
    }

    /// Opens a handle of the journal, for reading.
    pub(crate) fn reader(&self) -> io::Result<File> {
        File::open(&self.journal)
    }

    /// Returns the folder that has the contents. The name of each content's file is the content's
    /// hash.
    pub(crate) fn contents(&self) -> &Path {
        &self.folder
    }

    /// Stores a content in a file whose name is the content's hash. Bytes that are stored already
    /// are not written again.
    pub(crate) fn content(&self, source: Source<'_>) -> io::Result<Hashed> {
        self.check_open()?;
        if let Source::Bytes(bytes) = source {
            let hashed = Hashed::of(bytes);
            // A file gets the hash as its name only after its content is written, so a file with
            // such a name is whole. Only a power cut may leave such a file empty, so the size is
            // compared.
            let there = fs::metadata(self.folder.join(&hashed.sha256));
            if there.is_ok_and(|about| about.len() == hashed.size) {
                return Ok(hashed);
            }
        }
        let temporary = self.temporary()?;
        let written = self.write(source, &temporary);
        if written.is_err() {
            // A file that cannot be removed only takes space.
            let _ = fs::remove_file(&temporary);
        }
        written
    }

    /// Returns a new path in the folder of contents, for a content that the caller is about to
    /// write. Makes the folder if it is missing.
    pub(crate) fn temporary(&self) -> io::Result<PathBuf> {
        self.check_open()?;
        make_private(&self.folder)?;
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        Ok(self.folder.join(format!("{}-{number}.part", std::process::id())))
    }

    /// Stores the file at a path from [`Files::temporary`] as a content, by renaming the file to
    /// its hash.
    pub(crate) fn adopt(&self, temporary: &Path) -> io::Result<Hashed> {
        let hashed = blobs::of_file(temporary)?;
        fs::rename(temporary, self.folder.join(&hashed.sha256))?;
        Ok(hashed)
    }

    fn check_open(&self) -> io::Result<()> {
        if self.closed.load(Ordering::Relaxed) {
            Err(io::Error::other("the run has ended"))
        } else {
            Ok(())
        }
    }

    fn write(&self, source: Source<'_>, temporary: &Path) -> io::Result<Hashed> {
        let mut file = File::create(temporary)?;
        let hashed = match source {
            Source::Bytes(mut bytes) => blobs::copy(&mut bytes, &mut file)?,
            Source::File(path) => blobs::copy(&mut File::open(path)?, &mut file)?,
        };
        file.flush()?;
        fs::rename(temporary, self.folder.join(&hashed.sha256))?;
        Ok(hashed)
    }

    fn row<'a>(
        &self,
        values: impl IntoIterator<Item = (&'a str, ValueRef<'a>), IntoIter: Clone>,
    ) -> io::Result<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let journal = match open.take() {
            Some(journal) => journal,
            None => self.open()?,
        };
        let journal = open.insert(journal);
        journal.append(wall_ms(), values)?;
        let end = journal.end();
        self.rows.store(end.rows, Ordering::Release);
        self.bytes.store(end.bytes, Ordering::Release);
        Ok(())
    }

    fn open(&self) -> io::Result<StreamFile> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&self.journal)?;
        StreamFile::new(file)?.ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("`{}` is damaged", self.journal.display()),
            )
        })
    }
}
