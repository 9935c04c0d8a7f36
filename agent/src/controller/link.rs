//! The calls that an agent makes to the controller, as a trait: the simulator plugs in here. The
//! real one goes over gRPC and adds time limits; it never tries again, which is for the callers to
//! decide.

use std::{future::Future, path::Path, sync::Arc, time::Duration};

use blobs::Trouble;
use probes::{Bug, planted};
use proto::{
    dial::{Dial, is_away, needed_offset},
    v1::{AppendRows, Appended, Beat, EndRun, Orders, RunEnded},
};
use tonic::{Code, Request, Status};

/// What a call may take beyond the time that it asks the controller to wait.
const PATIENCE: Duration = Duration::from_secs(15);

/// A way to the controller.
pub trait Link: Clone + Send + Sync + 'static {
    /// Tells what this agent holds and asks what it should hold: a long poll.
    fn beat(&self, beat: Beat) -> impl Future<Output = Result<Orders, Status>> + Send;
    /// Sends rows.
    fn append(&self, rows: AppendRows) -> impl Future<Output = Result<Appended, Status>> + Send;
    /// Sends the contents that these rows of the stream `files` name; each lies in `folder` under
    /// its hash.
    fn contents(
        &self,
        folder: &Path,
        frames: &[u8],
    ) -> impl Future<Output = Result<(), Trouble>> + Send;
    /// Reports the end of an attempt.
    fn end(&self, end: EndRun) -> impl Future<Output = Result<RunEnded, Status>> + Send;

    /// Some number in [0, 1) for the pause before a call is tried again, so that a fleet does not
    /// come back all at once.
    fn jitter(&self) -> f64 {
        crate::jitter()
    }
}

/// The real controller.
#[derive(Clone, Debug)]
pub struct Remote {
    dial: Dial,
}

impl Remote {
    /// A link over this connection.
    pub fn new(dial: Dial) -> Self {
        Self { dial }
    }
}

impl Link for Remote {
    async fn beat(&self, beat: Beat) -> Result<Orders, Status> {
        let limit = PATIENCE + Duration::from_millis(beat.wait_ms.into());
        let mut client = self.dial.agents();
        within(limit, client.heartbeat(Request::new(beat))).await
    }

    async fn append(&self, rows: AppendRows) -> Result<Appended, Status> {
        let mut client = self.dial.runs();
        within(PATIENCE, client.append(Request::new(rows))).await
    }

    async fn contents(&self, folder: &Path, frames: &[u8]) -> Result<(), Trouble> {
        // No time limit: how long it takes is up to the size, and a connection that has died is
        // noticed.
        blobs::upload_named(&self.dial.files(), frames, folder, &Arc::default()).await
    }

    async fn end(&self, end: EndRun) -> Result<RunEnded, Status> {
        let mut client = self.dial.runs();
        within(PATIENCE, client.end(Request::new(end))).await
    }
}

async fn within<T>(
    limit: Duration,
    call: impl Future<Output = Result<tonic::Response<T>, Status>>,
) -> Result<T, Status> {
    match tokio::time::timeout(limit, call).await {
        Ok(answer) => answer.map(tonic::Response::into_inner),
        Err(_) => Err(Status::deadline_exceeded("the controller did not answer in time")),
    }
}

/// What an error of the controller means to an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// It is away or busy, or it does not know us for now: the same call may go through later.
    Away,
    /// It failed at this call, by its own fault: the same call may go through later, or never.
    Trouble,
    /// The attempt belongs to somebody else by now.
    Fenced,
    /// Rows are missing before those that were sent; those from this offset are needed.
    Gap(u64),
    /// It will say the same again.
    Refused,
}

/// Sorts an error: the one table of the agent (docs/decisions/unsent-rows.md).
pub fn meaning(status: &Status) -> Meaning {
    match status.code() {
        Code::Unauthenticated if planted(Bug::SlipGivesUpRows) => Meaning::Refused,
        Code::Aborted => Meaning::Fenced,
        // Time alone does not mend it, but somebody may.
        Code::Internal | Code::DataLoss => Meaning::Trouble,
        Code::OutOfRange => needed_offset(status).map_or(Meaning::Refused, Meaning::Gap),
        _ if is_away(status) => Meaning::Away,
        _ => Meaning::Refused,
    }
}

/// Somebody has answered, and not what was hoped for: people should hear what was said.
pub fn is_answer(status: &Status) -> bool {
    !matches!(
        status.code(),
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Unknown
    )
}
