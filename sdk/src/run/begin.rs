//! Begins a run outside a sweep at the controller.

use std::{sync::Arc, time::Duration};

use proto::{
    dial::{Authorized, backoff, hint, is_transient},
    v1::{BeginRun, RunBegun, runs_client::RunsClient},
};
use tokio::time;

use crate::{
    calls::{answer, aside, reason},
    chance::jitter,
    endpoint::Endpoint,
    error::InitError,
};

/// The number of tries to reach the controller at the start of a run.
const BEGIN_TRIES: u32 = 3;
/// The longest time that each try waits for the answer.
const BEGIN_WAIT: Duration = Duration::from_secs(5);

/// Begins a run outside a sweep, and waits for the controller's answer. The start of a run makes no
/// other call.
pub(crate) fn begin(endpoint: &Endpoint, begin: BeginRun) -> Result<RunBegun, InitError> {
    let begun = aside(|runtime| {
        let client = endpoint.dial(runtime)?.runs();
        runtime.block_on(try_begin(endpoint, client, begin))
    });
    begun.map_err(|error| InitError::Thread(Arc::new(error)))?
}

/// Makes the call up to [`BEGIN_TRIES`] times, until it succeeds or the controller refuses it. If
/// an answer was lost, the repeated call begins no second run, because it has the same idempotency
/// key.
async fn try_begin(
    endpoint: &Endpoint,
    mut client: RunsClient<Authorized>,
    begin: BeginRun,
) -> Result<RunBegun, InitError> {
    let mut tries = 0;
    loop {
        let status = match answer(BEGIN_WAIT, client.begin(begin.clone())).await {
            Ok(begun) => return Ok(begun),
            Err(status) => status,
        };
        tries += 1;
        let controller = endpoint.0.controller.clone();
        if !is_transient(&status) {
            let hint = hint(&status).map(|hint| format!("; {hint}")).unwrap_or_default();
            return Err(InitError::Refused {
                controller,
                reason: format!("{}{hint}", status.message()),
            });
        }
        if tries == BEGIN_TRIES {
            return Err(InitError::Unreachable { controller, reason: reason(&status) });
        }
        time::sleep(backoff(tries, jitter())).await;
    }
}
