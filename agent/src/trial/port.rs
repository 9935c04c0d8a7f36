//! Defines the messages between the agent's loop and a trial. The loop starts a trial through
//! [`Trials`] and gets only [`TrialNews`] from it, so the simulator can run its own programs as
//! trials.

use std::{path::PathBuf, time::Duration};

use proto::v1::{Run, Start};
use record::ids::Attempt;
use tokio::sync::mpsc;

use super::outcome::{Stop, Verdict};
use crate::{
    slots::release::{Answer, Occupancy},
    state::holdings::Holding,
};

/// A way to run trials: as real processes under shims, or as programs of the simulator.
pub trait Trials {
    /// Follows a trial to its end, in its own task. Without a start order, it takes over a trial
    /// that an earlier start of this agent has begun.
    fn see_to(&self, trial: Ticket, start: Option<Start>);
    /// Removes the files of an attempt if everything in them has been sent (`sent`). Without
    /// `sent`, keeps the files, and returns the attempt's folder if the folder exists.
    fn forget(&self, attempt: &Attempt, sent: bool) -> Option<PathBuf>;
    /// Starts a task that reports again and again whether these GPUs answer.
    fn watch(&self, devices: Vec<String>, news: mpsc::Sender<TrialNews>);
}

/// The parts that the task of one trial gets from the loop.
#[derive(Debug)]
pub struct Ticket {
    /// The recorded facts of the trial.
    pub holding: Holding,
    /// The channel to the agent's loop.
    pub news: mpsc::Sender<TrialNews>,
    /// The orders to end the trial.
    pub stops: mpsc::Receiver<Stop>,
}

/// A message from a trial's task to the agent's loop. `Launched`, `Started`, `Over`, `Waits` and
/// `Reported` come in this order. `Slot` and `Gpus` may come at any time. A trial that was adopted
/// sends neither `Launched` nor `Started`.
#[derive(Debug)]
pub enum TrialNews {
    /// The shim has been started with this order.
    Launched(Box<Start>),
    /// The program runs. The trial's task checks this only from time to time, so a short trial may
    /// end without this message.
    Started(Attempt),
    /// The occupancy of the trial's slot. The first such message says that the slot is taken. This
    /// first message comes before `Over`, and only if the trial has not left its slot by then.
    Slot(Attempt, Occupancy),
    /// Whether these GPUs answer.
    Gpus(Vec<Answer>),
    /// The program has ended. A second `Over`, with [`Verdict::Lost`], follows if rows are missing
    /// or the controller refuses the end.
    Over {
        /// The attempt.
        attempt: Attempt,
        /// The meaning of the end.
        verdict: Verdict,
        /// How long the trial ran.
        ran: Duration,
    },
    /// The controller answers, but does not take the rest of the trial's data now. This message
    /// comes at most once per trial.
    Waits {
        /// The attempt.
        attempt: Attempt,
        /// The bytes of rows that are left.
        bytes: u64,
        /// The controller's message.
        why: String,
    },
    /// The report is done: everything was sent, or `report` says what was not. After a decline this
    /// message does not come.
    Reported {
        /// The attempt.
        attempt: Attempt,
        /// The result of the report.
        report: Box<Report>,
    },
}

/// The result of reporting an end to the controller.
#[derive(Debug, Default)]
pub struct Report {
    /// The run as the controller has returned it in its answer to the end. `None` without such an
    /// answer.
    pub run: Option<Run>,
    /// The controller's note on this end, for the person.
    pub note: String,
    /// A sentence for each part that could not be read or sent. The attempt's files are kept if
    /// there is one.
    pub problems: Vec<String>,
    /// Whether rows, files or the end could not be sent.
    pub unsent: bool,
    /// Whether every line that the program wrote to its console has become a row.
    pub console_sent: bool,
}
