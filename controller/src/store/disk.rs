//! Watches the disk under the data folder: its free bytes, and a file that reserves some of it.
//! `app::upkeep::fullness` calls it and decides what follows. Apart from the file that reserves
//! bytes, it writes only a temporary file.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use rustix::fs::{FallocateFlags, fallocate, statvfs};

use super::folder::RESERVE;

/// The disk of a data folder.
#[derive(Debug)]
pub(crate) struct Disk {
    folder: PathBuf,
}

impl Disk {
    /// Returns the disk that this folder is on.
    pub(super) fn of(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Returns the number of free bytes on the disk, without those that are reserved for root. This
    /// number does not show quotas. Fails if the file system does not report it.
    pub(crate) fn free(&self) -> io::Result<u64> {
        let told = statvfs(&self.folder)?;
        Ok(told.f_bavail.saturating_mul(told.f_frsize))
    }

    /// Returns whether at least `bytes` bytes are reserved.
    pub(crate) fn holds(&self, bytes: u64) -> bool {
        fs::metadata(self.reserve()).is_ok_and(|file| file.len() >= bytes)
    }

    /// Returns whether `bytes` more bytes can be written now. It allocates them for a moment,
    /// because the number of free bytes shows neither quotas nor limits on the number of files.
    /// Returns `false` only if the disk or a quota is full. So a file system that cannot allocate
    /// bytes beforehand counts as one that has room.
    pub(crate) fn takes(&self, bytes: u64) -> bool {
        let path = self.folder.join("room");
        let taken = File::create(&path).and_then(|file| {
            // The file loses its name first, so that a crash leaves nothing of it.
            fs::remove_file(&path)?;
            Ok(fallocate(&file, FallocateFlags::empty(), 0, bytes)?)
        });
        !taken.is_err_and(|error| {
            matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
        })
    }

    /// Reserves `bytes` bytes, all of them or none. Fails if the disk has no room, or its file
    /// system cannot allocate bytes beforehand.
    pub(crate) fn hold(&self, bytes: u64) -> io::Result<()> {
        let file = File::create(self.reserve())?;
        fallocate(&file, FallocateFlags::empty(), 0, bytes).map_err(|error| {
            // The file does not have all its bytes, so it is no reserve. If it cannot be removed,
            // the next try replaces it.
            let _ = fs::remove_file(self.reserve());
            io::Error::from(error)
        })
    }

    /// Frees the reserve, if there is one. Fails if the file cannot be removed.
    pub(crate) fn give_up(&self) -> io::Result<()> {
        match fs::remove_file(self.reserve()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn reserve(&self) -> PathBuf {
        self.folder.join(RESERVE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserve_takes_room_until_it_is_freed() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::of(folder.path());
        assert!(disk.free().unwrap() > 0 && disk.takes(1 << 20) && !disk.holds(1));
        assert_eq!(
            fs::read_dir(&folder).unwrap().count(),
            0,
            "the room is taken for a moment only"
        );
        disk.hold(1 << 20).unwrap();
        assert!(disk.holds(1 << 20) && !disk.holds((1 << 20) + 1));
        disk.hold(1 << 63).unwrap_err();
        assert!(!disk.holds(1), "a reserve is whole or is not there");
        disk.give_up().unwrap();
        disk.give_up().unwrap();
    }
}
