//! Serves the Checkpoints service. The SDK calls it. Every method translates its request, calls
//! `app`, and translates the answer.

use proto::v1::{
    Checkpoint, CheckpointList, ResumeRun, Resumed, RunRef, checkpoints_server::Checkpoints,
};
use record::ids::Attempt;
use tonic::{Request, Response, Status, async_trait};

use super::{Door, error::status};
use crate::app::files::checkpoints;

#[async_trait]
impl Checkpoints for Door {
    async fn list(&self, request: Request<RunRef>) -> Result<Response<CheckpointList>, Status> {
        let (caller, RunRef { run }) = self.enter(request).await?;
        let found = checkpoints::list(&self.app, &caller, run.into()).await.map_err(status)?;
        Ok(Response::new(CheckpointList {
            checkpoints: found.into_iter().map(Into::into).collect(),
        }))
    }

    async fn resume(&self, request: Request<ResumeRun>) -> Result<Response<Resumed>, Status> {
        let (caller, ResumeRun { run, attempt, checkpoint }) = self.enter(request).await?;
        let (attempt, key) = (Attempt::new(run, attempt), checkpoint.cast_signed());
        checkpoints::resume(&self.app, &caller, attempt, key).await.map_err(status)?;
        Ok(Response::new(Resumed {}))
    }
}

impl From<checkpoints::Checkpoint> for Checkpoint {
    fn from(checkpoint: checkpoints::Checkpoint) -> Self {
        let checkpoints::Checkpoint { key, attempt, step, sha256, size, logged_ms, .. } =
            checkpoint;
        Checkpoint { id: key.cast_unsigned(), attempt, step, sha256, size, logged_ms }
    }
}
