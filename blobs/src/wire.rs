//! Uploads blobs to the controller and downloads them, in pieces, and verifies their hashes. The
//! caller decides which calls to repeat.

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

/// The maximum size of a piece of a blob, in bytes.
const PIECE_BYTES: usize = 256 << 10;
/// The maximum number of pieces of one upload that wait in memory for the network.
const PIECES: usize = 4;
/// The maximum number of blobs that are uploaded at the same time. The controller answers when a
/// blob is on its disk, and can sync several blobs together.
const UPLOADS: usize = 8;
/// The maximum number of hashes in one call of `Files.Missing`.
const ASKED: usize = 1000;

/// The reason why an upload or a download failed.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// A local file cannot be read or written.
    #[error("{0}")]
    Local(#[from] io::Error),
    /// The controller refused the call, or did not answer.
    #[error("{}", .0.message())]
    Remote(#[from] Status),
    /// The received bytes do not match the requested hash. The two values are the requested hash
    /// and the reason.
    #[error("the controller sent something other than `{0}`: {1}")]
    Damaged(String, &'static str),
}

type Client = FilesClient<Authorized>;

/// Returns those of `hashes` whose blobs the controller does not have.
///
/// # Errors
/// Fails with the status of the call that failed.
pub async fn missing(client: &mut Client, hashes: &[String]) -> Result<Vec<String>, Status> {
    let mut missing = Vec::new();
    for some in hashes.chunks(ASKED) {
        let question = BlobHashes { sha256: some.to_vec() };
        missing.extend(client.missing(question).await?.into_inner().sha256);
    }
    Ok(missing)
}

/// Uploads the contents that the rows in these frames name and that the controller does not have.
/// The caller sends the rows afterwards. Each content is a file in `folder` whose name is its hash.
/// The function uploads up to 8 contents at the same time. It adds the number of sent bytes to
/// `moved` while it sends.
///
/// # Errors
/// Fails with [`Trouble`] at the first content that cannot be sent. By then, the controller may
/// have received other contents.
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
            // This skips a hash in the answer that was not in the question.
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

/// Uploads the content of a file as the blob `hashed`. Adds the number of sent bytes to `moved`
/// while it sends. An upload that fails subtracts its bytes again, so that failed tries do not look
/// like progress.
///
/// # Errors
/// Fails with [`Trouble::Local`] if the file cannot be read or its size has changed. Fails with
/// [`Trouble::Remote`] if the call fails.
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
            // If the receiver was dropped, the call has already ended.
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

/// The number of bytes that one upload has added to a total. Dropping this value subtracts them
/// from the total, also if the upload is cancelled, unless [`Sent::keep`] was called.
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

/// Writes the blob that the call `call` returns to `out`. The function never writes more bytes than
/// the size in `hashed`. After an error the bytes in `out` are useless. The function calls
/// `progress` with the size of each piece that it has written.
///
/// # Errors
/// Fails with [`Trouble`] if the call fails, if `out` fails, or if the size or the hash of the
/// bytes is wrong.
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
