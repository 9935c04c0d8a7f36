//! Counts how often each arrow of the state machines was taken, and finds the arrows that were
//! never taken.

use std::collections::BTreeMap;

use probes::Arrow;
use sweeps::lifecycle::{run, sweep};

/// The arrows that only W&B's client causes, by `run.update_state`. The simulated programs do not
/// speak its protocol. The tests in `tests/wandb` take these arrows.
const OF_WANDB: [Arrow; 2] = [("run", "queued", "fail"), ("run", "queued", "resume")];

/// The number of times that each arrow was taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrows(BTreeMap<Arrow, u64>);

impl Arrows {
    /// Returns the arrows that were taken in this thread since the last call.
    pub(crate) fn taken() -> Self {
        Self(probes::arrows())
    }

    /// Adds the counts of another simulation.
    pub fn add(&mut self, other: &Self) {
        for (arrow, times) in &other.0 {
            *self.0.entry(*arrow).or_default() += times;
        }
    }

    /// Returns all arrows, those of runs first. Each entry has the state machine, the state, the
    /// event, and the number of times that the arrow was taken.
    pub fn table(&self) -> Vec<(&'static str, &'static str, &'static str, u64)> {
        let times =
            |arrow: Arrow| (arrow.0, arrow.1, arrow.2, self.0.get(&arrow).copied().unwrap_or(0));
        all().into_iter().map(times).collect()
    }

    /// Returns the number of leases that ran out.
    pub(crate) fn lost(&self) -> u64 {
        let over = |(arrow, times): (&Arrow, &u64)| {
            (arrow.2 == run::Event::LeaseOver.name()).then_some(*times)
        };
        self.0.iter().filter_map(over).sum()
    }

    /// Returns the arrows that were never taken, except those that only W&B's client causes.
    pub fn missing(&self) -> Vec<Arrow> {
        let was_taken = |arrow: &Arrow| self.0.contains_key(arrow) || OF_WANDB.contains(arrow);
        all().into_iter().filter(|arrow| !was_taken(arrow)).collect()
    }
}

fn all() -> Vec<Arrow> {
    let mut all = Vec::new();
    for state in run::State::ALL {
        let events = run::Event::ALL.into_iter().filter(|event| run::next(state, *event).is_ok());
        all.extend(events.map(|event| ("run", state.name(), event.name())));
    }
    for state in sweep::State::ALL {
        let events =
            sweep::Event::ALL.into_iter().filter(|event| sweep::next(state, *event).is_ok());
        all.extend(events.map(|event| ("sweep", state.name(), event.name())));
    }
    all
}
