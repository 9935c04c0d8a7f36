//! What the agent's loop and a trial say to each other. The loop starts a trial through [`Trials`]
//! and hears of it through [`News`] alone, so that the simulator can put programs of its own in a
//! trial's place.

use std::{path::PathBuf, time::Duration};

use proto::v1::{Run, Start};
use tokio::sync::mpsc;

use super::outcome::{Stop, Verdict};
use crate::{
    slots::release::{Answer, Occupancy},
    state::holdings::{Attempt, Holding},
};

/// Who runs trials: real processes under shims, or the simulator's.
pub trait Trials {
    /// Sees a trial to its end, in a task of its own. Without a start order it is one that an
    /// earlier start of this agent has begun, and is taken over.
    fn see_to(&self, trial: Ticket, start: Option<Start>);
    /// Removes what is kept of an attempt of which everything has been sent; says what is left
    /// otherwise.
    fn forget(&self, attempt: &Attempt, sent: bool) -> Option<PathBuf>;
    /// Tells from now on whether these GPUs answer.
    fn watch(&self, devices: Vec<String>, news: mpsc::Sender<News>);
}

/// One trial, for who sees to it.
#[derive(Debug)]
pub struct Ticket {
    /// What is known of it.
    pub holding: Holding,
    /// Where news go.
    pub news: mpsc::Sender<News>,
    /// Orders to end it.
    pub stops: mpsc::Receiver<Stop>,
}

/// What the agent hears of a trial, in this order.
#[derive(Debug)]
pub enum News {
    /// Its shim has been started with this.
    Launched(Box<Start>),
    /// The program runs: it was seen some time after its start, so a short trial says nothing of
    /// the kind.
    Started(Attempt),
    /// Its slot is not free, or free again. Comes before the end for the first time, and only if it
    /// is not free by then.
    Slot(Attempt, Occupancy),
    /// Whether these GPUs answer.
    Gpus(Vec<Answer>),
    /// Its program has ended. Comes again, as lost, when the controller does not take the end.
    Over {
        /// Which.
        attempt: Attempt,
        /// What that means.
        verdict: Verdict,
        /// How long it ran.
        ran: Duration,
    },
    /// The controller is there and does not take the rest now. Comes once at most.
    Waits {
        /// Which.
        attempt: Attempt,
        /// Bytes of rows that are left.
        bytes: u64,
        /// What the controller said.
        why: String,
    },
    /// Nothing is left to tell; does not come after a decline.
    Reported {
        /// Which.
        attempt: Attempt,
        /// What the controller said.
        report: Box<Report>,
    },
}

/// How an end was taken.
#[derive(Debug, Default)]
pub struct Report {
    /// The run as the controller has it now, unless it did not say.
    pub run: Option<Run>,
    /// What the person should know of this end.
    pub note: String,
    /// What could not be sent, a sentence each; the files are then kept.
    pub problems: Vec<String>,
    /// Rows, files or the end are among that.
    pub unsent: bool,
    /// Everything that the program wrote to its console has been sent.
    pub console_sent: bool,
}
