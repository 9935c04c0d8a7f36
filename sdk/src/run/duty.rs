//! Defines which program ends a run and renews its lease.

use std::time::Duration;

/// The longest time that the end of a run outside a sweep waits for the rows to arrive, or for the
/// files to make progress.
const OWN_WAIT: Duration = Duration::from_secs(60);
/// The longest time that the end of a function agent's trial waits for the rows to arrive, or for
/// the files to make progress. This time is long, because waiting for a controller that restarts is
/// cheaper than losing a trial's result.
const TRIAL_WAIT: Duration = Duration::from_secs(600);
/// The lease that the SDK assumes if the controller states no lease.
const DEFAULT_LEASE: Duration = Duration::from_secs(30);

/// The program that ends a run and renews its lease.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Duty {
    /// The agent that started this process. The agent also sends the rows that are left in the
    /// journal.
    Agents,
    /// This process. `beat` is the period at which an empty append renews the lease; `None` if the
    /// heartbeats of a function agent renew it. `wait` is the longest time that the end of the run
    /// waits for the rows to arrive, or for the files to make progress.
    Own { beat: Option<Duration>, wait: Duration },
    /// No program: the run is offline and waits in its folder for `sweep sync`.
    Offline,
    /// No program: the run is disabled and stores nothing.
    Disabled,
}

impl Duty {
    /// Returns the duty of a run outside a sweep. `lease_ms` is the lease in milliseconds; 0 means
    /// that the controller stated no lease.
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
