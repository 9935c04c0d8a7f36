//! Serves the Files service. The SDK, agents and the `sweep` command call it. Every method
//! translates its request, calls `app`, and translates the answer.

use proto::v1::{
    BlobChunk, BlobHashes, BlobRef, BlobStored, File, FilesRemoved, RemoveFiles, RunRef,
    files_server::Files,
};
use tonic::{Request, Response, Status, Streaming, async_trait, codegen::BoxStream};

use super::{Door, error::status, named, stream};
use crate::app::{
    Error,
    files::{
        blobs::{self, FileView, Piece, Wanted},
        remove,
    },
};

#[async_trait]
impl Files for Door {
    async fn missing(&self, request: Request<BlobHashes>) -> Result<Response<BlobHashes>, Status> {
        let (caller, hashes) = self.enter(request).await?;
        let sha256 = blobs::missing(&self.app, &caller, hashes.sha256).await.map_err(status)?;
        Ok(Response::new(BlobHashes { sha256 }))
    }

    async fn put(
        &self,
        request: Request<Streaming<BlobChunk>>,
    ) -> Result<Response<BlobStored>, Status> {
        let (caller, mut chunks) = self.enter(request).await?;
        let first = self.next(&mut chunks).await?.unwrap_or_default();
        let incoming =
            blobs::begin(&self.app, &caller, first.sha256, first.size).await.map_err(status)?;
        let Some(mut incoming) = incoming else {
            return Ok(Response::new(BlobStored { known: true }));
        };
        incoming.add(&self.app, first.data).await.map_err(status)?;
        while let Some(chunk) = self.next(&mut chunks).await? {
            incoming.add(&self.app, chunk.data).await.map_err(status)?;
        }
        incoming.finish(&self.app).await.map_err(status)?;
        Ok(Response::new(BlobStored { known: false }))
    }

    type GetStream = BoxStream<BlobChunk>;

    async fn get(&self, request: Request<BlobRef>) -> Result<Response<Self::GetStream>, Status> {
        let (caller, BlobRef { sha256, run, path }) = self.enter(request).await?;
        let wanted = match named(run) {
            None => Wanted::Blob(sha256),
            Some(run) => Wanted::File { run, path },
        };
        Ok(Response::new(stream(blobs::get(&self.app, &caller, wanted).await.map_err(status)?)))
    }

    type ListStream = BoxStream<File>;

    async fn list(&self, request: Request<RunRef>) -> Result<Response<Self::ListStream>, Status> {
        let (caller, RunRef { run }) = self.enter(request).await?;
        Ok(Response::new(stream(
            blobs::list(&self.app, &caller, run.into()).await.map_err(status)?,
        )))
    }

    async fn remove(
        &self,
        request: Request<RemoveFiles>,
    ) -> Result<Response<FilesRemoved>, Status> {
        let (caller, RemoveFiles { run, paths }) = self.enter(request).await?;
        let size = remove::remove(&self.app, &caller, run.into(), paths).await.map_err(status)?;
        Ok(Response::new(FilesRemoved { size }))
    }
}

impl Door {
    /// Returns the next piece of an upload. Fails if the client sends nothing for the time `stall`
    /// of the settings; the client must then begin the upload again.
    async fn next(&self, chunks: &mut Streaming<BlobChunk>) -> Result<Option<BlobChunk>, Status> {
        let (clock, stall) = (self.app.clock(), self.app.settings.stall);
        tokio::select! {
            chunk = chunks.message() => chunk,
            () = clock.sleep(stall) => {
                let stall = stall.as_secs_f64();
                Err(status(Error::busy(format!("no more of the content came for {stall} s"))))
            }
        }
    }
}

impl From<Piece> for BlobChunk {
    fn from(Piece { head, data }: Piece) -> Self {
        let (sha256, size) = head.unwrap_or_default();
        BlobChunk { sha256, size, data }
    }
}

impl From<FileView> for File {
    fn from(FileView { file, attempt, logged_ms }: FileView) -> Self {
        File {
            path: file.path,
            sha256: file.sha256,
            size: file.size,
            kind: file.kind,
            attempt,
            logged_ms,
        }
    }
}
