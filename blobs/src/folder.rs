//! Writes downloaded files into a folder, and never outside of it. The module opens each part of a
//! path below the previous part, and follows no link. The code that downloads files of runs and
//! artifacts calls it. A new file replaces an old one only when the new file is complete.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::fd::OwnedFd,
    path::Path,
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use record::file::check_path;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, mkdirat, openat, renameat, unlinkat};

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::RDONLY).union(OFlags::CLOEXEC);
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// An open folder.
#[derive(Debug)]
pub struct Folder(OwnedFd);

impl Folder {
    /// Opens the folder that a person has named, and creates it if it is missing. Follows links on
    /// the path to the folder.
    ///
    /// # Errors
    /// Fails if the folder can be neither opened nor created.
    pub fn open(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        Ok(Self(openat(CWD, path, FOLDER, Mode::empty())?))
    }

    /// Creates a new file at `path` below this folder, and the folders on that path. The file has a
    /// temporary name until [`NewFile::keep`] is called.
    ///
    /// # Errors
    /// Fails with `InvalidInput` if the path is not valid (see [`check_path`]). Also fails if a
    /// folder on the path is a file or a link, or if the disk fails.
    pub fn create(&self, path: &str) -> io::Result<NewFile> {
        check_path(path).map_err(|bad| io::Error::new(io::ErrorKind::InvalidInput, bad))?;
        let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut at = self.0.try_clone()?;
        for part in folders.split('/').filter(|part| !part.is_empty()) {
            match mkdirat(&at, part, Mode::from_bits_truncate(0o777)) {
                Ok(()) | Err(rustix::io::Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
            at = openat(&at, part, FOLDER | OFlags::NOFOLLOW, Mode::empty())?;
        }
        let temporary =
            format!(".besom-{}-{}.part", process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = File::from(openat(&at, &temporary, flags, Mode::from_bits_truncate(0o666))?);
        Ok(NewFile { folder: at, name: name.to_owned(), temporary, file })
    }
}

/// A file that is being written. Dropping it without [`NewFile::keep`] removes it.
#[derive(Debug)]
pub struct NewFile {
    folder: OwnedFd,
    name: String,
    temporary: String,
    file: File,
}

impl NewFile {
    /// Moves the file to its final name. Replaces a file or a link with that name.
    ///
    /// # Errors
    /// Fails if a folder has the final name, or if the disk fails.
    pub fn keep(self) -> io::Result<()> {
        Ok(renameat(&self.folder, &self.temporary, &self.folder, &self.name)?)
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // After `keep` there is no file with the temporary name, so this does nothing.
        let _ = unlinkat(&self.folder, &self.temporary, AtFlags::empty());
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use proptest::prelude::*;

    use super::*;

    fn write(folder: &Folder, path: &str) -> io::Result<()> {
        let mut file = folder.create(path)?;
        file.write_all(b"content")?;
        file.keep()
    }

    #[test]
    fn files_appear_at_their_paths_and_only_whole() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::open(&temporary.path().join("new/target")).unwrap();
        write(&folder, "a/b/c.txt").unwrap();
        write(&folder, "a/b/c.txt").unwrap();
        drop(folder.create("a/half").unwrap());
        let at = temporary.path().join("new/target/a");
        assert_eq!(fs::read(at.join("b/c.txt")).unwrap(), b"content");
        assert_eq!(fs::read_dir(at).unwrap().count(), 1);
    }

    #[test]
    fn links_are_not_followed() {
        let temporary = tempfile::tempdir().unwrap();
        let (outside, target) = (temporary.path().join("outside"), temporary.path().join("target"));
        fs::create_dir_all(&outside).unwrap();
        let folder = Folder::open(&target).unwrap();
        symlink(&outside, target.join("way")).unwrap();
        symlink(outside.join("file"), target.join("file")).unwrap();
        assert!(write(&folder, "way/file").is_err());
        write(&folder, "file").unwrap();
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
        assert!(
            fs::symlink_metadata(target.join("file")).unwrap().is_file(),
            "the link itself was replaced"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

        #[test]
        fn no_path_leads_out_of_the_folder(parts in prop::collection::vec(
            prop::sample::select(vec![
                "..", ".", "", "a", "/", "\\", "%2e%2e", "..\\", "\0", "a/..", "…", "．．", "~", "C:",
                "\u{202e}",
            ]), 1..6),
            glue in prop::sample::select(vec!["/", "//", "\\", "%2f", ""]),
        ) {
            let temporary = tempfile::tempdir().unwrap();
            let folder = Folder::open(&temporary.path().join("x/y/target")).unwrap();
            let _ = write(&folder, &parts.join(glue));
            // Every level above the target holds only the folder on the way to the target.
            for (above, only) in [("", "x"), ("x", "y"), ("x/y", "target")] {
                let names: Vec<_> = fs::read_dir(temporary.path().join(above)).unwrap()
                    .map(|entry| entry.unwrap().file_name()).collect();
                prop_assert_eq!(&names, &[only]);
            }
        }
    }
}
