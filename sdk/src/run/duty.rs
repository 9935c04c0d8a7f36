//! Who ends a run and keeps its lease.

use std::time::Duration;

/// How long the end of a run outside a sweep waits until the controller has everything.
const OWN_WAIT: Duration = Duration::from_secs(60);
/// How long the end of a function agent's trial waits: its result is worth more than a restart of
/// the controller takes.
const TRIAL_WAIT: Duration = Duration::from_secs(600);
/// The lease to assume when the controller names none.
const DEFAULT_LEASE: Duration = Duration::from_secs(30);

/// Who ends the run and keeps its lease.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Duty {
    /// The agent that has started this process; it also ships what is left in the journal.
    Agents,
    /// This process. `beat`: how often an empty append renews the lease; `None` when a function
    /// agent does. `wait`: how long the end may take.
    Own { beat: Option<Duration>, wait: Duration },
    /// Nobody: the run is kept for `sweep sync`.
    Offline,
    /// Nobody: nothing is kept.
    Disabled,
}

impl Duty {
    /// A run outside a sweep with a lease of `lease_ms`.
    pub(crate) fn own(lease_ms: u32) -> Self {
        let lease =
            if lease_ms == 0 { DEFAULT_LEASE } else { Duration::from_millis(lease_ms.into()) };
        Self::Own { beat: Some(lease / 3), wait: OWN_WAIT }
    }

    /// A trial of a function agent.
    pub(crate) fn trial() -> Self {
        Self::Own { beat: None, wait: TRIAL_WAIT }
    }

    pub(crate) fn beat(self) -> Option<Duration> {
        match self {
            Self::Own { beat, .. } => beat,
            Self::Agents | Self::Offline | Self::Disabled => None,
        }
    }
}
