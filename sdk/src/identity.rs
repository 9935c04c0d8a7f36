//! Defines the identity of a run in this process: its id, its attempt and, in a sweep, its trial.

/// An attempt of a run and, if the run is a trial, the sweep and the trial's number.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// The run's id.
    pub(crate) run: String,
    /// The attempt's number, from 1.
    pub(crate) attempt: u32,
    /// The id of the sweep that the run is a trial of; `None` outside a sweep.
    pub(crate) sweep: Option<String>,
    /// The trial's number in its sweep, from 0; `None` outside a sweep.
    pub(crate) trial: Option<u64>,
}
