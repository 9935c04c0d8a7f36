//! Defines the plan's input (events) and output (actions).

use std::time::Duration;

use proto::v1::{AgentGpu, Orders, Start};
use record::ids::{Attempt, SweepId};

use crate::{
    slots::release::Occupancy,
    trial::outcome::{Stop, Verdict},
};

/// The agent for which the plan decides, and its limits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Me {
    /// The agent's id.
    pub agent: String,
    /// A number that rises with every start of the agent, and whenever the agent has lost a trial.
    pub incarnation: u64,
    /// The sweep that the agent works for.
    pub sweep: SweepId,
    /// The name of the node, for people.
    pub host: String,
    /// The name of each GPU that a slot has. Only "CPU" if no slot has one.
    pub devices: Vec<String>,
    /// The most trials at once, at least one.
    pub slots: usize,
    /// The GPUs of each slot, for people.
    pub gpus: Vec<Vec<AgentGpu>>,
    /// The time between SIGTERM and SIGKILL that trials get when the agent ends.
    pub grace: Duration,
    /// The number of trials to start before the agent leaves. `None`: as many as the sweep wants.
    pub count: Option<u64>,
}

/// An event that the loop passes to the plan.
#[derive(Clone, Debug)]
pub enum Event {
    /// The controller answered a heartbeat.
    Answered(Orders),
    /// A trial's program runs.
    Started(Attempt),
    /// A trial's program has ended.
    Over {
        /// The attempt.
        attempt: Attempt,
        /// The meaning of the end.
        verdict: Verdict,
        /// The time from the trial's start to its end.
        ran: Duration,
    },
    /// The agent has reported the end of an attempt, or has given the report up.
    Reported(Attempt),
    /// The occupancy of an ended trial's slot has changed.
    Slot(Attempt, Occupancy),
    /// The result of a check whether the GPU of these slots answers.
    Gpu {
        /// A description of the GPU, for people.
        gpu: String,
        /// The slots that the GPU belongs to.
        slots: Vec<usize>,
        /// The reason why it does not answer. `None` if it answers.
        trouble: Option<String>,
    },
    /// Ctrl-C: a person wants the agent to end.
    Interrupted,
    /// SIGTERM: the node goes away.
    Terminated,
}

/// An action that the loop carries out.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Start this trial on that slot.
    Spawn {
        /// The index of the slot.
        slot: usize,
        /// The order that starts the trial.
        start: Start,
    },
    /// End this trial.
    Stop(Attempt, Stop),
    /// Print this to the person.
    Say(String),
    /// Write this incarnation to disk before the next heartbeat names it.
    Incarnate(u64),
}

/// How urgent the next heartbeat is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum News {
    /// Not urgent: nothing has changed after the newest heartbeat.
    None,
    /// A change that can wait for a moment, because the answer under way may make it obsolete.
    Soon,
    /// A change that a slot or a person waits for.
    Now,
}
