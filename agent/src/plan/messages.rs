//! What the plan is told, and what it answers. Part of the plan; decides nothing.

use std::time::Duration;

use proto::v1::{Orders, Start};

use crate::{
    slots::release::Occupancy,
    state::holdings::Attempt,
    trial::outcome::{Stop, Verdict},
};

/// Who plans, and what for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Me {
    /// This agent.
    pub agent: String,
    /// This start of it.
    pub incarnation: u64,
    /// The sweep that it works for.
    pub sweep: String,
    /// Of the node, for people.
    pub host: String,
    /// "CPU", or the name of each GPU.
    pub devices: Vec<String>,
    /// How many trials at once; at least one.
    pub slots: usize,
    /// What trials get between SIGTERM and SIGKILL when the agent is to end.
    pub grace: Duration,
    /// Trials to start before it leaves; `None`: as long as the sweep wants.
    pub count: Option<u64>,
}

/// What has happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// The controller answered a heartbeat.
    Answered(Orders),
    /// A trial's program runs.
    Started(Attempt),
    /// A trial's processes are gone. `ran` counts from its start.
    Over {
        /// Which.
        attempt: Attempt,
        /// What that means.
        verdict: Verdict,
        /// How long it ran.
        ran: Duration,
    },
    /// Nothing is left to be told about an attempt that is over.
    Reported(Attempt),
    /// The slot of a trial that ends is not free, or free at last.
    Slot(Attempt, Occupancy),
    /// Whether the GPU of these slots answers.
    Gpu {
        /// The GPU, for people.
        gpu: String,
        /// The slots that it belongs to.
        slots: Vec<usize>,
        /// Why it does not.
        trouble: Option<String>,
    },
    /// Ctrl-C: a person wants it to end.
    Interrupted,
    /// SIGTERM: the node is taken away.
    Terminated,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Start this trial on that slot.
    Spawn {
        /// Index of the slot.
        slot: usize,
        /// What to start.
        start: Start,
    },
    /// End this trial.
    Stop(Attempt, Stop),
    /// Tell the person.
    Say(String),
    /// Write this incarnation down before the next heartbeat tells it.
    Incarnate(u64),
}

/// Whether a heartbeat has something to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum News {
    /// Nothing that the controller does not know.
    None,
    /// Something that can wait for a moment: an answer that is on its way may make it worthless.
    Soon,
    /// Something that a slot or a person waits for.
    Now,
}
