//! Stores the contents of files as objects named by their hash, in a folder that the `object_store`
//! crate manages. `app::files` reads and writes them, and `app::upkeep::fsck` checks them. An
//! object with its final name is whole and synced. The next start clears what a crash has left
//! incomplete. This module knows no names, no runs and no rows: a row of `store::files` says
//! whether a blob counts as stored.

use std::{
    fs::{self, DirBuilder},
    io,
    ops::Range,
    os::unix::fs::DirBuilderExt as _,
    path::Path as Folder,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use object_store::{
    Error as ObjectError, MultipartUpload, ObjectStore, ObjectStoreExt as _, PutPayload,
    local::LocalFileSystem, memory::InMemory, path::Path,
};
use sha2::{Digest as _, Sha256};
use tokio_stream::StreamExt as _;

use super::database::{Error, Result};

/// The folder of blobs that do not have their final names yet.
pub(super) const INCOMING: &str = "incoming";

/// The objects of a data folder.
#[derive(Debug)]
pub(crate) struct Blobs {
    objects: Arc<dyn ObjectStore>,
    uploads: AtomicU64,
}

/// A blob that is being uploaded. Dropping it without [`Upload::finish`] discards it.
#[derive(Debug)]
pub(crate) struct Upload {
    objects: Arc<dyn ObjectStore>,
    at: Path,
    parts: Box<dyn MultipartUpload>,
    hash: Sha256,
    size: u64,
}

/// A blob that is whole and has its hash, but not its final name yet.
#[derive(Debug)]
pub(crate) struct Arrived {
    objects: Arc<dyn ObjectStore>,
    at: Path,
    /// The SHA-256 of its content.
    pub(crate) sha256: String,
    /// Its size in bytes.
    pub(crate) size: u64,
}

impl Blobs {
    /// Opens the folder, makes it if it is missing, and clears what interrupted uploads have left.
    /// Fails if the folder cannot be used.
    pub(super) fn open(folder: &Folder) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        match fs::remove_dir_all(folder.join(INCOMING)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // An acknowledged content must be synced, but the crate `object_store` does not sync by
        // default.
        let local =
            LocalFileSystem::new_with_prefix(folder).map_err(io::Error::other)?.with_fsync(true);
        Ok(Self { objects: Arc::new(local), uploads: AtomicU64::new(0) })
    }

    /// Opens the folder for reads and changes nothing in it. A missing folder holds nothing. Fails
    /// if the folder cannot be used.
    pub(super) fn look(folder: &Folder) -> io::Result<Self> {
        let objects: Arc<dyn ObjectStore> = match LocalFileSystem::new_with_prefix(folder) {
            Ok(local) => Arc::new(local),
            Err(_) if !folder.exists() => Arc::new(InMemory::new()),
            Err(error) => return Err(io::Error::other(error)),
        };
        Ok(Self { objects, uploads: AtomicU64::new(0) })
    }

    /// Begins the upload of a blob. Fails if the disk takes no data.
    pub(crate) async fn begin(&self) -> Result<Upload> {
        let number = self.uploads.fetch_add(1, Ordering::Relaxed);
        let at = Path::from(format!("{INCOMING}/{number}"));
        let parts = self.objects.put_multipart(&at).await.map_err(failed)?;
        Ok(Upload { objects: Arc::clone(&self.objects), at, parts, hash: Sha256::new(), size: 0 })
    }

    /// Reads this range of a blob. An empty range always succeeds. Another range fails if the blob
    /// is missing or ends before the range does, or if the disk fails.
    pub(crate) async fn read(&self, sha256: &str, range: Range<u64>) -> Result<Vec<u8>> {
        // The crate `object_store` treats an empty range as a mistake.
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let (at, end, wanted) = (path(sha256), range.end, range.end - range.start);
        let read = match self.objects.get_range(&at, range).await {
            Ok(bytes) if bytes.len() as u64 == wanted => return Ok(bytes.into()),
            read => read,
        };
        // Of a range beyond the blob's end, the crate returns the bytes that exist, or an error if
        // there are none.
        let size = self.objects.head(&at).await.map_err(failed)?.size;
        if size < end {
            return Err(Error::Corrupt(format!(
                "the content `{at}` in the data folder has lost its end: it has {size} bytes"
            )));
        }
        Ok(read.map_err(failed)?.into())
    }

    /// Computes the actual hash and size of a blob. Fails if the blob is missing or the disk fails.
    pub(crate) async fn hash(&self, sha256: &str) -> Result<(String, u64)> {
        let object = self.objects.get(&path(sha256)).await.map_err(failed)?;
        let (mut pieces, mut hash, mut size) = (object.into_stream(), Sha256::new(), 0);
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(failed)?;
            hash.update(&piece);
            size += piece.len() as u64;
        }
        Ok((record::file::hex(&hash.finalize()), size))
    }

    /// Removes a blob. A missing one is no error. Fails if the disk fails.
    pub(crate) async fn remove(&self, sha256: &str) -> Result<()> {
        match self.objects.delete(&path(sha256)).await {
            Ok(()) | Err(ObjectError::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }
}

impl Upload {
    /// Returns the number of bytes received so far.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Adds the next bytes. Fails if the disk does not take them.
    pub(crate) async fn add(&mut self, bytes: Vec<u8>) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.hash.update(&bytes);
        self.size += bytes.len() as u64;
        self.parts.put_part(PutPayload::from(bytes)).await.map_err(failed)
    }

    /// Completes the upload and computes its hash. When this succeeds, all bytes are on the disk.
    /// Fails if the disk does not take them.
    pub(crate) async fn finish(mut self) -> Result<Arrived> {
        self.parts.complete().await.map_err(failed)?;
        let sha256 = record::file::hex(&self.hash.finalize());
        Ok(Arrived { objects: self.objects, at: self.at, sha256, size: self.size })
    }
}

impl Arrived {
    /// Gives the blob its final name. From now on, readers find the blob by its hash. Fails if the
    /// disk fails.
    pub(crate) async fn keep(self) -> Result<()> {
        self.objects.rename(&self.at, &path(&self.sha256)).await.map_err(failed)
    }

    /// Removes the blob instead of giving it its final name.
    pub(crate) async fn discard(self) {
        // The next start clears what cannot be removed now.
        let _ = self.objects.delete(&self.at).await;
    }
}

/// Returns the path of a blob, such as `ab/cdef...`. The first two digits name a folder, so that no
/// folder gets too many entries. The caller has checked that the hash consists of hexadecimal
/// digits.
fn path(sha256: &str) -> Path {
    let (shard, rest) = sha256.split_at(2);
    Path::from(format!("{shard}/{rest}"))
}

fn failed(error: ObjectError) -> Error {
    match error {
        ObjectError::NotFound { path, .. } => {
            Error::Corrupt(format!("the content `{path}` is missing in the data folder"))
        }
        error => Error::Disk(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(folder: &Folder) -> Vec<String> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match entry.is_dir() {
                true => found.extend(files(&entry)),
                false => found.push(entry.file_name().unwrap().to_string_lossy().into_owned()),
            }
        }
        found
    }

    #[tokio::test]
    async fn a_blob_is_found_by_its_hash_and_a_partial_one_is_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path()).unwrap();
        let mut upload = blobs.begin().await.unwrap();
        upload.add(b"a".to_vec()).await.unwrap();
        upload.add(b"bc".to_vec()).await.unwrap();
        let arrived = upload.finish().await.unwrap();
        let hash = arrived.sha256.clone();
        assert_eq!((&hash[..8], arrived.size), ("ba7816bf", 3));
        arrived.keep().await.unwrap();
        assert_eq!(blobs.read(&hash, 1..3).await.unwrap(), b"bc");
        let mut half = blobs.begin().await.unwrap();
        half.add(vec![1; 10]).await.unwrap();
        std::mem::forget(half);
        assert_eq!(files(folder.path()).len(), 2);
        drop(blobs);
        let blobs = Blobs::open(folder.path()).unwrap();
        assert_eq!(files(folder.path()), [&hash[2..]]);
        let empty = blobs.begin().await.unwrap().finish().await.unwrap();
        assert_eq!(empty.size, 0);
        empty.keep().await.unwrap();
        blobs.remove(&hash).await.unwrap();
        blobs.remove(&hash).await.unwrap();
        assert_eq!(files(folder.path()).len(), 1);
    }
}
