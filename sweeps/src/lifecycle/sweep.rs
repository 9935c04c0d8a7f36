//! Defines the life of a sweep.
//!
//! ```text
//!   pending ──lease──▶ running ◀──resume / pause──▶ paused
//!   pending ──pause──▶ paused
//!   pending, running, paused ──nothing left──▶ finished
//!   pending, running, paused ──cancel──▶ cancelled
//!   finished, cancelled ──retry──▶ running
//!   finished ──extend──▶ running
//! ```
//!
//! "Nothing left" means that no run is live and that no new trial will come. No new trial comes if
//! the space is used up, if the cap or the target is reached, or if a person wants none
//! ([`Closing`]). A `cancel` also asks the running trials to stop. An `extend` raises the cap: a
//! sweep that is not over stays in its state, and one that its cap has finished wants trials again.

use super::Refused;

/// The state of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// The sweep exists; no trial was handed out yet.
    Pending,
    /// The sweep hands out trials.
    Running,
    /// The sweep hands out nothing until it is resumed; running trials go on.
    Paused,
    /// The sweep is over.
    Finished,
    /// A person cancelled the sweep, and its running trials were asked to stop.
    Cancelled,
}

/// An event in the life of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A trial is handed out.
    Lease,
    /// A person pauses the sweep, or quick failures in a row pause it.
    Pause,
    /// A person resumes the sweep.
    Resume,
    /// No run is live, and no new trial will come.
    Finish,
    /// A person cancels the sweep.
    Cancel,
    /// A person retries some of the sweep's runs.
    Retry,
    /// A person raises the cap on the sweep's trials.
    Extend,
}

impl State {
    /// All states, for tables and tests.
    pub const ALL: [State; 5] =
        [State::Pending, State::Running, State::Paused, State::Finished, State::Cancelled];

    /// Returns the word that users, rows and messages use.
    pub fn name(self) -> &'static str {
        match self {
            State::Pending => "pending",
            State::Running => "running",
            State::Paused => "paused",
            State::Finished => "finished",
            State::Cancelled => "cancelled",
        }
    }

    /// Returns the state with this name, or `None` if there is none.
    pub fn from_name(name: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Returns whether no trial will start any more, unless a person retries one.
    pub fn is_over(self) -> bool {
        matches!(self, State::Finished | State::Cancelled)
    }
}

/// The reason why a sweep wants no new trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// A user stopped the sweep.
    Stopped,
    /// A user cancelled the sweep.
    Cancelled,
    /// As many trials were created as `run_cap` allows.
    Cap,
    /// Every point of the space was handed out.
    Space,
    /// A trial reached the target of the metric.
    Target,
}

impl Closing {
    /// All reasons.
    pub const ALL: [Closing; 5] =
        [Closing::Stopped, Closing::Cancelled, Closing::Cap, Closing::Space, Closing::Target];

    /// Returns the word that rows and messages use.
    pub fn name(self) -> &'static str {
        match self {
            Closing::Stopped => "stopped",
            Closing::Cancelled => "cancelled",
            Closing::Cap => "cap",
            Closing::Space => "space",
            Closing::Target => "target",
        }
    }

    /// Returns the reason with this name, or `None` if there is none.
    pub fn from_name(name: &str) -> Option<Closing> {
        Closing::ALL.into_iter().find(|closing| closing.name() == name)
    }

    /// Returns a clause for users that gives the reason.
    pub fn sentence(self) -> &'static str {
        match self {
            Closing::Stopped => "a user stopped it",
            Closing::Cancelled => "a user cancelled it",
            Closing::Cap => "run_cap is reached",
            Closing::Space => "every point was handed out",
            Closing::Target => "the target is reached",
        }
    }
}

impl Event {
    /// All events, for tables and tests.
    pub const ALL: [Event; 7] = [
        Event::Lease,
        Event::Pause,
        Event::Resume,
        Event::Finish,
        Event::Cancel,
        Event::Retry,
        Event::Extend,
    ];

    /// Returns the word that messages use.
    pub fn name(self) -> &'static str {
        match self {
            Event::Lease => "lease",
            Event::Pause => "pause",
            Event::Resume => "resume",
            Event::Finish => "finish",
            Event::Cancel => "cancel",
            Event::Retry => "retry",
            Event::Extend => "extend",
        }
    }
}

/// Returns the state after the event. Pausing a paused sweep, resuming a running one, or extending
/// one that is not over changes nothing.
///
/// # Errors
/// Fails with [`Refused`] if the event does not apply to the state.
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
        (S::Pending | S::Running | S::Paused, E::Extend) => state,
        (S::Finished, E::Extend) => S::Running,
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
