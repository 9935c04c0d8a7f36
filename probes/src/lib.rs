//! Lets the simulator observe the programs: it counts the transitions of the state machines, and it
//! plants bugs to prove that the simulator finds them. `controller` and `agent` call it. Without
//! the feature `on` every function here is empty and costs nothing. With it, each setting holds for
//! one thread. No program that users run has the feature.

/// A plausible bug: each one removes one thing that the guarantees rest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bug {
    /// The controller takes the rows and the end of an older attempt as if they came from the
    /// newest one.
    NoFence,
    /// The controller stores rows again that are sent again.
    OverlapKept,
    /// The controller answers a call before its effect is on the disk.
    AnswerBeforeCommit,
    /// The database does not wait for the disk.
    NoSync,
    /// A new lease does not raise the attempt.
    AttemptReused,
    /// A change of state counts a run in its new state and still in its old one.
    CountedTwice,
    /// The controller hands out one trial more than the cap.
    CapExceeded,
    /// A sweep finishes while some of its runs are live.
    FinishedWithLiveRuns,
    /// The controller never notices that it has handed out all trials.
    NeverFull,
    /// Leases do not expire.
    EndlessLeases,
    /// A controller that starts gives no lease to the runs that agents hold already.
    LeasesForgotten,
    /// The model does not receive results.
    ResultsIgnored,
    /// The worst run counts as the best.
    WorstIsBest,
    /// A heartbeat does not renew leases.
    LeasesNotRenewed,
    /// The agent puts every trial on its first slot.
    OneSlot,
    /// A restarted agent forgets the trials that it held.
    NothingAdopted,
    /// The agent reports a trial's end without the rows that the trial left.
    EndWithoutRows,
    /// Rows that the controller has not acknowledged count as sent.
    RowsForgotten,
    /// The agent takes a controller that does not know the token for a while as one that refuses
    /// the rows, and reports the end without them.
    SlipGivesUpRows,
    /// Rows that arrive after the end of a trial count for its value.
    LateRowsCount,
    /// The token of an attempt never expires.
    TokensNeverEnd,
    /// The controller writes to a data folder that is gone as if it were there.
    FolderTrusted,
}

impl Bug {
    /// All bugs.
    pub const ALL: [Bug; 22] = [
        Bug::NoFence,
        Bug::OverlapKept,
        Bug::AnswerBeforeCommit,
        Bug::NoSync,
        Bug::AttemptReused,
        Bug::CountedTwice,
        Bug::CapExceeded,
        Bug::FinishedWithLiveRuns,
        Bug::NeverFull,
        Bug::EndlessLeases,
        Bug::LeasesForgotten,
        Bug::ResultsIgnored,
        Bug::WorstIsBest,
        Bug::LeasesNotRenewed,
        Bug::OneSlot,
        Bug::NothingAdopted,
        Bug::EndWithoutRows,
        Bug::RowsForgotten,
        Bug::SlipGivesUpRows,
        Bug::LateRowsCount,
        Bug::TokensNeverEnd,
        Bug::FolderTrusted,
    ];
}

/// A transition of a state machine: "run" or "sweep", the state that it leaves, and the event.
pub type Arrow = (&'static str, &'static str, &'static str);

/// Returns whether this bug is planted.
#[cfg(not(feature = "on"))]
#[inline]
pub const fn planted(_: Bug) -> bool {
    false
}

/// Records that a transition was taken.
#[cfg(not(feature = "on"))]
#[inline]
pub const fn arrow(_: Arrow) {}

#[cfg(feature = "on")]
pub use on::{arrow, arrows, plant, planted};

#[cfg(feature = "on")]
mod on {
    use std::{
        cell::{Cell, RefCell},
        collections::BTreeMap,
    };

    use super::{Arrow, Bug};

    thread_local! {
        static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
        static ARROWS: RefCell<BTreeMap<Arrow, u64>> = const { RefCell::new(BTreeMap::new()) };
    }

    /// Plants a bug in this thread, in place of the previous one. `None` plants none.
    pub fn plant(bug: Option<Bug>) {
        PLANTED.set(bug);
    }

    /// Returns whether this bug is planted in this thread.
    pub fn planted(bug: Bug) -> bool {
        PLANTED.get() == Some(bug)
    }

    /// Records that a transition was taken in this thread.
    pub fn arrow(arrow: Arrow) {
        ARROWS.with_borrow_mut(|arrows| *arrows.entry(arrow).or_default() += 1);
    }

    /// Returns the transitions that this thread has taken since the last call, and how often.
    pub fn arrows() -> BTreeMap<Arrow, u64> {
        ARROWS.with_borrow_mut(std::mem::take)
    }
}
