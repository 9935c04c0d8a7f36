//! Keeps downloaded contents under their hashes, so that programs do not download them again. After
//! `fetch` has read one file, or has written all files of a version, it trims the cache: if the
//! cache is over its maximum size, the contents that were used longest ago are removed. The cache
//! does not check the files in its folder: the code that reads a content must hash it. Several
//! programs can share the folder.

use std::{
    env,
    ffi::OsString,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

use crate::Hashed;

/// The environment variable for the maximum size of the user's cache, in GiB. 0 disables the cache.
const SIZE_VAR: &str = "BESOM_CACHE_GIB";
/// The maximum size of the user's cache in GiB, if the variable is unset or not a whole number.
const DEFAULT_GIB: u64 = 20;
/// The age after which a half-written file counts as left behind by a dead process.
const STALE: Duration = Duration::from_secs(24 * 3600);
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// A folder of downloaded contents with a maximum size.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
    /// The maximum size of all contents in the folder, in bytes.
    bound: u64,
}

/// A content on its way into the cache. Dropping it without [`Entry::keep`] removes it.
#[derive(Debug)]
pub(crate) struct Entry {
    file: File,
    temporary: PathBuf,
    path: PathBuf,
}

impl Cache {
    /// Returns a cache in this folder with this maximum size in bytes. Creates no file or folder.
    pub fn new(folder: &Path, bound: u64) -> Self {
        Self { folder: folder.to_owned(), bound }
    }

    /// Returns the user's cache: `besom/contents` in the user's cache folder. `BESOM_CACHE_GIB`
    /// sets its maximum size; the default is 20 GiB.
    pub fn of_user() -> Self {
        let folder = folder_of(env::var_os("XDG_CACHE_HOME"), env::var_os("HOME"));
        let gib = env::var(SIZE_VAR).ok().and_then(|text| text.parse().ok()).unwrap_or(DEFAULT_GIB);
        Self::new(&folder.join("besom/contents"), gib.saturating_mul(1 << 30))
    }

    /// Opens a content if the cache has it, and sets its time of last use.
    pub(crate) fn open(&self, content: &Hashed) -> Option<File> {
        let file = File::open(self.path(content)).ok()?;
        // This fails in a folder that the process cannot write to; the content can be read anyway.
        let _ = file.set_modified(now());
        Some(file)
    }

    /// Removes a content whose bytes do not match its name.
    pub(crate) fn forget(&self, content: &Hashed) {
        // If the file cannot be removed, the next reader also detects that the bytes do not match.
        let _ = fs::remove_file(self.path(content));
    }

    /// Creates a temporary file for a content. Returns `None` if the content is larger than the
    /// whole cache, or if the file cannot be created.
    pub(crate) fn begin(&self, content: &Hashed) -> Option<Entry> {
        if content.size > self.bound {
            return None;
        }
        let path = self.path(content);
        fs::create_dir_all(path.parent()?).ok()?;
        let temporary = path.with_extension(format!(
            "{}-{}.part",
            process::id(),
            NUMBER.fetch_add(1, Ordering::Relaxed)
        ));
        let file = File::create_new(&temporary).ok()?;
        Some(Entry { file, temporary, path })
    }

    /// Removes the contents that were used longest ago until the rest fits the maximum size. Also
    /// removes half-written files that are older than a day.
    pub(crate) fn trim(&self) {
        let (mut found, mut total, now) = (Vec::new(), 0_u64, now());
        let entries = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten();
        for entry in entries(&self.folder).flat_map(|shard| entries(&shard.path())) {
            let Ok(about) = entry.metadata() else { continue };
            let used = about.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            let path = entry.path();
            if path.extension().is_none() {
                total += about.len();
                found.push((used, about.len(), path));
            } else if now.duration_since(used).is_ok_and(|age| age > STALE) {
                let _ = fs::remove_file(path);
            }
        }
        found.sort();
        for (_, size, path) in found {
            if total <= self.bound {
                return;
            }
            // This fails, for example, if another process has already removed the file.
            let _ = fs::remove_file(path);
            total -= size;
        }
    }

    fn path(&self, content: &Hashed) -> PathBuf {
        let (shard, rest) = content.sha256.split_at(2);
        self.folder.join(shard).join(rest)
    }
}

/// Returns the user's cache folder, from the values of `XDG_CACHE_HOME` and `HOME`. An empty value
/// counts as unset. The function ignores a relative path, because it would name a different folder
/// in each working folder. If neither variable has an absolute path, the result is the folder for
/// temporary files.
fn folder_of(cache: Option<OsString>, home: Option<OsString>) -> PathBuf {
    let folder =
        |set: Option<OsString>| set.map(PathBuf::from).filter(|folder| folder.is_absolute());
    let home = folder(home).map(|home| home.join(".cache"));
    folder(cache).or(home).unwrap_or_else(env::temp_dir)
}

/// Returns the system time. The modification time of a file says when the file was last used.
#[expect(clippy::disallowed_methods, reason = "the times of files are times of day")]
fn now() -> SystemTime {
    SystemTime::now()
}

impl Entry {
    /// Moves the content to its final name. The caller has checked that the content is whole and
    /// has the right hash.
    pub(crate) fn keep(self) {
        // If this fails, the next reader downloads the content again.
        let _ = fs::rename(&self.temporary, &self.path);
    }
}

impl Write for Entry {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        // After `keep` there is no file with the temporary name, so this does nothing.
        let _ = fs::remove_file(&self.temporary);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(cache: &Cache, content: &[u8], age: u64) -> Hashed {
        let hashed = Hashed::of(content);
        let mut entry = cache.begin(&hashed).unwrap();
        entry.write_all(content).unwrap();
        entry.keep();
        let used = now() - Duration::from_secs(age);
        File::options().write(true).open(cache.path(&hashed)).unwrap().set_modified(used).unwrap();
        hashed
    }

    #[test]
    fn the_cache_folder_never_depends_on_the_working_folder() {
        let of = |cache: &str, home: &str| folder_of(Some(cache.into()), Some(home.into()));
        assert_eq!(of("/c", "/h"), Path::new("/c"));
        assert_eq!(of("", "/h"), Path::new("/h/.cache"));
        assert_eq!(of("c", "/h"), Path::new("/h/.cache"));
        assert!(of("", "").is_absolute() && folder_of(None, None).is_absolute());
    }

    #[test]
    fn trimming_keeps_the_contents_used_last() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path(), 10);
        let [old, used, new] =
            [(b"aaaa", 3), (b"bbbb", 2), (b"cccc", 1)].map(|(c, age)| put(&cache, c, age));
        assert!(cache.open(&old).is_some());
        cache.trim();
        assert!(cache.open(&old).is_some());
        assert!(cache.open(&used).is_none());
        assert!(cache.open(&new).is_some());
        assert!(cache.begin(&Hashed::of(b"more than ten bytes")).is_none());
        drop(cache.begin(&Hashed::of(b"half")));
        let files = fs::read_dir(folder.path())
            .unwrap()
            .flat_map(|shard| fs::read_dir(shard.unwrap().path()).unwrap());
        assert_eq!(files.count(), 2);
    }
}
