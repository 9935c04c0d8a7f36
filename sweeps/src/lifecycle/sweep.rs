//! The life of a sweep.
//!
//! ```text
//!   pending ──first lease──▶ running ◀──resume/pause──▶ paused
//!      │                      │   ▲                       │
//!      │     nothing left     │   │ retry                 │
//!      ├──────────────────────┼───┼───────────────────────┤
//!      ▼                      ▼   │                       ▼
//!   cancelled              finished
//! ```
//!
//! "Nothing left": the space, the cap or the target is reached, or a person wants no new trial
//! (`closing`), and no run is live. Cancelling tells the running trials to stop.

use super::Refused;

/// Where a sweep is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Created; no trial was handed out yet.
    Pending,
    /// Hands out trials.
    Running,
    /// Hands out nothing until it is resumed; running trials go on.
    Paused,
    /// Over.
    Finished,
    /// Over by a person's will; its running trials were told to stop.
    Cancelled,
}

/// What can happen to a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A trial was handed out.
    Lease,
    /// A person wants it to pause, or its trials do nothing but crash.
    Pause,
    /// A person wants it to go on.
    Resume,
    /// Nothing is left to do.
    Finish,
    /// A person ends it.
    Cancel,
    /// A person wants some of its runs to run again.
    Retry,
}

impl State {
    /// All states, for tables and tests.
    pub const ALL: [State; 5] =
        [State::Pending, State::Running, State::Paused, State::Finished, State::Cancelled];

    /// The word that people, rows and messages use.
    pub fn name(self) -> &'static str {
        match self {
            State::Pending => "pending",
            State::Running => "running",
            State::Paused => "paused",
            State::Finished => "finished",
            State::Cancelled => "cancelled",
        }
    }

    /// The inverse of [`State::name`].
    pub fn from_name(name: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.name() == name)
    }

    /// No trial will start any more, unless a person retries one.
    pub fn is_over(self) -> bool {
        matches!(self, State::Finished | State::Cancelled)
    }
}

impl Event {
    /// All events, for tables and tests.
    pub const ALL: [Event; 6] =
        [Event::Lease, Event::Pause, Event::Resume, Event::Finish, Event::Cancel, Event::Retry];

    /// The word that messages use.
    pub fn name(self) -> &'static str {
        match self {
            Event::Lease => "lease",
            Event::Pause => "pause",
            Event::Resume => "resume",
            Event::Finish => "finish",
            Event::Cancel => "cancel",
            Event::Retry => "retry",
        }
    }
}

/// The state after the event. Pausing what is paused, and resuming what runs, changes nothing.
///
/// # Errors
/// [`Refused`] when the drawing has no such arrow.
pub fn next(state: State, event: Event) -> Result<State, Refused> {
    use {Event as E, State as S};
    Ok(match (state, event) {
        (S::Pending | S::Running, E::Lease) => S::Running,
        (S::Pending | S::Running | S::Paused, E::Pause) => S::Paused,
        (S::Pending, E::Resume) => S::Pending,
        (S::Running | S::Paused, E::Resume) => S::Running,
        (S::Pending | S::Running | S::Paused, E::Finish) => S::Finished,
        (S::Pending | S::Running | S::Paused, E::Cancel) => S::Cancelled,
        (S::Finished | S::Cancelled, E::Retry) => S::Running,
        _ => return Err(Refused { what: "sweep", state: state.name(), event: event.name() }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_table() {
        let mut table = String::new();
        for state in State::ALL {
            for event in Event::ALL {
                if let Ok(after) = next(state, event) {
                    table +=
                        &format!("{:<10} {:<7} -> {}\n", state.name(), event.name(), after.name());
                }
            }
        }
        insta::assert_snapshot!(table);
    }
}
