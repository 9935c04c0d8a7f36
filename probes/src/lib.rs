//! Lets the simulator observe and break the programs. The crate counts the transitions of the state
//! machines, and plants bugs that prove that the simulator finds such bugs. `controller` and
//! `agent` call it. Without the feature `on`, the functions do nothing, report that no bug is
//! planted, and cost nothing. With the feature, a planted bug and the counts belong to one thread.
//! No program that users run has the feature.

/// A plausible bug that the simulator can plant. Each bug removes one safeguard on which Besom's
/// guarantees depend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bug {
    /// The controller treats the rows and the end of an older attempt as if the newest attempt had
    /// sent them.
    NoFence,
    /// If a sender repeats rows, the controller stores them twice.
    OverlapKept,
    /// The controller answers a call before its effect is on the disk.
    AnswerBeforeCommit,
    /// The database does not wait until its changes are on the disk.
    NoSync,
    /// A new lease does not raise the run's attempt number.
    AttemptReused,
    /// A run that has changed its state is counted in the new state and in the old state.
    CountedTwice,
    /// The controller hands out one trial more than `run_cap` or the space allows.
    CapExceeded,
    /// A sweep finishes while some of its runs are live.
    FinishedWithLiveRuns,
    /// The controller does not close a sweep after it has handed out all trials.
    NeverFull,
    /// Leases do not expire.
    EndlessLeases,
    /// A controller that restarts gives no lease to the runs that agents held before.
    LeasesForgotten,
    /// The search does not receive the results of trials.
    ResultsIgnored,
    /// The comparison of values is reversed, so the worst run of a sweep counts as its best.
    WorstIsBest,
    /// A heartbeat does not renew leases.
    LeasesNotRenewed,
    /// The agent starts every trial on its first slot.
    OneSlot,
    /// A restarted agent does not adopt the trials that it held before.
    NothingAdopted,
    /// The agent reports a trial's end before it has sent the rows that the trial left in its
    /// journals.
    EndWithoutRows,
    /// The agent treats rows as sent although the controller did not answer.
    RowsForgotten,
    /// If the controller does not know the token for a while, the agent gives up the rows and
    /// reports the trial's end without them.
    SlipGivesUpRows,
    /// Rows that arrive after the end of a trial still change its value.
    LateRowsCount,
    /// The token of a run stays valid after the run's attempt is over.
    TokensNeverEnd,
    /// The controller continues to write after its data folder was removed or replaced.
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

/// A transition of a state machine: the machine ("run" or "sweep"), the state before the
/// transition, and the event.
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

    /// Returns the transitions that this thread has recorded since the last call, and how often
    /// each.
    pub fn arrows() -> BTreeMap<Arrow, u64> {
        ARROWS.with_borrow_mut(std::mem::take)
    }
}
