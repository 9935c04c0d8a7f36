//! Computes suggestions again from the database and compares them with the stored ones. The
//! proposals of a sweep depend on its stored configuration, seed, warm-start trials and events, and
//! on the build and SIMD level that compute them. The handlers in `api` call this module for users
//! and tests. This module changes nothing.

use std::{collections::HashSet, sync::Arc};

use ::sweeps::search;
use record::ids::SweepId;

use super::{enqueue, known::Known, plan::Plan, stored};
use crate::{
    app::{
        App,
        error::Error,
        people::{
            caller::{Caller, Right},
            permit,
        },
    },
    store::{self, events::TrialEvent, runs::Run},
};

/// The findings of a replay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Replayed {
    /// The number of trials whose suggestion came out the same, bit by bit.
    pub(crate) equal: u64,
    /// The number of trials that another build or SIMD level proposed. The replay does not compare
    /// these trials.
    pub(crate) incomparable: u64,
    /// One text for each trial whose suggestion came out different: the trial's number and both
    /// points.
    pub(crate) different: Vec<String>,
}

/// Replays the trials with these numbers, or all trials of the sweep if `numbers` is empty.
///
/// # Errors
/// Fails with [`Error::Missing`] if the sweep, or a trial of it, does not exist.
pub(crate) async fn replay(
    app: &Arc<App>,
    caller: &Caller,
    sweep: SweepId,
    numbers: Vec<u64>,
) -> Result<Replayed, Error> {
    permit::sweep(app, caller, Right::See, &sweep).await?;
    let wanted: HashSet<u64> = numbers.into_iter().collect();
    app.read(move |tx, app| {
        let progress = stored::progress(tx, &sweep)?;
        if let Some(missing) = wanted.iter().find(|number| **number >= progress.next_trial) {
            return Err(Error::missing(format!("no trial {missing} in the sweep `{sweep}`")));
        }
        let plan = app.plans.get(tx, &sweep)?;
        let told = match plan.needs_history() {
            true => store::events::of_trials(tx, &sweep, 0, store::events::last(tx)?)?,
            false => Vec::new(),
        };
        let history = enqueue::taken(tx, &plan)?;
        let mut replay = Replay {
            plan,
            told: told.into_iter().peekable(),
            known: Known { history, ..Known::default() },
            engine: search::engine(),
        };
        let (mut found, mut from) = (Replayed::default(), 0);
        while from < progress.next_trial {
            let page = store::runs::page(tx, &sweep, from, app.settings.limits.page)?;
            from += page.len().max(1) as u64;
            for run in page
                .iter()
                .filter(|run| wanted.is_empty() || run.trial.is_some_and(|n| wanted.contains(&n)))
            {
                replay.compare(run, &mut found)?;
            }
        }
        Ok(found)
    })
    .await
}

struct Replay {
    plan: Arc<Plan>,
    told: std::iter::Peekable<std::vec::IntoIter<TrialEvent>>,
    known: Known,
    engine: String,
}

impl Replay {
    /// Compares the computed suggestion of one trial with the stored one. The caller passes trials
    /// in the order of their numbers. So the number of the newest event that each search knew never
    /// falls.
    fn compare(&mut self, run: &Run, found: &mut Replayed) -> Result<(), Error> {
        let study = &self.plan.study;
        let number = run.trial.unwrap_or_default();
        while let Some(event) = self.told.next_if(|event| event.number <= run.suggestion.seen) {
            self.known.fold(&event, &study.space)?;
        }
        if run.suggestion.engine.as_ref() != Some(&self.engine) {
            found.incomparable += 1;
            return Ok(());
        }
        let again = search::propose(study, number, &self.known.history);
        let point = again.as_ref().ok().map(|again| again.point.to_json(&study.space).to_string());
        let fit =
            again.as_ref().ok().and_then(|again| again.fit.as_ref()).map(serde_json::to_string);
        let fit = fit
            .transpose()
            .map_err(|error| Error::Bug(format!("a fit cannot be written: {error}")))?;
        if point.as_ref() == Some(&run.config) && fit == run.suggestion.fit {
            found.equal += 1;
        } else {
            let point = point.unwrap_or_else(|| "none".to_owned());
            found
                .different
                .push(format!("trial {number}: stored {}, computed {point}", run.config));
        }
        Ok(())
    }
}
