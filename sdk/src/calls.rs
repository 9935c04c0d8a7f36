//! Calls of the controller: on which runtime they run, how long they wait, and what their errors
//! mean. Used by everything that talks to the controller.

use std::{error::Error as _, io, thread, time::Duration};

use proto::dial::is_away;
use tokio::{runtime::Runtime, time};
use tonic::{Code, Status};

/// How long a call waits for its answer before it is made again.
pub(crate) const CALL_WAIT: Duration = Duration::from_secs(30);

/// Makes a runtime for one thread.
pub(crate) fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// Runs `body` on a thread with a runtime of its own and waits for it: the caller's thread may
/// already run another one.
///
/// # Errors
/// Fails if the system gives no thread, or `body` panics.
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

/// Tells whether time alone will not mend the error. A token that the controller does not know is no
/// refusal: the controller may have been started with another one. A token that it knows and that
/// opens nothing is one: the token ends with its attempt.
pub(crate) fn is_refusal(status: &Status) -> bool {
    status.code() == Code::PermissionDenied || !is_away(status)
}

/// Returns the words for a person: the controller's sentence, or the cause at the bottom of a failed
/// connection.
pub(crate) fn reason(status: &Status) -> String {
    let Some(mut cause) = status.source() else { return status.message().to_owned() };
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
