//! Serves the attempts of a run and its checkpoints.

use axum::{
    Json,
    extract::Path,
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use record::ids::RunId;
use serde::Serialize;

use super::{asked::Nothing, error::Problem, session::Call};
use crate::{
    api::content,
    app::read::attempts::{self, class},
};

/// The attempts of a run, and its checkpoints.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Attempts {
    /// The attempts, by ascending number.
    attempts: Vec<Attempt>,
    /// The checkpoints, the newest first.
    checkpoints: Vec<Checkpoint>,
    /// The agent's note about the lines that the newest attempt printed.
    printed: Option<String>,
}

/// An attempt.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct Attempt {
    number: u32,
    agent: Option<String>,
    /// The slot of this agent; `null` if nobody wrote it down.
    slot: Option<AttemptSlot>,
    /// The state that it brought the run to: `running`, `finished`, `queued` and so on.
    state: String,
    began_ms: Option<i64>,
    ended_ms: Option<i64>,
    /// Whether it has ended.
    ended: bool,
    /// The class of its failure; empty if it did not fail.
    class: String,
    exit_code: Option<i32>,
    signal: Option<i32>,
    message: String,
    /// The key of the checkpoint that it went on from.
    resumed_from: Option<i64>,
    /// The step of this checkpoint.
    resumed_step: Option<u64>,
    /// The number of its first line in the console.
    first_line: u64,
    /// The number of its lines.
    lines: u64,
}

/// The slot in which an attempt ran.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct AttemptSlot {
    /// Its place among the agent's slots, from 0.
    place: u32,
    /// Its GPUs; none for a CPU slot.
    gpus: Vec<SlotGpu>,
}

/// A GPU of a slot.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct SlotGpu {
    /// Its number on the node.
    index: u32,
    /// The name of its model.
    name: String,
}

/// A checkpoint.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct Checkpoint {
    key: i64,
    attempt: u32,
    /// The step at which the next attempt goes on.
    step: u64,
    size: u64,
    /// Whether its content is kept. The content of an older checkpoint is removed.
    kept: bool,
    logged_ms: i64,
}

/// Lists the attempts of a run and its checkpoints.
pub(super) async fn list(Path(run): Path<String>, call: Call) -> Result<Json<Attempts>, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let found = attempts::list(&app, &caller, RunId::from(run)).await?;
    let checkpoints = found.checkpoints.into_iter().map(|(made, kept)| Checkpoint {
        key: made.key,
        attempt: made.attempt,
        step: made.step,
        size: made.size,
        kept,
        logged_ms: made.logged_ms,
    });
    Ok(Json(Attempts {
        attempts: found.attempts.into_iter().map(Into::into).collect(),
        checkpoints: checkpoints.collect(),
        printed: found.printed,
    }))
}

impl From<attempts::Attempt> for Attempt {
    fn from(attempt: attempts::Attempt) -> Self {
        let ended = attempt.outcome.is_some();
        let outcome = attempt.outcome.unwrap_or_default();
        let (resumed_from, resumed_step) = attempt.resumed.unzip();
        Self {
            number: attempt.number,
            agent: attempt.agent,
            slot: attempt.slot.map(Into::into),
            state: attempt.state,
            began_ms: attempt.began_ms,
            ended_ms: attempt.ended_ms,
            ended,
            class: class(&outcome).to_owned(),
            exit_code: outcome.exit_code,
            signal: outcome.signal,
            message: outcome.message.unwrap_or_default(),
            resumed_from,
            resumed_step: resumed_step.flatten(),
            first_line: attempt.first_line,
            lines: attempt.lines,
        }
    }
}

impl From<attempts::SlotView> for AttemptSlot {
    fn from(slot: attempts::SlotView) -> Self {
        let gpus = slot.gpus.into_iter().map(|(index, name)| SlotGpu { index, name });
        Self { place: slot.place, gpus: gpus.collect() }
    }
}

/// Sends the content of a checkpoint.
pub(super) async fn checkpoint(
    Path((run, key)): Path<(String, i64)>,
    headers: HeaderMap,
    call: Call,
) -> Result<Response, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let found = attempts::checkpoint(&app, &caller, RunId::from(run), key).await?;
    let mut answer = content::answer(&app, &headers, found.sha256, found.size);
    let name = format!("attachment; filename=\"checkpoint-{}.bin\"", found.step);
    let name = HeaderValue::from_str(&name).unwrap_or(HeaderValue::from_static("attachment"));
    answer.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    Ok(answer)
}
