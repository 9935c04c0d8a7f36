//! The Files service of a hostile controller: it lists paths that lead out of the folder or steer
//! the terminal, and sends contents with a wrong hash or size. Only `media/good.png` is right.

use proto::v1::{
    BlobChunk, BlobHashes, BlobRef, BlobStored, File, FilesRemoved, RemoveFiles, RunRef,
    files_server::Files,
};
use tonic::{Request, Response, Status, Streaming};

use super::{Answers, Shared};

/// The SHA-256 of `abc`.
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

#[tonic::async_trait]
impl Files for Shared {
    async fn missing(&self, _: Request<BlobHashes>) -> Result<Response<BlobHashes>, Status> {
        Err(Status::unimplemented("missing"))
    }

    async fn put(&self, _: Request<Streaming<BlobChunk>>) -> Result<Response<BlobStored>, Status> {
        Err(Status::unimplemented("put"))
    }

    type GetStream = Answers<BlobChunk>;

    async fn get(&self, request: Request<BlobRef>) -> Result<Response<Self::GetStream>, Status> {
        let data = match request.into_inner().path.as_str() {
            "media/false.png" => b"abd".to_vec(),
            "media/long.png" => b"abcd".to_vec(),
            _ => b"abc".to_vec(),
        };
        let chunk = BlobChunk { data, ..BlobChunk::default() };
        Ok(Response::new(tokio_stream::iter(vec![Ok(chunk)])))
    }

    async fn remove(&self, _: Request<RemoveFiles>) -> Result<Response<FilesRemoved>, Status> {
        Err(Status::unimplemented("remove"))
    }

    type ListStream = Answers<File>;

    async fn list(&self, _: Request<RunRef>) -> Result<Response<Self::ListStream>, Status> {
        let file = |path: &str| File {
            path: path.to_owned(),
            sha256: ABC.to_owned(),
            size: 3,
            kind: "image".to_owned(),
            attempt: 1,
            logged_ms: 0,
        };
        let names = [
            "../evil",
            "/evil",
            "media/../../evil",
            "media/false.png",
            "media/good.png",
            "media/long.png",
            "a\u{1b}[2J",
        ];
        Ok(Response::new(tokio_stream::iter(names.map(|name| Ok(file(name))).to_vec())))
    }
}
