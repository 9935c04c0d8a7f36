//! The Files service. Called by the SDK, by agents and by the `sweep` command; every method is translate in, call, translate
//! out.

use proto::v1::{BlobChunk, BlobHashes, BlobRef, BlobStored, File, RunRef, files_server::Files};
use tonic::{Request, Response, Status, Streaming, async_trait, codegen::BoxStream};

use super::{Door, error::status, stream};
use crate::app::files::{self, FileView, Piece, Wanted};

#[async_trait]
impl Files for Door {
    async fn missing(&self, request: Request<BlobHashes>) -> Result<Response<BlobHashes>, Status> {
        let (_, hashes) = self.enter(request).await?;
        let sha256 = files::missing(&self.app, hashes.sha256).await.map_err(status)?;
        Ok(Response::new(BlobHashes { sha256 }))
    }

    async fn put(&self, request: Request<Streaming<BlobChunk>>) -> Result<Response<BlobStored>, Status> {
        let (_, mut chunks) = self.enter(request).await?;
        let first = chunks.message().await?.unwrap_or_default();
        let incoming = files::begin(&self.app, first.sha256, first.size).await.map_err(status)?;
        let Some(mut incoming) = incoming else { return Ok(Response::new(BlobStored { known: true })) };
        incoming.add(&self.app, first.data).await.map_err(status)?;
        while let Some(chunk) = chunks.message().await? {
            incoming.add(&self.app, chunk.data).await.map_err(status)?;
        }
        incoming.finish(&self.app).await.map_err(status)?;
        Ok(Response::new(BlobStored { known: false }))
    }

    type GetStream = BoxStream<BlobChunk>;

    async fn get(&self, request: Request<BlobRef>) -> Result<Response<Self::GetStream>, Status> {
        let (caller, BlobRef { sha256, run, path }) = self.enter(request).await?;
        let wanted = if run.is_empty() { Wanted::Blob(sha256) } else { Wanted::File { run, path } };
        Ok(Response::new(stream(files::get(&self.app, &caller, wanted).await.map_err(status)?)))
    }

    type ListStream = BoxStream<File>;

    async fn list(&self, request: Request<RunRef>) -> Result<Response<Self::ListStream>, Status> {
        let (caller, RunRef { run }) = self.enter(request).await?;
        Ok(Response::new(stream(files::list(&self.app, &caller, run).await.map_err(status)?)))
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
        File { path: file.path, sha256: file.sha256, size: file.size, kind: file.kind, attempt, logged_ms }
    }
}
