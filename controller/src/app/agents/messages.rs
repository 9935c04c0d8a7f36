//! What agents and the controller say to each other, as the use cases see it: the doors translate
//! it from the wire.

use std::time::Duration;

use ::sweeps::{config::Argument, lifecycle::sweep};

/// One heartbeat of an agent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Beat {
    /// Stable over restarts of the agent.
    pub(crate) agent: String,
    /// Rises with every start of it.
    pub(crate) incarnation: u64,
    /// Rises with every heartbeat of an incarnation.
    pub(crate) beat: u64,
    /// The sweep that it works for.
    pub(crate) sweep: String,
    /// All that it holds.
    pub(crate) holds: Vec<Held>,
    /// How many more trials it would start.
    pub(crate) free: u32,
    /// How long the answer may wait for something to say.
    pub(crate) wait: Duration,
    /// Name of its machine.
    pub(crate) host: String,
    /// Trials that it runs at most at once.
    pub(crate) slots: u32,
    /// "CPU" or the names of its GPUs.
    pub(crate) devices: Vec<String>,
    /// Starts that it could not take.
    pub(crate) declined: Vec<RunAttempt>,
    /// Slots that their ended trials still occupy, a sentence each, for people.
    pub(crate) set_aside: Vec<String>,
}

impl Beat {
    /// Whether the agent names this attempt.
    pub(crate) fn holds(&self, run: &str, attempt: u32) -> bool {
        self.holds.iter().any(|held| held.run == run && held.attempt == attempt)
    }
}

/// One attempt of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunAttempt {
    /// The run.
    pub(crate) run: String,
    /// The attempt.
    pub(crate) attempt: u32,
}

/// An attempt that an agent holds.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    /// The run.
    pub(crate) run: String,
    /// The attempt.
    pub(crate) attempt: u32,
    /// Its process was started.
    pub(crate) started: bool,
}

/// The whole truth about what an agent is to do.
#[derive(Clone, Debug)]
pub(crate) struct Orders {
    /// The beat that is answered.
    pub(crate) beat: u64,
    /// To be started.
    pub(crate) start: Vec<Start>,
    /// To be ended.
    pub(crate) stop: Vec<Stop>,
    /// Held by right, lease renewed.
    pub(crate) keep: Vec<RunAttempt>,
    /// How long a lease lasts.
    pub(crate) lease: Duration,
    /// State of the sweep.
    pub(crate) state: sweep::State,
    /// Why nothing is handed out, for people.
    pub(crate) note: Option<String>,
}

/// A trial that is to be started.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    /// The attempt.
    pub(crate) of: RunAttempt,
    /// Its sweep.
    pub(crate) sweep: String,
    /// Its number there.
    pub(crate) trial: u64,
    /// Its project; may be empty.
    pub(crate) project: String,
    /// What to execute.
    pub(crate) command: Vec<Argument>,
    /// Its parameters: one JSON object.
    pub(crate) params_json: String,
    /// Opens this run only.
    pub(crate) token: String,
    /// Name of the sweep's metric.
    pub(crate) metric: Option<String>,
    /// How long it may run.
    pub(crate) timeout: Option<Duration>,
}

/// An attempt that is to be ended.
#[derive(Clone, Debug)]
pub(crate) struct Stop {
    /// The attempt.
    pub(crate) of: RunAttempt,
    /// cancelled, stopped, pruned or fenced.
    pub(crate) reason: String,
    /// Between SIGTERM and SIGKILL.
    pub(crate) grace: Duration,
}
