//! Blobs to the controller and from it, in pieces, verified by their hash. The caller decides what
//! to try again.

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

/// Bytes of a piece.
const PIECE_BYTES: usize = 256 << 10;
/// Pieces that wait for the network.
const PIECES: usize = 4;
/// Blobs that go over at the same time: the controller answers once a blob is on its disk, and
/// syncs several at once.
const UPLOADS: usize = 8;
/// Hashes that are asked about in one call.
const ASKED: usize = 1000;

/// Why a blob did not go over.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The file on this side cannot be read or written.
    #[error("{0}")]
    Local(#[from] io::Error),
    /// The controller refused, or is away.
    #[error("{}", .0.message())]
    Remote(#[from] Status),
    /// What came is not what was asked for.
    #[error("the controller sent something else than `{0}`: {1}")]
    Damaged(String, &'static str),
}

type Client = FilesClient<Authorized>;

/// Those of the hashes that the controller does not have.
///
/// # Errors
/// What the controller says.
pub async fn missing(client: &mut Client, hashes: &[String]) -> Result<Vec<String>, Status> {
    let mut missing = Vec::new();
    for some in hashes.chunks(ASKED) {
        let question = BlobHashes { sha256: some.to_vec() };
        missing.extend(client.missing(question).await?.into_inner().sha256);
    }
    Ok(missing)
}

/// Sends what has to be at the controller before the rows in these frames are, some at a time: the
/// contents that they name and that it does not have. Each lies in `folder` under its hash. `moved`
/// counts the bytes as they go.
///
/// # Errors
/// [`Trouble`] at the first that does not go over; others may be there by then.
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
            // A hash that nobody asked about is none of ours.
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

/// Sends the content of a file as the blob `hashed`. `moved` counts the bytes as they go; an upload
/// that fails takes its bytes back, so that tries without an end never look like progress.
///
/// # Errors
/// [`Trouble::Local`] when the file cannot be read or has another size by now, else what the
/// controller says.
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
            // Whoever listened has its answer already.
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

/// The bytes that one upload has added to a total. The total loses them again when this is dropped,
/// also by an upload that nobody waits for any more, unless [`Sent::keep`] was called.
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

/// Writes the blob of this call to `out`: never more than its size, and an error unless its hash is
/// right. What was written before an error is worth nothing. `progress` is told the size of each
/// piece.
///
/// # Errors
/// [`Trouble`] says on which side.
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
            // Nobody listens at port 1.
            let mut client = Dial::new("http://127.0.0.1:1", None).unwrap().files();
            upload(&mut client, &path, &hashed, &moved).await
        });
        assert!(matches!(answer, Err(Trouble::Remote(_))), "{answer:?}");
        assert_eq!(moved.load(Ordering::Relaxed), 5);
    }
}
