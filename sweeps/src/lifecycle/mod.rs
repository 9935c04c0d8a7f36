//! Defines the state machines of sweeps and runs, as pure functions `next(state, event)`. The
//! controller's app calls these functions for every change of state; no other code may write a
//! state. A state records a fact. Intents (`stop_wanted`, `closing`) are columns beside the state.
//! The module `class` names the reasons why an attempt failed, and the number of further attempts
//! for each.

mod class;
pub mod run;
pub mod sweep;

pub use class::{Class, Retry};

/// An event that does not fit the state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{event} does not apply to a {what} that is {state}")]
pub struct Refused {
    /// The kind of machine: `"run"` or `"sweep"`.
    pub what: &'static str,
    /// The state of the run or sweep.
    pub state: &'static str,
    /// The event that does not apply.
    pub event: &'static str,
}
