//! Serves the agents that have called lately, and what they did when.

use axum::Json;
use serde::{Deserialize, Serialize};

use super::{asked::Nothing, error::Problem, session::Call};
use crate::app::{
    agents::heartbeat::{self, AgentView},
    read::timeline,
};

/// An agent.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct AgentCard {
    name: String,
    host: String,
    sweep: String,
    /// The most trials that it runs at the same time.
    slots: u32,
    /// The number of its slots that have a trial.
    busy: u32,
    /// The names of its GPUs, or `CPU`.
    devices: Vec<String>,
    /// Sentences about what keeps its slots from being used.
    set_aside: Vec<String>,
    last_seen_ms: i64,
    /// The ids of the runs that it holds.
    runs: Vec<String>,
}

/// The agents that have called lately.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Fleet {
    agents: Vec<AgentCard>,
}

/// Lists the agents.
pub(super) async fn list(call: Call) -> Result<Json<Fleet>, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let now_ms = app.clock().wall_ms();
    let found = heartbeat::list(&app, &caller, None).await?;
    let agents = found.into_iter().map(|agent| AgentCard::new(agent, now_ms)).collect();
    Ok(Json(Fleet { agents }))
}

/// The stretch of time that a caller asks for; the last six hours if it says nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Asked {
    from_ms: Option<i64>,
    to_ms: Option<i64>,
}

/// The default length of the stretch.
const STRETCH_MS: i64 = 6 * 3600 * 1000;

/// What the agents did when.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Timeline {
    spans: Vec<Span>,
}

/// The time in which an agent had the newest attempt of a run.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct Span {
    agent: String,
    run: String,
    sweep: Option<String>,
    trial: Option<u64>,
    state: String,
    from_ms: i64,
    /// `null` while the run is not over.
    to_ms: Option<i64>,
}

/// Shows what the agents did when.
pub(super) async fn timeline(call: Call<Asked>) -> Result<Json<Timeline>, Problem> {
    let Call { app, caller, asked } = call;
    let to_ms = asked.to_ms.unwrap_or_else(|| app.clock().wall_ms());
    let from_ms = asked.from_ms.unwrap_or_else(|| to_ms.saturating_sub(STRETCH_MS));
    let found = timeline::read(&app, &caller, from_ms, to_ms).await?;
    let spans = found.into_iter().map(|span| Span {
        agent: span.agent,
        run: span.run.into(),
        sweep: span.sweep.map(Into::into),
        trial: span.trial,
        state: span.state.name().to_owned(),
        from_ms: span.from_ms,
        to_ms: span.to_ms,
    });
    Ok(Json(Timeline { spans: spans.collect() }))
}

impl AgentCard {
    /// Shows an agent at this time.
    pub(super) fn new(agent: AgentView, now_ms: i64) -> Self {
        let ago = i64::try_from(agent.seen_ago.as_millis()).unwrap_or(i64::MAX);
        Self {
            name: agent.agent,
            host: agent.host,
            sweep: agent.sweep.into(),
            slots: agent.slots,
            // A trial takes one slot. An agent that drains has no free slots, and yet no trial.
            busy: u32::try_from(agent.runs.len()).unwrap_or(u32::MAX),
            devices: agent.devices,
            set_aside: agent.set_aside,
            last_seen_ms: now_ms.saturating_sub(ago),
            runs: agent.runs.into_iter().map(Into::into).collect(),
        }
    }
}
