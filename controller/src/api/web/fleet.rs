//! Serves the agents that have called lately, what waits for them, and what they did when.

use std::collections::{BTreeMap, HashMap};

use axum::{Json, extract::Path};
use record::ids::RunId;
use serde::{Deserialize, Serialize};

use super::{asked::Nothing, error::Problem, session::Call};
use crate::app::{
    agents::{heartbeat::AgentView, messages::Portrait},
    read::{fleet, timeline, trial_attempts},
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

/// An agent with its slots and the load of its machine.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct AgentDetail {
    #[serde(flatten)]
    card: AgentCard,
    /// The version of its program; empty if an older agent does not say it.
    version: String,
    /// Its slots in their order; empty if an older agent does not list them.
    slot_list: Vec<Slot>,
    /// The runs that it holds, as far as the caller may see them.
    held: Vec<Held>,
    cpu_percent: Option<f64>,
    memory_percent: Option<f64>,
    memory_used_mib: Option<f64>,
    disk_percent: Option<f64>,
    disk_used_gib: Option<f64>,
    gpus: Vec<GpuLoad>,
}

/// A slot of an agent.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct Slot {
    /// The numbers of its GPUs; empty for a CPU slot.
    gpus: Vec<u32>,
    /// The id of the run that occupies it.
    run: Option<String>,
}

/// A run that an agent holds.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct Held {
    id: String,
    name: String,
    team: String,
    project: String,
}

/// The load of a GPU, as its agent said it last. What the GPU does not report is `null`.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct GpuLoad {
    index: u32,
    name: String,
    busy_percent: Option<f64>,
    memory_percent: Option<f64>,
    memory_bytes: Option<f64>,
    celsius: Option<f64>,
    watts: Option<f64>,
    limit_watts: Option<f64>,
}

/// A sweep that waits for an agent.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct Waiting {
    sweep: String,
    name: String,
    team: String,
    project: String,
    /// The number of its queued runs.
    queued: u64,
    /// The number of trials that it will still create; `null` if there is no bound.
    to_create: Option<u64>,
    /// Why they wait.
    why: String,
    /// What to do about it; empty if nothing has to be done.
    advice: String,
    /// Whether nothing happens until a person does something.
    is_stuck: bool,
}

/// The agents that have called lately, and what waits for them.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Fleet {
    agents: Vec<AgentDetail>,
    waiting: Vec<Waiting>,
    /// An agent that has not called for longer is silent.
    silent_after_ms: u64,
}

/// Lists the agents.
pub(super) async fn list(call: Call) -> Result<Json<Fleet>, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let now_ms = app.clock().wall_ms();
    let found = fleet::read(&app, &caller).await?;
    let shown = |agent| AgentDetail::new(agent, &found.runs, now_ms);
    let agents = found.agents.into_iter().map(shown).collect();
    let waiting = found.waiting.into_iter().map(Into::into).collect();
    Ok(Json(Fleet { agents, waiting, silent_after_ms: found.silent_after_ms }))
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
    value: Option<f64>,
    /// Whether a larger value is better.
    maximize: bool,
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
    let spans = found.into_iter().map(|(span, maximize)| Span {
        agent: span.agent,
        run: span.run.into(),
        sweep: span.sweep.map(Into::into),
        trial: span.trial,
        state: span.state.name().to_owned(),
        value: span.value,
        maximize,
        from_ms: span.from_ms,
        to_ms: span.to_ms,
    });
    Ok(Json(Timeline { spans: spans.collect() }))
}

/// When the attempts of a sweep's trials ran.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct TrialAttempts {
    attempts: Vec<TrialAttempt>,
}

/// An attempt of a trial.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct TrialAttempt {
    run: String,
    trial: u64,
    number: u32,
    /// The agent that had it; empty if nobody knows.
    agent: String,
    /// The state in which it is or ended.
    state: String,
    /// The class of the failure; `null` if it did not fail.
    class: Option<String>,
    from_ms: i64,
    to_ms: Option<i64>,
    value: Option<f64>,
}

/// Shows when the attempts of a sweep's trials ran.
pub(super) async fn of_sweep(
    Path(sweep): Path<String>,
    call: Call,
) -> Result<Json<TrialAttempts>, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let found = trial_attempts::read(&app, &caller, sweep.into()).await?;
    let attempts = found.into_iter().map(|attempt| TrialAttempt {
        run: attempt.run.into(),
        trial: attempt.trial,
        number: attempt.number,
        agent: attempt.agent,
        state: attempt.state.name().to_owned(),
        class: attempt.class.map(|class| class.name().to_owned()),
        from_ms: attempt.from_ms,
        to_ms: attempt.to_ms,
        value: attempt.value,
    });
    Ok(Json(TrialAttempts { attempts: attempts.collect() }))
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

impl AgentDetail {
    fn new(mut agent: AgentView, runs: &HashMap<RunId, fleet::Held>, now_ms: i64) -> Self {
        let Portrait { version, slots, gauges } = std::mem::take(&mut agent.portrait);
        let gauge = |wanted: &str| {
            let found = gauges.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| *value).filter(|value| value.is_finite())
        };
        let held = agent.runs.iter().filter_map(|id| Some(Held::new(id, runs.get(id)?)));
        let names = slots.iter().flat_map(|slot| slot.gpus.iter().cloned());
        let slot = |slot: crate::app::agents::messages::Slot| Slot {
            gpus: slot.gpus.into_iter().map(|(index, _)| index).collect(),
            run: slot.run.map(Into::into),
        };
        Self {
            version,
            held: held.collect(),
            cpu_percent: gauge("system.cpu_percent"),
            memory_percent: gauge("system.memory_percent"),
            memory_used_mib: gauge("system.memory.usedMB"),
            disk_percent: gauge("system.disk.usagePercent"),
            disk_used_gib: gauge("system.disk.usageGB"),
            // The same GPU may be in several slots.
            gpus: BTreeMap::from_iter(names)
                .into_iter()
                .map(|(index, name)| GpuLoad::new(index, name, &gauge))
                .collect(),
            slot_list: slots.into_iter().map(slot).collect(),
            card: AgentCard::new(agent, now_ms),
        }
    }
}

impl GpuLoad {
    fn new(index: u32, name: String, gauge: &impl Fn(&str) -> Option<f64>) -> Self {
        let gauge = |what: &str| gauge(&format!("system.gpu.{index}.{what}"));
        Self {
            index,
            name,
            busy_percent: gauge("gpu"),
            memory_percent: gauge("memoryAllocated"),
            memory_bytes: gauge("memoryAllocatedBytes"),
            celsius: gauge("temp"),
            watts: gauge("powerWatts"),
            limit_watts: gauge("enforcedPowerLimitWatts"),
        }
    }
}

impl Held {
    fn new(id: &RunId, run: &fleet::Held) -> Self {
        let (team, project) = (run.project.team().to_owned(), run.project.name().to_owned());
        Self { id: id.to_string(), name: run.name.clone(), team, project }
    }
}

impl From<fleet::Waiting> for Waiting {
    fn from(waiting: fleet::Waiting) -> Self {
        Self {
            sweep: waiting.sweep.into(),
            name: waiting.name,
            team: waiting.project.team().to_owned(),
            project: waiting.project.name().to_owned(),
            queued: waiting.queued,
            to_create: waiting.to_create,
            why: waiting.why,
            advice: waiting.advice,
            is_stuck: waiting.is_stuck,
        }
    }
}
