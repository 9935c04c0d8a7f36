//! Defines the messages between the agent's loop and a trial. The loop starts a trial through
//! [`Trials`] and hears of it only through [`TrialNews`], so the simulator can put its own programs
//! in a trial's place.

use std::{path::PathBuf, time::Duration};

use proto::v1::{Run, Start};
use tokio::sync::mpsc;

use super::outcome::{Stop, Verdict};
use crate::{
    slots::release::{Answer, Occupancy},
    state::holdings::{Attempt, Holding},
};

/// Runs trials: as real processes under shims, or as programs of the simulator.
pub trait Trials {
    /// Follows a trial to its end, in its own task. Without a start order, it takes over a trial
    /// that an earlier start of this agent has begun.
    fn see_to(&self, trial: Ticket, start: Option<Start>);
    /// Removes the files of an attempt if everything in them has been sent. Otherwise returns the
    /// folder that is left.
    fn forget(&self, attempt: &Attempt, sent: bool) -> Option<PathBuf>;
    /// Starts to report whether these GPUs answer.
    fn watch(&self, devices: Vec<String>, news: mpsc::Sender<TrialNews>);
}

/// One trial, for the task that runs it.
#[derive(Debug)]
pub struct Ticket {
    /// The recorded facts of the trial.
    pub holding: Holding,
    /// The channel for news to the agent.
    pub news: mpsc::Sender<TrialNews>,
    /// The orders to end the trial.
    pub stops: mpsc::Receiver<Stop>,
}

/// The news of a trial. `Launched`, `Started`, `Over`, `Waits` and `Reported` come in this order,
/// `Slot` and `Gpus` between them or later. A trial that was adopted has no `Launched`.
#[derive(Debug)]
pub enum TrialNews {
    /// The shim has been started with this order.
    Launched(Box<Start>),
    /// The program runs. The agent notices this some time after the start, so a short trial does
    /// not send it.
    Started(Attempt),
    /// The slot is not free, or is free again. The first one comes before the end, and only if the
    /// slot is not free by then.
    Slot(Attempt, Occupancy),
    /// Whether these GPUs answer.
    Gpus(Vec<Answer>),
    /// The program has ended. It comes again, as lost, if the controller does not take the end.
    Over {
        /// The attempt.
        attempt: Attempt,
        /// The meaning of the end.
        verdict: Verdict,
        /// How long the trial ran.
        ran: Duration,
    },
    /// The controller answers but does not take the rest now. It comes at most once.
    Waits {
        /// The attempt.
        attempt: Attempt,
        /// The bytes of rows that are left.
        bytes: u64,
        /// The controller's message.
        why: String,
    },
    /// Nothing is left to report. It does not come after a decline.
    Reported {
        /// The attempt.
        attempt: Attempt,
        /// The result of the report.
        report: Box<Report>,
    },
}

/// How the controller took an end.
#[derive(Debug, Default)]
pub struct Report {
    /// The run as the controller has it now, unless it did not say.
    pub run: Option<Run>,
    /// A note for the person on this end.
    pub note: String,
    /// The parts that could not be sent, a sentence each. Their files are kept.
    pub problems: Vec<String>,
    /// Whether rows, files or the end are among those parts.
    pub unsent: bool,
    /// Whether everything that the program wrote to its console has been sent.
    pub console_sent: bool,
}
