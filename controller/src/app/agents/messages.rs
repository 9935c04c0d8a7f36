//! Defines the messages between agents and the controller, as the use cases see them. The handlers
//! in `api` translate these messages from and to the wire format.

use std::time::Duration;

use ::sweeps::{
    config::Argument,
    lifecycle::{run::StopReason, sweep},
};
use record::ids::{Attempt, ProjectId, RunId, SweepId};

/// One heartbeat of an agent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Beat {
    /// The agent's id, which is stable over restarts of the agent.
    pub(crate) agent: String,
    /// The user whose key the agent calls with; empty if it calls with the controller's token.
    pub(crate) owner: String,
    /// A number that rises with every start of the agent, and whenever the agent loses a trial.
    pub(crate) incarnation: u64,
    /// The heartbeat's number, which rises with every heartbeat of an incarnation.
    pub(crate) beat: u64,
    /// The id of the sweep that the agent works for.
    pub(crate) sweep: SweepId,
    /// All attempts that the agent holds.
    pub(crate) holds: Vec<Held>,
    /// The number of trials that the agent could start in addition to those that it holds.
    pub(crate) free: u32,
    /// The longest time that the controller may delay the answer while the agent has no new orders.
    pub(crate) wait: Duration,
    /// The name of the agent's machine.
    pub(crate) host: String,
    /// The most trials that the agent runs at the same time.
    pub(crate) slots: u32,
    /// The names of the agent's devices: its GPUs, or "CPU".
    pub(crate) devices: Vec<String>,
    /// The attempts that the agent was ordered to start and could not start.
    pub(crate) declined: Vec<Attempt>,
    /// One sentence for users for each ended trial that still occupies its slots, and for each GPU
    /// that does not answer.
    pub(crate) set_aside: Vec<String>,
    /// What people see of the agent's program and machine.
    pub(crate) portrait: Portrait,
}

/// What people see of an agent's program and machine. No order depends on it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Portrait {
    /// The version of the agent's program; empty if an older agent does not say it.
    pub(crate) version: String,
    /// The slots in their order; empty if an older agent does not list them.
    pub(crate) slots: Vec<Slot>,
    /// The newest numbers of the machine, with the names of the system metrics.
    pub(crate) gauges: Vec<(String, f64)>,
}

/// A slot of an agent, as people see it.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    /// The number and the name of each GPU; empty for a CPU slot.
    pub(crate) gpus: Vec<(u32, String)>,
    /// The run of the trial that occupies the slot; `None` if the slot is free.
    pub(crate) run: Option<RunId>,
}

impl Beat {
    /// Returns whether the heartbeat names this attempt as held.
    pub(crate) fn holds(&self, attempt: &Attempt) -> bool {
        self.holds.iter().any(|held| held.of == *attempt)
    }
}

/// An attempt that an agent holds.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    /// The attempt.
    pub(crate) of: Attempt,
    /// Whether the agent has started the attempt's process.
    pub(crate) started: bool,
}

/// The complete orders of an agent.
#[derive(Clone, Debug)]
pub(crate) struct Orders {
    /// The number of the heartbeat that these orders answer.
    pub(crate) beat: u64,
    /// The attempts that the agent has to start.
    pub(crate) start: Vec<Start>,
    /// The attempts that the agent has to end.
    pub(crate) stop: Vec<Stop>,
    /// The attempts that the agent holds by right. The heartbeat has renewed their leases.
    pub(crate) keep: Vec<Attempt>,
    /// The time that a lease lasts unless it is renewed.
    pub(crate) lease: Duration,
    /// The state of the sweep that the agent works for.
    pub(crate) state: sweep::State,
    /// The reason why the agent gets no new trial, for users; `None` if there is no such reason.
    pub(crate) note: Option<String>,
}

/// A trial that the agent has to start.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    /// The attempt to start.
    pub(crate) of: Attempt,
    /// The id of the trial's sweep.
    pub(crate) sweep: SweepId,
    /// The trial's number in its sweep.
    pub(crate) trial: u64,
    /// The run's project.
    pub(crate) project: ProjectId,
    /// The trial's command line, with its parameters filled in.
    pub(crate) command: Vec<Argument>,
    /// The trial's parameters as one JSON object.
    pub(crate) params_json: String,
    /// The token with which the trial's program calls the controller, as this attempt.
    pub(crate) token: String,
    /// The name of the sweep's metric; `None` if the sweep has no metric.
    pub(crate) metric: Option<String>,
    /// The longest time that the attempt may run; `None` if there is no limit.
    pub(crate) timeout: Option<Duration>,
}

/// An attempt that the agent has to end.
#[derive(Clone, Debug)]
pub(crate) struct Stop {
    /// The attempt to end.
    pub(crate) of: Attempt,
    /// The reason.
    pub(crate) cause: Cause,
    /// The time between SIGTERM and SIGKILL when the agent ends the attempt.
    pub(crate) grace: Duration,
}

/// The reason why an agent has to end an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The run has to end, for this reason.
    Wanted(StopReason),
    /// The controller has taken the attempt away from the agent: the run has a newer attempt, waits
    /// for one, or is over.
    Fenced,
}

impl Cause {
    /// Returns the word that agents get.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Cause::Wanted(reason) => reason.name(),
            Cause::Fenced => "fenced",
        }
    }
}
