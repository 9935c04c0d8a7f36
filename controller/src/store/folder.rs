//! Takes the data folder. It locks the folder, checks that files in it can be written, and makes
//! them private. It also decides whether a new database may begin in the folder. A store calls it
//! when it opens. It knows the names of the files, and reads none of them.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use super::{blobs::INCOMING, open_error::OpenError};
use crate::platform::Disk;

/// The file of the database.
pub(crate) const DATABASE: &str = "besom.db";
/// The file with the commits that SQLite has not moved into the database file yet.
pub(super) const LOG: &str = "besom.db-wal";
/// The folder of the contents of files.
pub(super) const CONTENTS: &str = "blobs";
/// The file that reserves room on the disk. A controller that serves the folder makes it.
pub(super) const RESERVE: &str = "reserve";

/// The permissions that other users must not have on the controller's files.
const OTHERS: u32 = 0o077;

/// A data folder with this process's lock on it.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// The lock on the folder. The guard notices if another folder takes its name.
    _lock: File,
}

impl Folder {
    /// Takes the folder, and makes it if it is missing. Fails with [`OpenError::InUse`] if another
    /// process has it.
    pub(crate) fn take(path: &Path) -> Result<Self, OpenError> {
        // What people log belongs to them, so other users of the machine cannot read it.
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        let lock = File::open(path)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse),
            // Some file systems cannot lock folders. There, SQLite's lock on the database remains.
            Err(TryLockError::Error(error)) => {
                tracing::debug!("the folder `{}` cannot be locked: {error}", path.display());
            }
        }
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Takes the folder only for reads, which several processes may do at once. Fails with
    /// [`OpenError::NoFolder`] if this is no data folder, with [`OpenError::NoDatabase`] if its
    /// database is gone, and with [`OpenError::InUse`] if a controller has it.
    pub(super) fn visit(path: &Path) -> Result<Self, OpenError> {
        if !path.is_dir() {
            return Err(OpenError::NoFolder("there is no such folder"));
        }
        let lock = File::open(path)?;
        match lock.try_lock_shared() {
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse),
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        let folder = Self { path: path.to_owned(), _lock: lock };
        match (folder.has(DATABASE), folder.left_over()?) {
            (true, _) => Ok(folder),
            (false, Some(left)) => Err(OpenError::NoDatabase(left)),
            (false, None) => Err(OpenError::NoFolder("it holds no database `besom.db`")),
        }
    }

    /// Returns whether this file exists and is not empty.
    fn has(&self, name: &str) -> bool {
        fs::metadata(self.path.join(name)).is_ok_and(|file| file.len() > 0)
    }

    /// Checks that this process can write the files in the folder, and makes them private. It
    /// leaves both out if SQLite was given the file system `disk`. Returns whether a new database
    /// may begin in the folder. Fails with [`OpenError::ReadOnly`], which names the file that
    /// cannot be written, or with [`OpenError::NoDatabase`] if the database is gone.
    pub(super) fn prepare(&self, disk: Option<Disk>) -> Result<bool, OpenError> {
        let is_open = is_open(&self.path);
        let left = self.left_over()?;
        if disk.is_some() {
            return Ok(left.is_none());
        }
        if let Some(left) = left.filter(|_| !self.has(DATABASE)) {
            return Err(OpenError::NoDatabase(left));
        }
        let room = self.path.join("room");
        let tried = File::create(&room).and_then(|_| fs::remove_file(&room));
        match tried {
            // A full disk does not prevent the start, because the controller has a mode for it.
            Err(cause) if !is_full(&cause) => return Err(read_only(".", cause)),
            _ => {}
        }
        let mut open = OpenOptions::new();
        open.read(true).write(true).mode(0o600);
        // SQLite gives its log the permissions of the database.
        let database = open.clone().create(true).truncate(false).open(self.path.join(DATABASE));
        database.map_err(|cause| read_only(DATABASE, cause))?;
        for name in [LOG, RESERVE] {
            match open.open(self.path.join(name)) {
                Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                    return Err(read_only(name, cause));
                }
                _ => {}
            }
        }
        for (name, mode) in [(DATABASE, 0o600), (LOG, 0o600), (RESERVE, 0o600), (CONTENTS, 0o700)] {
            tighten(&self.path.join(name), mode, is_open);
        }
        Ok(left.is_none())
    }

    /// Returns whether the folder has the content of any file. Fails if the folder of contents
    /// cannot be read.
    pub(super) fn has_contents(&self) -> io::Result<bool> {
        match fs::read_dir(self.path.join(CONTENTS)) {
            Ok(mut entries) => {
                Ok(entries.any(|entry| entry.is_ok_and(|entry| entry.file_name() != INCOMING)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Describes, for people, something in the folder that only a controller with a database
    /// leaves. `None`: there is no such thing.
    fn left_over(&self) -> io::Result<Option<&'static str>> {
        let log = self.has(LOG);
        let contents = self.has_contents()?;
        let reserve = self.path.join(RESERVE).exists();
        let found = [
            (log, "its log"),
            (contents, "the contents of files"),
            (reserve, "the reserve of a controller"),
        ];
        Ok(found.into_iter().find_map(|(there, what)| there.then_some(what)))
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

fn read_only(file: &str, cause: io::Error) -> OpenError {
    OpenError::ReadOnly { file: file.to_owned(), cause }
}

/// Returns whether other users can look into the folder, and warns if they can.
fn is_open(folder: &Path) -> bool {
    let mode = fs::metadata(folder).map_or(0, |told| told.permissions().mode() & 0o777);
    let is_open = mode & OTHERS != 0;
    if is_open {
        tracing::warn!(
            "others on this machine can look into the data folder `{0}` (mode {mode:o}): its \
             files are private, and `chmod 700 {0}` makes the folder private too",
            folder.display()
        );
    }
    is_open
}

/// Makes a file or folder private if other users have permissions on it. An earlier version, or a
/// user's copy, may have left them.
fn tighten(path: &Path, wanted: u32, was_open: bool) {
    let Ok(told) = fs::metadata(path) else { return };
    if told.permissions().mode() & OTHERS == 0 {
        return;
    }
    match fs::set_permissions(path, Permissions::from_mode(wanted)) {
        Ok(()) if was_open => {
            tracing::warn!("others could read `{}`; it is private now", path.display());
        }
        Ok(()) => {}
        Err(error) => {
            tracing::warn!(
                "others can read `{}`, and this cannot be changed: {error}",
                path.display()
            )
        }
    }
}
