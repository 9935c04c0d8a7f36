//! Helps to call the controller: provides the runtime, bounds the wait for an answer, and
//! classifies errors. Every module of the SDK that calls the controller uses this module.

use std::{io, thread, time::Duration};

use proto::dial::is_away;
pub(crate) use proto::dial::reason;
use tokio::{runtime::Runtime, time};
use tonic::{Code, Status};

/// The longest time that a call of the sender, the uploader or [`Run::resume`](crate::Run::resume)
/// waits for its answer. After that time the call counts as failed.
pub(crate) const CALL_WAIT: Duration = Duration::from_secs(30);

/// Makes an async runtime that runs its tasks on the thread that calls `block_on`.
pub(crate) fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// Runs `body` on a new thread with a new runtime, and waits for its result. The caller's thread
/// cannot run `body` itself, because it may already be inside another runtime.
///
/// Fails if the system cannot start a thread or make a runtime, or if `body` panics.
pub(crate) fn aside<T: Send>(body: impl FnOnce(&Runtime) -> T + Send) -> io::Result<T> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("besom-call".to_owned());
        let joined = thread.spawn_scoped(scope, || runtime().map(|runtime| body(&runtime)))?.join();
        joined.unwrap_or_else(|_| Err(io::Error::other("the thread panicked")))
    })
}

/// Returns the answer to a call, or `DeadlineExceeded` after `wait`.
pub(crate) async fn answer<T>(
    wait: Duration,
    call: impl Future<Output = Result<tonic::Response<T>, Status>>,
) -> Result<T, Status> {
    match time::timeout(wait, call).await {
        Ok(answer) => answer.map(tonic::Response::into_inner),
        Err(_) => Err(Status::deadline_exceeded(format!("no answer within {} s", wait.as_secs()))),
    }
}

/// Returns true if a later repeat of the call would probably fail with the same error. An unknown
/// token or run is no refusal: the controller may have been started with another token or data
/// folder. A known token without the right to this call is a refusal, because a run's token expires
/// with its attempt.
pub(crate) fn is_refusal(status: &Status) -> bool {
    status.code() == Code::PermissionDenied || !is_away(status)
}
