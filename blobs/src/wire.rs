//! Moves blobs to the controller and back, in pieces, verified by their hash. The caller decides
//! what to try again.

use std::{
    fs::File,
    io::{self, Read as _, Write},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use proto::{
    dial::Authorized,
    v1::{BlobChunk, BlobHashes, files_client::FilesClient},
};
use tokio::{sync::mpsc, task::JoinSet};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Response, Status, Streaming};

use crate::{Hashed, Hasher, named::named};

/// The bytes of a piece.
const PIECE_BYTES: usize = 256 << 10;
/// The most pieces that wait for the network.
const PIECES: usize = 4;
/// The most blobs that are uploaded at the same time. The controller answers once a blob is on its
/// disk, and it syncs several at once.
const UPLOADS: usize = 8;
/// The most hashes in one call of `missing`.
const ASKED: usize = 1000;

/// The reason why a blob could not be moved.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The file on this side cannot be read or written.
    #[error("{0}")]
    Local(#[from] io::Error),
    /// The controller refused, or is away.
    #[error("{}", .0.message())]
    Remote(#[from] Status),
    /// The bytes that came are not those that were asked for.
    #[error("the controller sent something other than `{0}`: {1}")]
    Damaged(String, &'static str),
}

type Client = FilesClient<Authorized>;

/// Returns those of the hashes that the controller does not have.
///
/// # Errors
/// Fails with the controller's status.
pub async fn missing(client: &mut Client, hashes: &[String]) -> Result<Vec<String>, Status> {
    let mut missing = Vec::new();
    for some in hashes.chunks(ASKED) {
        let question = BlobHashes { sha256: some.to_vec() };
        missing.extend(client.missing(question).await?.into_inner().sha256);
    }
    Ok(missing)
}

/// Sends the contents that the rows in these frames name and that the controller does not have.
/// They must be there before the rows are. Each lies in `folder` under its hash. Up to 8 go at the
/// same time. `moved` counts the bytes as they go.
///
/// # Errors
/// Fails with [`Trouble`] at the first content that cannot be sent. Others may have arrived by
/// then.
pub async fn upload_named(
    client: &Client,
    frames: &[u8],
    folder: &Path,
    moved: &Arc<AtomicU64>,
) -> Result<(), Trouble> {
    let contents = named(frames, folder)?;
    let hashes: Vec<String> = contents.iter().map(|blob| blob.sha256.clone()).collect();
    let mut missing = missing(&mut client.clone(), &hashes).await?.into_iter();
    let mut going = JoinSet::new();
    loop {
        while going.len() < UPLOADS
            && let Some(hash) = missing.next()
        {
            // Skip a hash that this call did not ask about.
            let Ok(at) = hashes.binary_search(&hash) else { continue };
            let (client, blob, moved) = (client.clone(), contents[at].clone(), Arc::clone(moved));
            let path = folder.join(&blob.sha256);
            going.spawn(async move { upload(&mut { client }, &path, &blob, &moved).await });
        }
        match going.join_next().await {
            None => return Ok(()),
            Some(sent) => sent.map_err(io::Error::other)??,
        }
    }
}

/// Sends the content of a file as the blob `hashed`. `moved` counts the bytes as they go. An upload
/// that fails subtracts its bytes again, so endless tries never look like progress.
///
/// # Errors
/// Fails with [`Trouble::Local`] if the file cannot be read or its size has changed, else with the
/// controller's status.
pub async fn upload(
    client: &mut Client,
    path: &Path,
    hashed: &Hashed,
    moved: &Arc<AtomicU64>,
) -> Result<(), Trouble> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() != hashed.size {
        return Err(io::Error::other(format!(
            "`{}` has changed since it was logged",
            path.display()
        ))
        .into());
    }
    let (send, receive) = mpsc::channel(PIECES);
    let sent = Arc::new(Sent { total: Arc::clone(moved), bytes: AtomicU64::new(0) });
    let counted = Arc::clone(&sent);
    let head = BlobChunk { sha256: hashed.sha256.clone(), size: hashed.size, data: Vec::new() };
    let reading = tokio::task::spawn_blocking(move || -> io::Result<()> {
        let mut chunk = head;
        loop {
            let mut piece = vec![0; PIECE_BYTES];
            let length = file.read(&mut piece)?;
            piece.truncate(length);
            chunk.data = piece;
            counted.add(length as u64);
            // If the receiver is gone, the call has its answer already.
            if send.blocking_send(std::mem::take(&mut chunk)).is_err() || length == 0 {
                return Ok(());
            }
        }
    });
    let answer = client.put(ReceiverStream::new(receive)).await;
    reading.await.map_err(io::Error::other)??;
    answer?;
    sent.keep();
    Ok(())
}

/// The bytes that one upload has added to a total. Dropping it subtracts them from the total, even
/// if the upload was cancelled, unless [`Sent::keep`] was called.
struct Sent {
    total: Arc<AtomicU64>,
    bytes: AtomicU64,
}

impl Sent {
    fn add(&self, bytes: u64) {
        self.total.fetch_add(bytes, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn keep(&self) {
        self.bytes.store(0, Ordering::Relaxed);
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        self.total.fetch_sub(*self.bytes.get_mut(), Ordering::Relaxed);
    }
}

/// Writes the blob of this call to `out`. It never writes more than the blob's size, and it fails
/// unless the hash is right. After an error the bytes in `out` are useless. It calls `progress`
/// with the size of each piece.
///
/// # Errors
/// Fails with [`Trouble`], which says which side failed.
pub async fn download(
    call: impl Future<Output = Result<Response<Streaming<BlobChunk>>, Status>>,
    hashed: &Hashed,
    out: &mut impl Write,
    mut progress: impl FnMut(u64),
) -> Result<(), Trouble> {
    let damaged = |reason| Trouble::Damaged(hashed.sha256.clone(), reason);
    let (mut chunks, mut hasher) = (call.await?.into_inner(), Hasher::default());
    while let Some(chunk) = chunks.message().await? {
        hasher.update(&chunk.data);
        if hasher.size() > hashed.size {
            return Err(damaged("it is too long"));
        }
        out.write_all(&chunk.data)?;
        progress(chunk.data.len() as u64);
    }
    out.flush()?;
    if hasher.finish() == *hashed { Ok(()) } else { Err(damaged("its hash is wrong")) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proto::dial::Dial;

    use super::*;

    #[test]
    fn an_upload_that_fails_has_moved_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        fs::write(&path, vec![7; 3 * PIECE_BYTES]).unwrap();
        let hashed = Hashed::of(&[7; 3 * PIECE_BYTES]);
        let moved = Arc::new(AtomicU64::new(5));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let answer = runtime.block_on(async {
            // No program listens at port 1.
            let mut client = Dial::new("http://127.0.0.1:1", None).unwrap().files();
            upload(&mut client, &path, &hashed, &moved).await
        });
        assert!(matches!(answer, Err(Trouble::Remote(_))), "{answer:?}");
        assert_eq!(moved.load(Ordering::Relaxed), 5);
    }
}
