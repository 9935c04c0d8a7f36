//! Defines what agents and the controller say to each other, as the use cases see it. The handlers
//! in `api` translate it from the wire.

use std::time::Duration;

use ::sweeps::{config::Argument, lifecycle::sweep};

/// One heartbeat of an agent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Beat {
    /// The agent's id, which is stable over restarts of the agent.
    pub(crate) agent: String,
    /// A number that rises with every start of the agent.
    pub(crate) incarnation: u64,
    /// A number that rises with every heartbeat of an incarnation.
    pub(crate) beat: u64,
    /// The sweep that the agent works for.
    pub(crate) sweep: String,
    /// All attempts that the agent holds.
    pub(crate) holds: Vec<Held>,
    /// The number of trials that the agent could start in addition.
    pub(crate) free: u32,
    /// The longest time that the answer may wait for news.
    pub(crate) wait: Duration,
    /// The name of the agent's machine.
    pub(crate) host: String,
    /// The most trials that the agent runs at the same time.
    pub(crate) slots: u32,
    /// The names of its GPUs, or "CPU".
    pub(crate) devices: Vec<String>,
    /// The attempts that the agent was told to start and could not take.
    pub(crate) declined: Vec<RunAttempt>,
    /// The slots that ended trials still occupy, a sentence for each, for users.
    pub(crate) set_aside: Vec<String>,
}

impl Beat {
    /// Returns whether the agent names this attempt.
    pub(crate) fn holds(&self, run: &str, attempt: u32) -> bool {
        self.holds.iter().any(|held| held.run == run && held.attempt == attempt)
    }
}

/// One attempt of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunAttempt {
    /// The run's id.
    pub(crate) run: String,
    /// The attempt's number.
    pub(crate) attempt: u32,
}

/// An attempt that an agent holds.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    /// The run's id.
    pub(crate) run: String,
    /// The attempt's number.
    pub(crate) attempt: u32,
    /// Whether its process was started.
    pub(crate) started: bool,
}

/// The complete orders of an agent.
#[derive(Clone, Debug)]
pub(crate) struct Orders {
    /// The number of the heartbeat that these orders answer.
    pub(crate) beat: u64,
    /// The attempts to start.
    pub(crate) start: Vec<Start>,
    /// The attempts to end.
    pub(crate) stop: Vec<Stop>,
    /// The attempts that the agent holds by right. Their leases are renewed.
    pub(crate) keep: Vec<RunAttempt>,
    /// The term of a lease.
    pub(crate) lease: Duration,
    /// The state of the sweep.
    pub(crate) state: sweep::State,
    /// The reason why the sweep hands out nothing, for users.
    pub(crate) note: Option<String>,
}

/// A trial that the agent has to start.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    /// The attempt.
    pub(crate) of: RunAttempt,
    /// The id of its sweep.
    pub(crate) sweep: String,
    /// The number of the trial in its sweep.
    pub(crate) trial: u64,
    /// The project; empty if there is none.
    pub(crate) project: String,
    /// The command to execute.
    pub(crate) command: Vec<Argument>,
    /// The parameters as one JSON object.
    pub(crate) params_json: String,
    /// The token that opens this run only.
    pub(crate) token: String,
    /// The name of the sweep's metric.
    pub(crate) metric: Option<String>,
    /// The longest time that the attempt may run; `None` if there is no limit.
    pub(crate) timeout: Option<Duration>,
}

/// An attempt that the agent has to end.
#[derive(Clone, Debug)]
pub(crate) struct Stop {
    /// The attempt.
    pub(crate) of: RunAttempt,
    /// The reason: `cancelled`, `stopped`, `pruned` or `fenced`.
    pub(crate) reason: String,
    /// The time between SIGTERM and SIGKILL.
    pub(crate) grace: Duration,
}
