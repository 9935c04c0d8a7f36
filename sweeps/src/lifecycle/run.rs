//! Defines the life of a run.
//!
//! ```text
//!             lease                 started            exit 0
//!   queued ──────────▶ leased ──────────▶ running ──────────────▶ finished
//!     ▲ ▲                │ lease over,       │  the end was wanted
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
//! The class of the failure decides how many attempts are left. A crashed run becomes running again
//! when the controller hears from the crashed attempt again. A queued run does so too, if no other
//! agent has leased the run in the meantime. So a trial that was only believed lost keeps its work.
//! A run that a stopping rule ended becomes pruned, even if its agent was lost or its program ended
//! well. A person's `retry` requests a new attempt of a failed, crashed or stopped run. The program
//! of a run outside of sweeps can resume the run after any end, and even while an older attempt
//! still seems to be alive. This `resume` makes a new attempt, which runs at once. A person can put
//! a run outside of sweeps back into the queue, where it waits for its program, and can give up a
//! run that waits. The diagram leaves some arrows out; [`next`] has all of them.

use super::Refused;

/// The state of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// The run waits for an agent.
    Queued,
    /// The controller has leased the run to an agent, and has not heard from the run's program yet.
    Leased,
    /// The run's process is alive, as far as the controller knows.
    Running,
    /// The node warned that it would end the process.
    Preempted,
    /// The controller lost the newest attempt: its lease ran out, its agent no longer has it, or
    /// its GPU does not respond.
    Crashed,
    /// The program ended without an error.
    Finished,
    /// The program could not start, or ended with an error.
    Failed,
    /// A person stopped the run.
    Stopped,
    /// A stopping rule ended the run.
    Pruned,
}

/// An event in the life of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// An agent gets the order to start the run, as a new attempt.
    Lease,
    /// The agent could not take the run.
    Decline,
    /// The controller heard from the run's process.
    Heard,
    /// The controller takes the attempt from its agent or program: the lease ran out, the agent no
    /// longer has the attempt, or its GPU does not respond.
    LeaseOver,
    /// The program ended without an error.
    Finish,
    /// The program could not start, or ended with an error.
    Fail,
    /// The run ended after a person asked for its end.
    Stop,
    /// The run ended after a stopping rule asked for its end.
    Prune,
    /// The node warned that it will end the process.
    Preempt,
    /// The controller puts the run back into the queue for another attempt.
    Requeue,
    /// A person asks for another attempt.
    Retry,
    /// The program of a run outside of sweeps was started again and continues the run.
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

    /// Returns the word that users, rows and messages use.
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

    /// Returns the state with this name, or `None` if there is none.
    pub fn from_name(name: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Returns whether an agent or a program holds the run, as far as the controller knows.
    pub fn is_held(self) -> bool {
        matches!(self, State::Leased | State::Running)
    }

    /// Returns whether the run is not over: it runs, or waits for an agent. A failed or crashed run
    /// counts as over, since the controller requeues a run with attempts left at once.
    pub fn is_live(self) -> bool {
        matches!(self, State::Queued | State::Leased | State::Running | State::Preempted)
    }
}

/// The reason why a run should end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// A user cancelled the run's sweep.
    Cancelled,
    /// A stopping rule decided that the run has to end.
    Pruned,
}

impl StopReason {
    /// Returns the word that rows and messages use.
    pub fn name(self) -> &'static str {
        match self {
            StopReason::Cancelled => "cancelled",
            StopReason::Pruned => "pruned",
        }
    }

    /// Returns the reason with this name, or `None` if there is none.
    pub fn from_name(name: &str) -> Option<StopReason> {
        [StopReason::Cancelled, StopReason::Pruned].into_iter().find(|why| why.name() == name)
    }

    /// Returns the event for the end of a run that was asked to end for this reason.
    pub fn end(self) -> Event {
        match self {
            StopReason::Cancelled => Event::Stop,
            StopReason::Pruned => Event::Prune,
        }
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

    /// Returns the word that messages use.
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

/// Returns the state after the event.
///
/// # Errors
/// Fails with [`Refused`] if the event does not apply to the state.
pub fn next(state: State, event: Event) -> Result<State, Refused> {
    use {Event as E, State as S};
    Ok(match (state, event) {
        (S::Queued, E::Lease) => S::Leased,
        (S::Queued, E::Heard) => S::Running,
        (S::Queued, E::Stop) => S::Stopped,
        (S::Leased, E::Decline | E::LeaseOver) => S::Queued,
        (S::Leased | S::Crashed, E::Heard) => S::Running,
        (S::Leased | S::Running | S::Crashed, E::Finish) => S::Finished,
        (S::Queued | S::Leased | S::Running | S::Crashed, E::Fail) => S::Failed,
        (S::Leased | S::Running | S::Crashed, E::Stop) => S::Stopped,
        (S::Running | S::Crashed, E::Prune) => S::Pruned,
        (S::Leased | S::Running, E::Preempt) => S::Preempted,
        (S::Running, E::LeaseOver) => S::Crashed,
        (S::Preempted | S::Crashed | S::Failed, E::Requeue) => S::Queued,
        (S::Failed | S::Crashed | S::Stopped, E::Retry) => S::Queued,
        (S::Queued | S::Running | S::Crashed | S::Finished | S::Failed | S::Stopped, E::Resume) => {
            S::Running
        }
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
