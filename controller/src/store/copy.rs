//! Prepares the target of a backup or a restore, and copies the contents that the database names.
//! `crate::copy` calls it. It does not copy a content if the target already has a file of this name
//! and size. A copied content gets its final name only after all of it is on the disk.

use std::{
    collections::BTreeSet,
    fs::{self, DirBuilder, File},
    io::{self, Read as _, Write as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use super::{
    blobs::INCOMING,
    folder::{CONTENTS, DATABASE, LOG},
};

/// The database of a copy that is not complete yet.
pub(crate) const PART: &str = "besom.db.part";
/// The journal that SQLite may leave beside the unfinished database if the process is killed.
const PART_JOURNAL: &str = "besom.db.part-journal";
/// The number of bytes that are read at once.
const CHUNK: usize = 1 << 20;

/// Makes the folder if it is missing. Returns the name of an entry that no copy has left, if there
/// is one. A finished database counts as such an entry, unless it `may_be_there`. Fails if the
/// folder cannot be made or read.
pub(crate) fn strangers(folder: &Path, may_be_there: bool) -> io::Result<Option<String>> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let known = [PART, PART_JOURNAL, CONTENTS].contains(&name.as_str());
        let is_expected = known || (may_be_there && name == DATABASE);
        if !is_expected {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// Removes the unfinished database and the incomplete contents of an interrupted copy, and makes an
/// empty folder for incomplete contents. Fails if the system cannot remove or make them.
pub(crate) fn clear(folder: &Path) -> io::Result<()> {
    for name in [PART, PART_JOURNAL] {
        gone(fs::remove_file(folder.join(name)))?;
    }
    gone(fs::remove_dir_all(folder.join(CONTENTS).join(INCOMING)))?;
    DirBuilder::new().recursive(true).mode(0o700).create(folder.join(CONTENTS).join(INCOMING))
}

fn gone(removed: io::Result<()>) -> io::Result<()> {
    removed
        .or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

/// Copies a content from one data folder to another. Returns how many bytes it copied. `None`: the
/// target already has a file of this name and size, or the source has no intact content. In the
/// latter case, the check of the copy reports the content. Fails if the content cannot be read or
/// written.
pub(crate) fn content(from: &Path, to: &Path, sha256: &str, size: u64) -> io::Result<Option<u64>> {
    let at = path(to, sha256);
    if fs::metadata(&at).is_ok_and(|there| there.len() == size) {
        return Ok(None);
    }
    let mut source = match File::open(path(from, sha256)) {
        Ok(source) => source,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let draft = to.join(CONTENTS).join(INCOMING).join(sha256);
    let (mut file, mut hash) = (File::create(&draft)?, Sha256::new());
    let (mut chunk, mut bytes) = (vec![0; CHUNK], 0);
    loop {
        let read = source.read(&mut chunk)?;
        if read == 0 {
            break;
        }
        hash.update(&chunk[..read]);
        file.write_all(&chunk[..read])?;
        bytes += read as u64;
    }
    if record::file::hex(&hash.finalize()) != sha256 {
        fs::remove_file(&draft)?;
        return Ok(None);
    }
    file.sync_all()?;
    let shard = at.parent().unwrap_or(to);
    DirBuilder::new().recursive(true).mode(0o700).create(shard)?;
    fs::rename(&draft, &at)?;
    File::open(shard)?.sync_all()?;
    Ok(Some(bytes))
}

/// Removes a content of the copy that the check has found bad, so that the next pass copies it
/// again. A missing content is no error. Fails if the system cannot remove it.
pub(crate) fn discard(folder: &Path, sha256: &str) -> io::Result<()> {
    gone(fs::remove_file(path(folder, sha256)))
}

/// Completes the copy: its database gets its final name, and contents that the database does not
/// name are removed. After a failure, the folder holds the earlier copy, if there was one, or the
/// complete new one, perhaps with contents that its database does not name.
pub(crate) fn finish(folder: &Path, named: &BTreeSet<String>) -> io::Result<()> {
    let contents = folder.join(CONTENTS);
    gone(fs::remove_dir(contents.join(INCOMING)))?;
    File::open(&contents)?.sync_all()?;
    fs::rename(folder.join(PART), folder.join(DATABASE))?;
    // A log in this folder belongs to the earlier database.
    gone(fs::remove_file(folder.join(LOG)))?;
    File::open(folder)?.sync_all()?;
    for shard in fs::read_dir(&contents)? {
        let shard = shard?;
        let prefix = shard.file_name().to_string_lossy().into_owned();
        for rest in fs::read_dir(shard.path())? {
            let rest = rest?;
            if !named.contains(&format!("{prefix}{}", rest.file_name().to_string_lossy())) {
                fs::remove_file(rest.path())?;
            }
        }
    }
    Ok(())
}

fn path(folder: &Path, sha256: &str) -> PathBuf {
    let (shard, rest) = sha256.split_at(2);
    folder.join(CONTENTS).join(shard).join(rest)
}
