//! Serves the Artifacts service. The SDK and the `sweep` command call it. Every method translates
//! its request, calls `app`, and translates the answer.

use proto::v1::{
    AliasArtifact, Artifact, ArtifactFile, ArtifactRef, BlobChunk, ListArtifacts, RunArtifact,
    RunRef, UseArtifact, artifacts_server::Artifacts,
};
use record::ids::Attempt;
use tonic::{Request, Response, Status, async_trait, codegen::BoxStream};

use super::{Door, error::status, named, stream};
use crate::app::files::{
    artifacts::{self, ArtifactView, OfRun},
    labels,
    versions::Wanted,
};

#[async_trait]
impl Artifacts for Door {
    async fn r#use(&self, request: Request<UseArtifact>) -> Result<Response<Artifact>, Status> {
        let (caller, UseArtifact { run, attempt, artifact }) = self.enter(request).await?;
        let user = Attempt::new(run, attempt);
        let used = artifacts::use_one(&self.app, &caller, user, wanted(artifact)).await;
        Ok(Response::new(used.map_err(status)?.into()))
    }

    async fn get(&self, request: Request<ArtifactRef>) -> Result<Response<Artifact>, Status> {
        let (caller, artifact) = self.enter(request).await?;
        let found =
            artifacts::get(&self.app, &caller, wanted(Some(artifact))).await.map_err(status)?;
        Ok(Response::new(found.into()))
    }

    type ListStream = BoxStream<Artifact>;

    async fn list(
        &self,
        request: Request<ListArtifacts>,
    ) -> Result<Response<Self::ListStream>, Status> {
        let (caller, ListArtifacts { project, name }) = self.enter(request).await?;
        let listed = artifacts::list(&self.app, &caller, project, name).map_err(status)?;
        Ok(Response::new(stream(listed)))
    }

    type OfRunStream = BoxStream<RunArtifact>;

    async fn of_run(
        &self,
        request: Request<RunRef>,
    ) -> Result<Response<Self::OfRunStream>, Status> {
        let (caller, RunRef { run }) = self.enter(request).await?;
        let found = artifacts::of_run(&self.app, &caller, run.into()).await.map_err(status)?;
        Ok(Response::new(stream(found)))
    }

    type ReadStream = BoxStream<BlobChunk>;

    async fn read(
        &self,
        request: Request<ArtifactFile>,
    ) -> Result<Response<Self::ReadStream>, Status> {
        let (caller, ArtifactFile { artifact, path }) = self.enter(request).await?;
        let read = artifacts::read(&self.app, &caller, wanted(artifact), path).await;
        Ok(Response::new(stream(read.map_err(status)?)))
    }

    async fn alias(&self, request: Request<AliasArtifact>) -> Result<Response<Artifact>, Status> {
        let (caller, AliasArtifact { artifact, add, remove }) = self.enter(request).await?;
        let changed = labels::alias(&self.app, &caller, wanted(artifact), add, remove).await;
        Ok(Response::new(changed.map_err(status)?.into()))
    }

    async fn remove(&self, request: Request<ArtifactRef>) -> Result<Response<Artifact>, Status> {
        let (caller, artifact) = self.enter(request).await?;
        let removed =
            artifacts::remove(&self.app, &caller, wanted(Some(artifact))).await.map_err(status)?;
        Ok(Response::new(removed.into()))
    }
}

fn wanted(artifact: Option<ArtifactRef>) -> Wanted {
    let ArtifactRef { project, name, version, digest, run } = artifact.unwrap_or_default();
    Wanted { project, run: named(run), name, version, digest, key: None }
}

impl From<ArtifactView> for Artifact {
    fn from(view: ArtifactView) -> Self {
        let ArtifactView { version, aliases, made_by, used_by, deleted, .. } = view;
        let tags = version.tags();
        Artifact {
            project: version.project.into(),
            name: version.name,
            r#type: version.kind,
            version: version.version,
            digest: version.digest,
            aliases,
            metadata_json: version.metadata,
            files: version.files,
            size: version.size,
            manifest_size: version.manifest_size,
            created_ms: version.created_ms,
            made_by: made_by.into_iter().map(Into::into).collect(),
            used_by: used_by.into_iter().map(Into::into).collect(),
            description: version.description,
            tags,
            deleted_runs: deleted.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<OfRun> for RunArtifact {
    fn from(OfRun { artifact, made }: OfRun) -> Self {
        RunArtifact { artifact: Some(artifact.into()), made }
    }
}
