//! Says which points the search of a sweep would hand out next, given all that is known now. The
//! handlers in `api` call this module for users. The points are those that agents get if nothing
//! happens in between: the same seed, the same trial numbers, and each point knows the ones before
//! it as pending. This module stores nothing and changes nothing.

use std::sync::Arc;

use ::sweeps::{
    history::Trial,
    lifecycle::sweep::Closing,
    search::{self, Suggestion},
};
use record::ids::SweepId;

use super::{
    enqueue, explain,
    explained::Ahead,
    known::{Known, Ready},
    plan::Plan,
    stored,
};
use crate::{
    app::{
        App,
        error::Error,
        people::{
            caller::{Caller, Right},
            permit,
        },
    },
    store::{self, sweeps::Progress},
};

/// The points that come next.
#[derive(Clone, Debug)]
pub(crate) struct Proposals {
    /// The plan of the sweep.
    pub(crate) plan: Arc<Plan>,
    /// The number of the first of these trials.
    pub(crate) first: u64,
    /// The number of trials that have ended.
    pub(crate) ended: u64,
    /// The number of trials that have been handed out and have not ended.
    pub(crate) pending: u64,
    /// The points, the next one first.
    pub(crate) suggestions: Vec<Suggestion>,
    /// Why the list is empty; `None` if it has a point.
    pub(crate) nothing: Option<&'static str>,
}

/// What is known before the search proposes.
struct Now {
    plan: Arc<Plan>,
    progress: Progress,
    newest: i64,
    known: Known,
}

/// Returns at most `count` points. A sweep that wants no new trials has none.
///
/// # Errors
/// Fails with [`Error::Missing`] if the sweep does not exist.
pub(crate) async fn ahead(
    app: &Arc<App>,
    caller: &Caller,
    sweep: SweepId,
    count: usize,
) -> Result<Proposals, Error> {
    permit::sweep(app, caller, Right::See, &sweep).await?;
    let look = app.read(move |tx, app| {
        let progress = stored::progress(tx, &sweep)?;
        let plan = app.plans.get(tx, &sweep)?;
        let newest = store::events::newest_result(tx, &sweep)?;
        let mut known = match plan.needs_history() && refusal(&plan, &progress).is_none() {
            true => explain::known(tx, &plan, store::events::last(tx)?)?,
            false => Known::default(),
        };
        // The trials that come next take the points that wait.
        known.history.queued = enqueue::taken(tx, &plan)?.queued;
        let waiting = (progress.next_trial..).zip(enqueue::waiting(tx, &plan)?);
        known.history.queued.extend(waiting);
        Ok(Now { plan, progress, newest, known })
    });
    let now = look.await?;
    let (plan, first) = (now.plan.clone(), now.progress.next_trial);
    let left = plan.bound(now.progress.cap).map_or(u64::MAX, |bound| bound.saturating_sub(first));
    let count = count.min(usize::try_from(left).unwrap_or(usize::MAX));
    let pending = now.progress.live();
    let mut found = Proposals {
        plan,
        first,
        ended: first - pending,
        pending,
        suggestions: Vec::new(),
        nothing: refusal(&now.plan, &now.progress),
    };
    if found.nothing.is_none() && count > 0 {
        found.suggestions = match now.plan.needs_history() {
            true => by_model(app, now, count).await?,
            false => search::ahead(&now.plan.study, first, now.known.history, count),
        };
        found.nothing =
            found.suggestions.is_empty().then_some("every point of the space has been handed out");
    }
    Ok(found)
}

/// Says why a sweep hands out no new trials; `None` if it does.
fn refusal(plan: &Plan, progress: &Progress) -> Option<&'static str> {
    let is_full = plan.bound(progress.cap).is_some_and(|bound| progress.next_trial >= bound);
    match progress.closing {
        _ if progress.state.is_over() => Some("the sweep is over"),
        Some(Closing::Space) => Some("every point of the space has been handed out"),
        Some(_) => Some("the sweep wants no new trials"),
        None => is_full.then_some("the sweep has all of its trials"),
    }
}

/// Lets the search propose, unless others have asked the same.
async fn by_model(app: &Arc<App>, now: Now, count: usize) -> Result<Vec<Suggestion>, Error> {
    let first = now.progress.next_trial;
    let mut kept = app.explained.of(&now.plan.id).lock_owned().await;
    let queued = now.known.history.queued.len();
    let is_same = |ahead: &&Ahead| {
        let told = (ahead.newest, ahead.first, ahead.queued);
        told == (now.newest, first, queued) && ahead.count >= count
    };
    if let Some(ahead) = kept.ahead.as_ref().filter(is_same) {
        return Ok(ahead.suggestions.iter().take(count).cloned().collect());
    }
    // A proposal that waits for an agent does not come next if people have queued a point.
    let is_queued = now.known.history.queued.contains_key(&first);
    let waiting = app.searches.ready(&now.plan.id, first).filter(|_| !is_queued);
    let failed = |error: &dyn std::fmt::Display| Error::Bug(format!("a search failed: {error}"));
    let permit = app.explaining.clone().acquire_owned().await.map_err(|closed| failed(&closed))?;
    let proposing = app.threads.run(move || {
        let _permit = permit;
        let suggestions = Arc::new(propose(&now, waiting, count));
        let Now { newest, .. } = now;
        kept.ahead = Some(Ahead { newest, first, queued, count, suggestions: suggestions.clone() });
        suggestions
    });
    Ok(proposing.await.map_err(|error| failed(&error))?.to_vec())
}

/// Returns the points. An agent that comes next gets a proposal that already waits, so it is first.
fn propose(now: &Now, waiting: Option<Ready>, count: usize) -> Vec<Suggestion> {
    let (study, number) = (&now.plan.study, now.progress.next_trial);
    let Some(Ready { suggestion, .. }) = waiting else {
        return search::ahead(study, number, now.known.history.clone(), count);
    };
    let Ok(first) = suggestion else { return Vec::new() };
    let mut history = now.known.history.clone();
    history.trials.push(Trial::pending(first.point.clone(), first.fit.clone()));
    let mut all = vec![first];
    all.extend(search::ahead(study, number + 1, history, count - 1));
    all
}
