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
/// The time that each try waits.
const BEGIN_WAIT: Duration = Duration::from_secs(5);

/// Begins a run outside a sweep. This is the only call that the start of a run waits for.
pub(crate) fn begin(endpoint: &Endpoint, begin: BeginRun) -> Result<RunBegun, InitError> {
    let begun = aside(|runtime| {
        let client = endpoint.dial(runtime)?.runs();
        runtime.block_on(try_begin(endpoint, client, begin))
    });
    begun.map_err(|error| InitError::Thread(Arc::new(error)))?
}

/// Repeats the call until it succeeds or the tries are used up. A repeat after a lost answer begins
/// no second run, because the controller knows the idempotency key.
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
        let controller = endpoint.controller.clone();
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
        time::sleep(backoff(tries, jitter(tries))).await;
    }
}
