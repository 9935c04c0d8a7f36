//! Serves the Agents service. Agents call it. Every method translates its request, calls `app`, and
//! translates the answer.

use std::time::Duration;

use ::sweeps::config;
use proto::v1::{
    AgentInfo, AgentList, AgentSlot, Argument, Beat, ListAgents, Orders, Piece, RunAttempt, Start,
    Stop, agents_server::Agents, piece,
};
use record::ids::Attempt;
use tonic::{Request, Response, Status, async_trait};

use super::{Door, error::status, named};
use crate::app::agents::{heartbeat, messages};

#[async_trait]
impl Agents for Door {
    async fn heartbeat(&self, request: Request<Beat>) -> Result<Response<Orders>, Status> {
        let (caller, beat) = self.enter(request).await?;
        let orders =
            heartbeat::heartbeat(&self.app, &caller, beat_from(beat)).await.map_err(status)?;
        Ok(Response::new(orders_to(orders)))
    }

    async fn list(&self, request: Request<ListAgents>) -> Result<Response<AgentList>, Status> {
        let (caller, wanted) = self.enter(request).await?;
        let sweep = named(wanted.sweep);
        let agents = heartbeat::list(&self.app, &caller, sweep).await.map_err(status)?;
        Ok(Response::new(AgentList { agents: agents.into_iter().map(agent_to).collect() }))
    }
}

fn beat_from(beat: Beat) -> messages::Beat {
    messages::Beat {
        agent: beat.agent,
        owner: String::new(),
        incarnation: beat.incarnation,
        beat: beat.beat,
        sweep: beat.sweep.into(),
        holds: beat.holds.into_iter().map(held_from).collect(),
        free: beat.free,
        wait: Duration::from_millis(beat.wait_ms.into()),
        host: beat.host,
        slots: beat.slots,
        devices: beat.devices,
        declined: beat.declined.into_iter().map(attempt_from).collect(),
        set_aside: beat.set_aside,
        portrait: messages::Portrait {
            version: beat.version,
            slots: beat.slot_list.into_iter().map(slot_from).collect(),
            gauges: beat.gauges.into_iter().map(|gauge| (gauge.name, gauge.value)).collect(),
        },
    }
}

fn slot_from(slot: AgentSlot) -> messages::Slot {
    let gpus = slot.gpus.into_iter().map(|gpu| (gpu.index, gpu.name)).collect();
    messages::Slot { gpus, run: named(slot.run) }
}

fn held_from(held: proto::v1::Held) -> messages::Held {
    messages::Held { of: Attempt::new(held.run, held.attempt), started: held.started }
}

fn attempt_from(of: RunAttempt) -> Attempt {
    Attempt::new(of.run, of.attempt)
}

fn attempt_to(of: Attempt) -> RunAttempt {
    RunAttempt { run: of.run.into(), attempt: of.number }
}

fn orders_to(orders: messages::Orders) -> Orders {
    Orders {
        beat: orders.beat,
        start: orders.start.into_iter().map(start_to).collect(),
        stop: orders.stop.into_iter().map(stop_to).collect(),
        keep: orders.keep.into_iter().map(attempt_to).collect(),
        lease_ms: millis(orders.lease),
        sweep_state: orders.state.name().to_owned(),
        sweep_over: orders.state.is_over(),
        note: orders.note.unwrap_or_default(),
    }
}

fn start_to(start: messages::Start) -> Start {
    Start {
        run: start.of.run.into(),
        attempt: start.of.number,
        sweep: start.sweep.into(),
        trial: start.trial,
        project: start.project.into(),
        command: start.command.into_iter().map(argument_to).collect(),
        params_json: start.params_json,
        token: start.token,
        metric: start.metric.unwrap_or_default(),
        timeout_ms: start.timeout.and_then(|timeout| u64::try_from(timeout.as_millis()).ok()),
    }
}

fn argument_to(argument: config::Argument) -> Argument {
    Argument { pieces: argument.pieces.into_iter().map(piece_to).collect() }
}

fn piece_to(piece: config::Piece) -> Piece {
    let piece = match piece {
        config::Piece::Text(text) => piece::Piece::Text(text),
        config::Piece::EnvVar(name) => piece::Piece::Envvar(name),
        config::Piece::ArgsJsonFile => piece::Piece::ArgsJsonFile(true),
    };
    Piece { piece: Some(piece) }
}

fn stop_to(stop: messages::Stop) -> Stop {
    Stop {
        run: stop.of.run.into(),
        attempt: stop.of.number,
        reason: stop.cause.name().to_owned(),
        grace_ms: millis(stop.grace),
    }
}

fn agent_to(agent: heartbeat::AgentView) -> AgentInfo {
    AgentInfo {
        agent: agent.agent,
        host: agent.host,
        sweep: agent.sweep.into(),
        slots: agent.slots,
        free: agent.free,
        devices: agent.devices,
        runs: agent.runs.into_iter().map(Into::into).collect(),
        seen_ms_ago: i64::from(millis(agent.seen_ago)),
        set_aside: agent.set_aside,
    }
}

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
