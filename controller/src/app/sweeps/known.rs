//! Keeps what the proposer of a sweep knows: the sweep's history, built from its events, and a
//! proposal that has no trial yet. All of this is a cache: it can be computed again from the
//! database. `app::sweeps::suggest` uses this cache. `app::sweeps::replay` and
//! `app::sweeps::explain` build such a history from the events themselves.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use record::ids::SweepId;
use sweeps::{
    history::{History, Outcome as Came, Trial},
    point::Point,
    search::{self, Exhausted},
    space::Space,
};
use tokio::sync::Mutex as AsyncMutex;

use crate::{
    app::error::Error,
    store::events::{Kind, TrialEvent},
};

/// The proposers of the sweeps whose search needs a model, by sweep id.
#[derive(Debug, Default)]
pub(in crate::app) struct Searches(Mutex<HashMap<SweepId, Arc<AsyncMutex<Known>>>>);

/// The knowledge of a proposer: the history from its sweep's events up to the number `seen`, and a
/// proposal.
#[derive(Debug, Default)]
pub(in crate::app) struct Known {
    /// The number of the newest event in the history.
    pub(in crate::app) seen: i64,
    /// The trials of the sweep, as the events describe them.
    pub(in crate::app) history: History,
    /// The newest proposal, as long as its trial does not exist; `None` if there is no such
    /// proposal.
    pub(super) ready: Option<Ready>,
}

/// A proposal whose trial may not exist yet. The proposal outlives the heartbeat that asked for it,
/// because a newer heartbeat may supersede that one during the search. If the proposal were lost, a
/// search that takes longer than agents wait would never hand out a trial.
#[derive(Clone, Debug)]
pub(super) struct Ready {
    /// The number of the proposed trial.
    pub(super) number: u64,
    /// The proposed point, or the fact that the space has no point left.
    pub(super) suggestion: Result<search::Suggestion, Exhausted>,
    /// The number of the newest event that the search knew. The trial's row stores this number, so
    /// that the proposal can be replayed.
    pub(super) seen: i64,
}

impl Searches {
    pub(super) fn of(&self, sweep: &SweepId) -> Arc<AsyncMutex<Known>> {
        let mut searches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        searches.entry(sweep.clone()).or_default().clone()
    }

    /// Returns the proposal for this trial that waits for an agent. Returns `None` if there is
    /// none, or if a search is under way.
    pub(super) fn ready(&self, sweep: &SweepId, number: u64) -> Option<Ready> {
        let known = {
            let searches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            searches.get(sweep)?.clone()
        };
        let known = known.try_lock().ok()?;
        known.ready.clone().filter(|ready| ready.number == number)
    }

    /// Forgets the knowledge of a sweep's proposer. The knowledge can be computed again from the
    /// events.
    pub(in crate::app) fn forget(&self, sweep: &SweepId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(sweep);
    }
}

impl Known {
    /// Adds one event to the history. The caller passes events in the order of their numbers.
    pub(in crate::app) fn fold(&mut self, event: &TrialEvent, space: &Space) -> Result<(), Error> {
        let trials = &mut self.history.trials;
        let place = usize::try_from(event.trial).unwrap_or(usize::MAX);
        let lost =
            || Error::Bug(format!("event {} does not fit the history of its sweep", event.number));
        match (event.kind, &event.created) {
            (Kind::TrialCreated, Some((config, fit))) if place == trials.len() => {
                let config = serde_json::from_str(config).map_err(|_| lost())?;
                let point = Point::from_json(space, &config).ok_or_else(lost)?;
                let fit =
                    fit.as_deref().map(serde_json::from_str).transpose().map_err(|_| lost())?;
                trials.push(Trial::pending(point, fit));
            }
            (Kind::RunEnded | Kind::RunCorrected, _) => {
                let came = if event.pruned { Came::Pruned } else { Came::Value };
                let trial = trials.get_mut(place).ok_or_else(lost)?;
                trial.outcome = event.value.map_or(Came::Failed, came);
                trial.rungs.clone_from(&event.rungs);
                trial.constrained.clone_from(&event.constrained);
            }
            (Kind::RunReopened, _) => {
                let trial = trials.get_mut(place).ok_or_else(lost)?;
                trial.outcome = Came::Pending;
                trial.rungs.clear();
                trial.constrained.clear();
            }
            _ => return Err(lost()),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ::sweeps::history::Rung;

    use super::*;

    #[test]
    fn folding_events_gives_a_trial_its_rungs_and_whether_a_rule_stopped_it() {
        let space = Space { parameters: Vec::new() };
        let mut known = Known::default();
        let told = |kind, value, pruned, rungs: &[(u64, f64)]| TrialEvent {
            number: 1,
            kind,
            trial: 0,
            value,
            constrained: if kind == Kind::RunEnded { vec![value] } else { Vec::new() },
            pruned,
            rungs: rungs
                .iter()
                .map(|(iteration, value)| Rung { iteration: *iteration, value: *value })
                .collect(),
            created: (kind == Kind::TrialCreated).then(|| ("{}".to_owned(), None)),
        };
        known.fold(&told(Kind::TrialCreated, None, false, &[]), &space).unwrap();
        known.fold(&told(Kind::RunEnded, Some(0.5), true, &[(3, 0.9), (9, 0.5)]), &space).unwrap();
        let trial = &known.history.trials[0];
        assert_eq!(
            (trial.outcome, trial.rungs.len(), trial.rungs[1].value),
            (Came::Pruned(0.5), 2, 0.5)
        );
        assert_eq!(trial.constrained, [Some(0.5)]);
        known.fold(&told(Kind::RunReopened, None, false, &[]), &space).unwrap();
        let trial = &known.history.trials[0];
        assert!(
            trial.rungs.is_empty() && trial.constrained.is_empty(),
            "a new attempt starts its rungs anew"
        );
        known.fold(&told(Kind::RunEnded, Some(0.4), false, &[(3, 0.4)]), &space).unwrap();
        let trial = &known.history.trials[0];
        assert_eq!((trial.outcome, trial.rungs.len()), (Came::Value(0.4), 1));
        known.fold(&told(Kind::RunEnded, None, true, &[]), &space).unwrap();
        assert_eq!(known.history.trials[0].outcome, Came::Failed, "pruned without a value");
    }
}
