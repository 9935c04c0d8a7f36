//! Defines the plan's input and output. It decides nothing.

use std::time::Duration;

use proto::v1::{Orders, Start};

use crate::{
    slots::release::Occupancy,
    state::holdings::Attempt,
    trial::outcome::{Stop, Verdict},
};

/// The agent for which the plan decides, and its limits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Me {
    /// The agent's id.
    pub agent: String,
    /// The number of this start of the agent.
    pub incarnation: u64,
    /// The sweep that the agent works for.
    pub sweep: String,
    /// The name of the node, for people.
    pub host: String,
    /// "CPU", or the name of each GPU.
    pub devices: Vec<String>,
    /// The most trials at once, at least one.
    pub slots: usize,
    /// The time between SIGTERM and SIGKILL that trials get when the agent ends.
    pub grace: Duration,
    /// The number of trials to start before the agent leaves. `None`: as many as the sweep wants.
    pub count: Option<u64>,
}

/// An event.
#[derive(Clone, Debug)]
pub enum Event {
    /// The controller answered a heartbeat.
    Answered(Orders),
    /// A trial's program runs.
    Started(Attempt),
    /// A trial's processes are gone.
    Over {
        /// The attempt.
        attempt: Attempt,
        /// The meaning of the end.
        verdict: Verdict,
        /// The running time since the start.
        ran: Duration,
    },
    /// Nothing is left to report about an attempt that is over.
    Reported(Attempt),
    /// The slot of an ending trial is not free, or is free at last.
    Slot(Attempt, Occupancy),
    /// The GPU of these slots answers, or does not.
    Gpu {
        /// The GPU, for people.
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

/// Whether a heartbeat has something new to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum News {
    /// Nothing that the controller does not know.
    None,
    /// Something that can wait for a moment, since an answer under way may make it obsolete.
    Soon,
    /// Something that a slot or a person waits for.
    Now,
}
