//! Which run this process logs to.

/// An attempt of a run, and the trial that it is, if it is one.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// The id of the run.
    pub(crate) run: String,
    /// The number of the attempt, from 1.
    pub(crate) attempt: u32,
    /// The sweep that the run is a trial of; `None` outside a sweep.
    pub(crate) sweep: Option<String>,
    /// The number of the trial in its sweep, from 0; `None` outside a sweep.
    pub(crate) trial: Option<u64>,
}
