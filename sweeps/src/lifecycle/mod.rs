//! The state machines of sweeps and runs, as pure functions `next(state, event)`. Called by the
//! controller's app for every change of state; nothing else may write a state. Facts are states;
//! intents (`stop_wanted`, `closing`) are columns beside them. Why an attempt failed, and whether
//! another follows by itself, is `class`.

mod class;
pub mod run;
pub mod sweep;

pub use class::{Class, Retry};

/// The event does not fit the state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{event} does not apply to a {what} that is {state}")]
pub struct Refused {
    /// "run" or "sweep".
    pub what: &'static str,
    /// The state that it is in.
    pub state: &'static str,
    /// What was asked of it.
    pub event: &'static str,
}
