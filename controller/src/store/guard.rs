//! Keeps the writer from writing if the data folder is not the one that was opened, or the database
//! is damaged. The writer calls it before and after each commit, and `app::upkeep::lost` calls it
//! too. It compares inode numbers and opens no file of the database, because closing a second
//! handle would drop SQLite's locks.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use probes::{Bug, planted};

use super::database::{Error, Result};
use crate::platform::Disk;

/// The identity of the data folder when it was opened.
#[derive(Debug)]
pub(crate) struct Guard {
    parts: Vec<Part>,
    disk: Option<Disk>,
    /// The watched folders, open as long as the guard lives, so that no other folder gets their
    /// numbers. SQLite keeps its own files open.
    _held: Vec<File>,
    damage: OnceLock<String>,
}

#[derive(Debug)]
struct Part {
    path: PathBuf,
    identity: Identity,
    /// Whether this is a file of SQLite. If SQLite was given a file system, that file system
    /// identifies the file.
    is_of_sqlite: bool,
}

/// The device number and the inode number of a file. For a file on a file system that SQLite was
/// given: 0 and its number there.
type Identity = (u64, u64);

impl Guard {
    /// Watches these folders and these files of SQLite. Fails if one of them does not exist.
    pub(super) fn new(folders: &[&Path], files: &[&Path], disk: Option<Disk>) -> io::Result<Self> {
        let (mut parts, mut held) = (Vec::new(), Vec::new());
        for folder in folders {
            let file = File::open(folder)?;
            let told = file.metadata()?;
            let identity = (told.dev(), told.ino());
            parts.push(Part { path: (*folder).to_owned(), identity, is_of_sqlite: false });
            held.push(file);
        }
        for file in files {
            let identity = identity(file, disk).ok_or(io::ErrorKind::NotFound)?;
            parts.push(Part { path: (*file).to_owned(), identity, is_of_sqlite: true });
        }
        Ok(Self { parts, disk, _held: held, damage: OnceLock::new() })
    }

    /// Succeeds if the next controller would find what is written now: all watched paths still lead
    /// to what was opened. Fails with [`Error::Damaged`] if the database is marked as damaged.
    /// Fails with [`Error::Gone`] if a folder or a file is not the one that was opened.
    pub(crate) fn check(&self) -> Result<()> {
        if let Some(damage) = self.damage.get() {
            return Err(Error::Damaged(damage.clone()));
        }
        let gone = self.parts.iter().find_map(|part| {
            let now = identity(&part.path, self.disk.filter(|_| part.is_of_sqlite));
            (now != Some(part.identity)).then_some((part, now))
        });
        match gone {
            Some((part, now)) if !planted(Bug::FolderTrusted) => {
                let what = match now {
                    None => "is not there any more",
                    Some(_) => "is not the one that the controller opened",
                };
                Err(Error::Gone(format!("`{}` {what}", part.path.display())))
            }
            _ => Ok(()),
        }
    }

    /// Marks the database as damaged. From now on the writer writes nothing to it.
    pub(crate) fn condemn(&self, damage: &str) {
        // Only the first damage counts.
        let _ = self.damage.set(damage.to_owned());
    }
}

fn identity(path: &Path, disk: Option<Disk>) -> Option<Identity> {
    match disk {
        Some(disk) => Some((0, (disk.identity)(path.file_name()?.to_str()?)?)),
        None => fs::metadata(path).ok().map(|told| (told.dev(), told.ino())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_recognized_and_another_is_not() {
        let home = tempfile::tempdir().unwrap();
        let (folder, other) = (home.path().join("data"), home.path().join("other"));
        fs::create_dir(&folder).unwrap();
        let file = folder.join("besom.db");
        let database = File::create(&file).unwrap();
        let guard = Guard::new(&[&folder], &[&file], None).unwrap();
        guard.check().unwrap();
        fs::rename(&folder, &other).unwrap();
        assert!(
            matches!(guard.check(), Err(Error::Gone(what)) if what.ends_with("data` is not there \
                any more"))
        );
        fs::create_dir(&folder).unwrap();
        File::create(&file).unwrap();
        assert!(
            matches!(guard.check(), Err(Error::Gone(what)) if what.contains("data` is not the one"))
        );
        fs::remove_dir_all(&folder).unwrap();
        fs::rename(&other, &folder).unwrap();
        guard.check().unwrap();
        fs::remove_file(&file).unwrap();
        File::create(&file).unwrap();
        assert!(
            matches!(guard.check(), Err(Error::Gone(what)) if what.contains("besom.db` is not the \
                one"))
        );
        drop(database);
        guard.condemn("a page is torn");
        guard.condemn("so is another");
        assert_eq!(guard.check(), Err(Error::Damaged("a page is torn".to_owned())));
    }
}
