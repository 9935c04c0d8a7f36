//! Says who ends a run and renews its lease.

use std::time::Duration;

/// The time that the end of a run outside a sweep waits for the controller to take everything.
const OWN_WAIT: Duration = Duration::from_secs(60);
/// The time that the end of a function agent's trial waits. Its result is worth more than the time
/// of a controller's restart.
const TRIAL_WAIT: Duration = Duration::from_secs(600);
/// The lease to assume if the controller names none.
const DEFAULT_LEASE: Duration = Duration::from_secs(30);

/// The role that ends the run and renews its lease.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Duty {
    /// The agent that started this process. It also ships the rows that are left in the journal.
    Agents,
    /// This process. `beat` is the period at which an empty append renews the lease; `None` if a
    /// function agent renews it. `wait` bounds the end.
    Own { beat: Option<Duration>, wait: Duration },
    /// No one: the run waits in its folder for `sweep sync`.
    Offline,
    /// No one: nothing is kept.
    Disabled,
}

impl Duty {
    /// Returns the duty of a run outside a sweep. `lease_ms` is the lease in milliseconds; 0 means
    /// that the controller named none.
    pub(crate) fn own(lease_ms: u32) -> Self {
        let lease =
            if lease_ms == 0 { DEFAULT_LEASE } else { Duration::from_millis(lease_ms.into()) };
        Self::Own { beat: Some(lease / 3), wait: OWN_WAIT }
    }

    /// Returns the duty of a function agent's trial.
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
