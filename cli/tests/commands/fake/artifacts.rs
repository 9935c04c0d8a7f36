//! The Artifacts service of a hostile controller: its names, types and manifests try to lead the
//! command elsewhere or to steer the terminal. The manifest and the contents of `v0` are right.
//! Every other version has one fault: an invalid manifest, or a content that differs from its hash
//! or size.

use proto::v1::{
    AliasArtifact, Artifact, ArtifactFile, ArtifactRef, BlobChunk, ListArtifacts, RunArtifact,
    RunRef, UseArtifact, artifacts_server::Artifacts,
};
use tonic::{Request, Response, Status};

use super::{Answers, Shared, stream};

/// The SHA-256 of `abc`.
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/// Returns a version's number, its manifest, and the one content that the service sends for every
/// file of the version.
fn script(version: &str) -> Option<(u64, String, &'static [u8])> {
    let lines = |paths: &[&str]| {
        let line = |path: &&str| format!("blob\t{ABC}\t3\t{path}\n");
        format!("besom manifest 1\n{}", paths.iter().map(line).collect::<String>())
    };
    Some(match version {
        "" | "latest" | "v0" => (0, lines(&["a/good.txt"]), b"abc"),
        "v1" => (1, lines(&["../evil"]), b"abc"),
        "v2" => (2, lines(&["/evil"]), b"abc"),
        "v3" => (3, lines(&["a/../../evil"]), b"abc"),
        "v4" => (4, lines(&["a", "a/evil"]), b"abc"),
        "v5" => (5, lines(&["false"]), b"abd"),
        "v6" => (6, lines(&["long"]), b"abcd"),
        "v7" => (7, lines(&["short"]), b"ab"),
        "v8" => (8, "\u{1b}[2J".to_owned(), b"abc"),
        _ => return None,
    })
}

fn artifact(version: &str) -> Result<Artifact, Status> {
    let (number, manifest, _) =
        script(version).ok_or_else(|| Status::not_found("no such version"))?;
    let hashed = blobs::Hashed::of(manifest.as_bytes());
    Ok(Artifact {
        // The name is hostile for every version, even for `v0`: as a path, it leads to another
        // folder.
        project: "p".to_owned(),
        name: "../../evil".to_owned(),
        r#type: "\u{1b}[31mmodel".to_owned(),
        version: number,
        digest: hashed.sha256,
        manifest_size: hashed.size,
        files: 1,
        size: 3,
        ..Artifact::default()
    })
}

#[tonic::async_trait]
impl Artifacts for Shared {
    async fn r#use(&self, _: Request<UseArtifact>) -> Result<Response<Artifact>, Status> {
        Err(Status::unimplemented("use"))
    }

    async fn get(&self, request: Request<ArtifactRef>) -> Result<Response<Artifact>, Status> {
        artifact(&request.into_inner().version).map(Response::new)
    }

    type ListStream = Answers<Artifact>;

    async fn list(
        &self,
        request: Request<ListArtifacts>,
    ) -> Result<Response<Self::ListStream>, Status> {
        let found = artifact("v0")?;
        let other = Artifact { project: "q".to_owned(), ..found.clone() };
        stream(match request.into_inner().name.as_str() {
            "nothing" => Vec::new(),
            "both" => vec![Ok(found), Ok(other)],
            _ => vec![Ok(found)],
        })
    }

    type OfRunStream = Answers<RunArtifact>;

    async fn of_run(&self, _: Request<RunRef>) -> Result<Response<Self::OfRunStream>, Status> {
        stream(vec![Ok(RunArtifact { artifact: Some(artifact("v0")?), made: true })])
    }

    type ReadStream = Answers<BlobChunk>;

    async fn read(
        &self,
        request: Request<ArtifactFile>,
    ) -> Result<Response<Self::ReadStream>, Status> {
        let ArtifactFile { artifact, path } = request.into_inner();
        let (_, manifest, content) = script(&artifact.unwrap_or_default().version)
            .ok_or_else(|| Status::not_found("no such version"))?;
        let data = if path.is_empty() { manifest.into_bytes() } else { content.to_vec() };
        stream(vec![Ok(BlobChunk { data, ..BlobChunk::default() })])
    }

    async fn alias(&self, _: Request<AliasArtifact>) -> Result<Response<Artifact>, Status> {
        Err(Status::invalid_argument("`v3` is the number of a version, not an alias"))
    }

    async fn remove(&self, _: Request<ArtifactRef>) -> Result<Response<Artifact>, Status> {
        artifact("v0").map(Response::new)
    }
}
