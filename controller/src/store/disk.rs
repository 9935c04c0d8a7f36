//! The disk under the data folder: what is free on it, and a file that holds some of it back.
//! Called by `app::upkeep::full`, which decides what follows. Writes nothing but that file, whose
//! content nobody reads.

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
    /// The disk that this folder is on.
    pub(super) fn of(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Bytes that we may still write.
    ///
    /// # Errors
    /// When the file system does not say.
    pub(crate) fn free(&self) -> io::Result<u64> {
        let told = statvfs(&self.folder)?;
        Ok(told.f_bavail.saturating_mul(told.f_frsize))
    }

    /// Whether so many bytes are held back.
    pub(crate) fn holds(&self, bytes: u64) -> bool {
        fs::metadata(self.reserve()).is_ok_and(|file| file.len() >= bytes)
    }

    /// Whether so many bytes can be written now: no quota, and no bound on files, shows in what is
    /// free. Takes them for a moment. A file system that cannot promise room counts as one that has
    /// it.
    pub(crate) fn takes(&self, bytes: u64) -> bool {
        let path = self.folder.join("room");
        let taken = File::create(&path).and_then(|file| {
            // Without a name first: a crash leaves nothing of it.
            fs::remove_file(&path)?;
            Ok(fallocate(&file, FallocateFlags::empty(), 0, bytes)?)
        });
        !taken.is_err_and(|error| {
            matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
        })
    }

    /// Holds so many bytes back, all of them or none.
    ///
    /// # Errors
    /// When the disk has no room, or its file system cannot promise any.
    pub(crate) fn hold(&self, bytes: u64) -> io::Result<()> {
        let file = File::create(self.reserve())?;
        fallocate(&file, FallocateFlags::empty(), 0, bytes).map_err(|error| {
            // It holds nothing, so it is no reserve; should it stay, it is made anew at the next
            // try.
            let _ = fs::remove_file(self.reserve());
            io::Error::from(error)
        })
    }

    /// Gives back what is held, if anything is.
    ///
    /// # Errors
    /// When the file cannot be removed.
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
    fn what_is_held_back_takes_room_until_it_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::of(folder.path());
        assert!(disk.free().unwrap() > 0 && disk.takes(1 << 20) && !disk.holds(1));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "it was for a moment");
        disk.hold(1 << 20).unwrap();
        assert!(disk.holds(1 << 20) && !disk.holds((1 << 20) + 1));
        disk.hold(1 << 63).unwrap_err();
        assert!(!disk.holds(1), "a reserve is whole or is not there");
        disk.give_up().unwrap();
        disk.give_up().unwrap();
    }
}
