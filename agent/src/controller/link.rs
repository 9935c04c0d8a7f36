//! Defines the agent's calls to the controller as a trait, so that the simulator can replace them.
//! The real implementation uses gRPC, and limits the time of every call except uploads of contents.
//! A link makes each call only once: the callers decide whether to try again.

use std::{future::Future, path::Path, sync::Arc, time::Duration};

use blobs::Trouble;
use probes::{Bug, planted};
use proto::{
    dial::{Dial, is_away, needed_offset},
    v1::{AppendRows, Appended, Beat, EndRun, Orders, RunEnded},
};
use tonic::{Code, Request, Status};

use crate::chance;

/// How long a report of rows or of an end may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// A link to the controller.
pub trait Link: Clone + Send + Sync + 'static {
    /// Sends a heartbeat, and returns the controller's orders. The call is a long poll: the
    /// controller may delay its answer. Fails if no answer has come after `limit`.
    fn beat(
        &self,
        beat: Beat,
        limit: Duration,
    ) -> impl Future<Output = Result<Orders, Status>> + Send;
    /// Sends rows of a journal. Without rows, asks how many rows the controller has.
    fn append(&self, rows: AppendRows) -> impl Future<Output = Result<Appended, Status>> + Send;
    /// Sends the contents that these rows of the stream `files` name. Each content is a file in
    /// `folder`, and its hash is the file's name.
    fn contents(
        &self,
        folder: &Path,
        frames: &[u8],
    ) -> impl Future<Output = Result<(), Trouble>> + Send;
    /// Reports the end of an attempt.
    fn end(&self, end: EndRun) -> impl Future<Output = Result<RunEnded, Status>> + Send;

    /// Returns a random number in [0, 1], which varies the pause between two tries. So not all
    /// agents come back at once.
    fn jitter(&self) -> f64 {
        chance::jitter()
    }
}

/// The real controller.
#[derive(Clone, Debug)]
pub struct Remote {
    dial: Dial,
}

impl Remote {
    /// Makes a link over this connection.
    pub fn new(dial: Dial) -> Self {
        Self { dial }
    }
}

impl Link for Remote {
    async fn beat(&self, beat: Beat, limit: Duration) -> Result<Orders, Status> {
        let mut client = self.dial.agents();
        within(limit, client.heartbeat(Request::new(beat))).await
    }

    async fn append(&self, rows: AppendRows) -> Result<Appended, Status> {
        let mut client = self.dial.runs();
        within(PATIENCE, client.append(Request::new(rows))).await
    }

    async fn contents(&self, folder: &Path, frames: &[u8]) -> Result<(), Trouble> {
        // This call has no time limit: its time depends on the size of the contents, and the
        // transport notices a dead connection.
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

/// The meaning of a controller's error for an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The controller is away or busy, or it does not know the token or the run at the moment. The
    /// same call may succeed later.
    Away,
    /// The controller failed at this call through its own fault. The same call may succeed later,
    /// or never.
    Trouble,
    /// Another attempt owns the run, or the attempt is over.
    Fenced,
    /// The controller lacks rows before those that were sent. The controller needs the rows from
    /// this offset on.
    Gap(u64),
    /// The controller will refuse the same call again.
    Refused,
}

/// Classifies an error of the controller. The agent has no other table of errors
/// (docs/decisions/unsent-rows.md).
pub fn meaning(status: &Status) -> Meaning {
    match status.code() {
        Code::Unauthenticated if planted(Bug::SlipGivesUpRows) => Meaning::Refused,
        Code::Aborted => Meaning::Fenced,
        // Waiting alone does not repair such a controller, but a person may repair it.
        Code::Internal | Code::DataLoss => Meaning::Trouble,
        Code::OutOfRange => needed_offset(status).map_or(Meaning::Refused, Meaning::Gap),
        _ if is_away(status) => Meaning::Away,
        _ => Meaning::Refused,
    }
}

/// Returns whether the error is an answer of a server, whose message people should read. `false`:
/// no answer came, or the server cannot serve the call at the moment.
pub fn is_answer(status: &Status) -> bool {
    !matches!(
        status.code(),
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Unknown
    )
}
