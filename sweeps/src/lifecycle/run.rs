//! The life of a run.
//!
//! ```text
//!             lease                 started            exit 0
//!   queued ──────────▶ leased ──────────▶ running ──────────────▶ finished
//!     ▲ ▲                │ lease over,       │  when that was wanted
//!     │ │                │ declined          │  ─────────────▶     stopped, pruned
//!     │ └────────────────┘                   │
//!     │         requeue (attempts left)      │ other exit
//!     ├─────────────────────────── failed ◀──┤
//!     │         requeue (attempts left)      │ lease over
//!     ├────────────────────────── crashed ◀──┤
//!     │         requeue (at the front)       │ node warns
//!     └───────────────────────── preempted ◀─┘
//! ```
//!
//! How many attempts are left depends on the class of the failure. A crashed run whose own attempt
//! is heard of again, and a queued one that nobody else has leased since, go back to running: hours
//! of work saved. What a rule told to end is pruned however it ends, lost by its agent or well. A
//! person's `retry` makes a new attempt from failed, crashed or stopped. A run outside of sweeps is
//! resumed by its program, from any end and while an older attempt still seems to live: that makes
//! a new attempt which runs already.

use super::Refused;

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Waits for an agent.
    Queued,
    /// An agent was told to start it.
    Leased,
    /// Its process is alive, as far as anyone knows.
    Running,
    /// Its node warned that it would take the process away.
    Preempted,
    /// Its lease ran out.
    Crashed,
    /// Its program ended well.
    Finished,
    /// Its program could not start, or ended badly.
    Failed,
    /// A person stopped it.
    Stopped,
    /// A stopping rule ended it.
    Pruned,
}

/// What can happen to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// An agent is told to start it, as a new attempt.
    Lease,
    /// The agent could not take it.
    Decline,
    /// Its process was heard of.
    Heard,
    /// The lease ran out without a word.
    LeaseOver,
    /// Its program ended well.
    Finish,
    /// Its program could not start, or ended badly.
    Fail,
    /// Its end was wanted by a person, and has come.
    Stop,
    /// Its end was wanted by a stopping rule, and has come.
    Prune,
    /// The node takes the process away.
    Preempt,
    /// It goes back to the queue by itself.
    Requeue,
    /// A person wants another attempt.
    Retry,
    /// Its program was started again and goes on with it.
    Resume,
}

impl State {
    /// All states, for tables and tests.
    pub const ALL: [State; 9] = [
        State::Queued,
        State::Leased,
        State::Running,
        State::Preempted,
        State::Crashed,
        State::Finished,
        State::Failed,
        State::Stopped,
        State::Pruned,
    ];

    /// The word that people, rows and messages use.
    pub fn name(self) -> &'static str {
        match self {
            State::Queued => "queued",
            State::Leased => "leased",
            State::Running => "running",
            State::Preempted => "preempted",
            State::Crashed => "crashed",
            State::Finished => "finished",
            State::Failed => "failed",
            State::Stopped => "stopped",
            State::Pruned => "pruned",
        }
    }

    /// The inverse of [`State::name`].
    pub fn from_name(name: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.name() == name)
    }

    /// An agent has it or may have it.
    pub fn is_held(self) -> bool {
        matches!(self, State::Leased | State::Running)
    }

    /// It is not over: it runs, or will run again by itself. A crashed run that may not be requeued
    /// is over.
    pub fn is_live(self) -> bool {
        matches!(self, State::Queued | State::Leased | State::Running | State::Preempted)
    }
}

impl Event {
    /// All events, for tables and tests.
    pub const ALL: [Event; 12] = [
        Event::Lease,
        Event::Decline,
        Event::Heard,
        Event::LeaseOver,
        Event::Finish,
        Event::Fail,
        Event::Stop,
        Event::Prune,
        Event::Preempt,
        Event::Requeue,
        Event::Retry,
        Event::Resume,
    ];

    /// The word that messages use.
    pub fn name(self) -> &'static str {
        match self {
            Event::Lease => "lease",
            Event::Decline => "decline",
            Event::Heard => "heard",
            Event::LeaseOver => "lease over",
            Event::Finish => "finish",
            Event::Fail => "fail",
            Event::Stop => "stop",
            Event::Prune => "prune",
            Event::Preempt => "preempt",
            Event::Requeue => "requeue",
            Event::Retry => "retry",
            Event::Resume => "resume",
        }
    }
}

/// The state after the event.
///
/// # Errors
/// [`Refused`] when the drawing has no such arrow.
pub fn next(state: State, event: Event) -> Result<State, Refused> {
    use {Event as E, State as S};
    Ok(match (state, event) {
        (S::Queued, E::Lease) => S::Leased,
        (S::Queued, E::Heard) => S::Running,
        (S::Queued, E::Stop) => S::Stopped,
        (S::Leased, E::Decline | E::LeaseOver) => S::Queued,
        (S::Leased | S::Crashed, E::Heard) => S::Running,
        (S::Leased | S::Running | S::Crashed, E::Finish) => S::Finished,
        (S::Leased | S::Running | S::Crashed, E::Fail) => S::Failed,
        (S::Leased | S::Running | S::Crashed, E::Stop) => S::Stopped,
        (S::Running | S::Crashed, E::Prune) => S::Pruned,
        (S::Leased | S::Running, E::Preempt) => S::Preempted,
        (S::Running, E::LeaseOver) => S::Crashed,
        (S::Preempted | S::Crashed | S::Failed, E::Requeue) => S::Queued,
        (S::Failed | S::Crashed | S::Stopped, E::Retry) => S::Queued,
        (S::Running | S::Crashed | S::Finished | S::Failed | S::Stopped, E::Resume) => S::Running,
        _ => return Err(Refused { what: "run", state: state.name(), event: event.name() }),
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
                        &format!("{:<10} {:<11} -> {}\n", state.name(), event.name(), after.name());
                }
            }
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn names_are_unique_and_read_back() {
        for state in State::ALL {
            assert_eq!(State::from_name(state.name()), Some(state));
        }
    }
}
