//! Where the simulator looks into the programs: it counts the arrows of the state machines that are
//! taken, and plants bugs, to prove that it would find them. Called by `controller` and `agent`.
//! Without the feature `on` every function here is empty and costs nothing; with it, what is
//! switched on holds for one thread. Nothing here is ever on in a program for people.

/// A bug that somebody could have written: each removes one thing that the promises rest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bug {
    /// An older attempt's rows and end are taken as if they were the newest one's.
    NoFence,
    /// Rows that are sent again are stored again.
    OverlapKept,
    /// A caller is answered before what it asked for is on the disk.
    AnswerBeforeCommit,
    /// The database does not wait for the disk.
    NoSync,
    /// A new lease does not raise the attempt.
    AttemptReused,
    /// A change of state counts a run in its new state, and still in its old one.
    CountedTwice,
    /// One trial more than the cap is handed out.
    CapExceeded,
    /// A sweep finishes while some of its runs are live.
    FinishedWithLiveRuns,
    /// Nobody notices that all trials have been handed out.
    NeverFull,
    /// Leases do not run out.
    EndlessLeases,
    /// A controller that starts gives no lease to what is held already.
    LeasesForgotten,
    /// A model is not told of results.
    ResultsIgnored,
    /// The worst run counts as the best.
    WorstIsBest,
    /// A heartbeat renews no lease.
    LeasesNotRenewed,
    /// The agent puts every trial on its first slot.
    OneSlot,
    /// A restarted agent forgets what it held.
    NothingAdopted,
    /// A trial's end is told without the rows that it left.
    EndWithoutRows,
    /// Rows that were not answered count as sent.
    RowsForgotten,
    /// A controller that does not know the token for a while has refused the rows, and the end is
    /// told over them.
    SlipGivesUpRows,
    /// Rows that come after the end of a trial count for its value.
    LateRowsCount,
    /// The token of an attempt opens its run for ever.
    TokensNeverEnd,
    /// A data folder that is gone is written to as if it were there.
    FolderTrusted,
}

impl Bug {
    /// All of them.
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

/// An arrow of a state machine: "run" or "sweep", the state that it leaves, and the event.
pub type Arrow = (&'static str, &'static str, &'static str);

/// Whether this bug is planted.
#[cfg(not(feature = "on"))]
#[inline]
pub const fn planted(_: Bug) -> bool {
    false
}

/// An arrow was taken.
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

    /// Plants a bug in this thread, in place of the one before.
    pub fn plant(bug: Option<Bug>) {
        PLANTED.set(bug);
    }

    /// Whether this bug is planted in this thread.
    pub fn planted(bug: Bug) -> bool {
        PLANTED.get() == Some(bug)
    }

    /// An arrow was taken in this thread.
    pub fn arrow(arrow: Arrow) {
        ARROWS.with_borrow_mut(|arrows| *arrows.entry(arrow).or_default() += 1);
    }

    /// The arrows that were taken in this thread since the last call, and how often.
    pub fn arrows() -> BTreeMap<Arrow, u64> {
        ARROWS.with_borrow_mut(std::mem::take)
    }
}
