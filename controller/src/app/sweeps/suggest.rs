//! Hands out trials: queued runs first, then queued points, then points of the search. A queued
//! point, and grid, random and Sobol search need no results, so they propose inside the
//! transaction. A model needs the whole history, so it proposes off the async threads and outside
//! of any transaction. Each sweep has one proposer. `app::agents::orders` and
//! `app::agents::heartbeat` use this module. All data that this module keeps in memory can be
//! computed again from the database.

use std::sync::Arc;

use probes::{Bug, planted};
use record::ids::SweepId;
use sweeps::{
    lifecycle::{
        run::State,
        sweep::{self, Closing},
    },
    search::{self, Exhausted},
};
use tokio::{sync::OwnedMutexGuard, time::Instant};

use super::{
    enqueue,
    known::{Known, Ready},
    plan::Plan,
};
use crate::{
    app::{
        App,
        agents::{messages::Beat, registry},
        change::Change,
        error::Error,
    },
    store::{
        self,
        events::Kind,
        runs::{Most, Run, Suggestion},
    },
};

/// The runs that one call of [`hand_out`] has handed out.
#[derive(Debug, Default)]
pub(in crate::app) struct HandedOut {
    /// The runs that are now leased to the agent.
    pub(in crate::app) runs: Vec<Run>,
    /// Whether the agent has room for another run, which a model has to propose.
    pub(in crate::app) wants_model: bool,
}

/// Leases runs of a sweep to an agent, at most as many as `most` allows: queued runs first, then
/// new trials. Leases none while the sweep is paused or over, the disk is full, or the data folder
/// is lost or damaged.
pub(in crate::app) fn hand_out(
    change: &mut Change<'_>,
    sweep: &SweepId,
    agent: &str,
    mut most: Most,
) -> Result<HandedOut, Error> {
    let mut handed = HandedOut::default();
    let held_back = change.app.full.is_full() || change.app.loss.is_total();
    if most.runs == 0 || most.bytes == 0 || held_back || !hands_out(change, sweep)? {
        return Ok(handed);
    }
    if change.progress(sweep)?.queued > 0 {
        handed.runs = store::runs::queued(change.tx, sweep, most)?.runs;
        for run in &mut handed.runs {
            change.lease(run, agent)?;
            most.take(run);
        }
    }
    let plan = change.plan(sweep)?;
    let mut history = None;
    while most.runs > 0 && most.bytes > 0 && wants_new(change, &plan)? {
        let number = change.progress(sweep)?.next_trial;
        let queued = enqueue::take(change, &plan, number)?;
        if queued.is_none() && plan.needs_history() {
            handed.wants_model = true;
            break;
        }
        // Only the queued points of the history matter here.
        let history = match &mut history {
            Some(history) => history,
            none => none.insert(enqueue::taken(change.tx, &plan)?),
        };
        history.queued.extend(queued.map(|wanted| (number, wanted)));
        match search::propose(&plan.study, number, history) {
            Ok(suggestion) => {
                let run = create(change, &plan, number, suggestion, 0, agent)?;
                most.take(&run);
                handed.runs.push(run);
            }
            Err(Exhausted) => change.close_sweep(sweep, Closing::Space)?,
        }
    }
    Ok(handed)
}

fn hands_out(change: &mut Change<'_>, sweep: &SweepId) -> Result<bool, Error> {
    Ok(matches!(change.progress(sweep)?.state, sweep::State::Pending | sweep::State::Running))
}

fn wants_new(change: &mut Change<'_>, plan: &Plan) -> Result<bool, Error> {
    let progress = change.progress(&plan.id)?;
    Ok(progress.closing.is_none()
        && plan
            .bound(progress.cap)
            .is_none_or(|bound| progress.next_trial < bound + u64::from(planted(Bug::CapExceeded))))
}

fn create(
    change: &mut Change<'_>,
    plan: &Plan,
    number: u64,
    suggestion: search::Suggestion,
    seen: i64,
    agent: &str,
) -> Result<Run, Error> {
    let unwritable =
        |error: serde_json::Error| Error::Bug(format!("a suggestion cannot be written: {error}"));
    let origin = serde_json::to_string(&suggestion.origin).map_err(unwritable)?;
    let fit = suggestion.fit.as_ref().map(serde_json::to_string).transpose().map_err(unwritable)?;
    let mut run = Run {
        sweep: Some(plan.id.clone()),
        trial: Some(number),
        project: plan.project.clone(),
        config: suggestion.point.to_json(&plan.study.space).to_string(),
        suggestion: Suggestion { seen, origin: Some(origin), fit, engine: Some(search::engine()) },
        agent: Some(agent.to_owned()),
        lease_ms: change.app.lease_ms(registry::is_foreign(agent)),
        ..Run::new(plan.id.trial(number), State::Leased, change.now_ms)
    };
    change.create_trial(&mut run)?;
    Ok(run)
}

/// Proposes the next trial of a sweep by its model, and leases it to the agent of this heartbeat.
/// Returns `None` if the sweep hands out no new trials, if its space is used up, or if a queued
/// point comes first. Also returns `None` if other calls keep the proposer busy until `deadline`.
pub(in crate::app) async fn by_model(
    app: &Arc<App>,
    plan: &Arc<Plan>,
    beat: &Arc<Beat>,
    deadline: Instant,
) -> Result<Option<Run>, Error> {
    // One call proposes at a time, so that the next call gets a later number and knows the earlier
    // points. The wait ends at `deadline`. After a longer wait the agent's leases could expire,
    // because the agent renews them with its next heartbeat.
    let mut known = tokio::select! {
        biased;
        known = app.searches.of(&plan.id).lock_owned() => known,
        () = app.clock.sleep_until(deadline) => return Ok(None),
    };
    app.registry.still_newest(beat)?;
    let (whose, after) = (plan.clone(), known.seen);
    let (told, last, taken) = app
        .read(move |tx, _| {
            let last = store::events::last(tx)?;
            let told = store::events::of_trials(tx, &whose.id, after, last)?;
            Ok((told, last, enqueue::taken(tx, &whose)?))
        })
        .await?;
    known.history.queued = taken.queued;
    for event in
        told.iter().filter(|told| told.kind != Kind::RunEnded || !planted(Bug::ResultsIgnored))
    {
        known.fold(event, &plan.study.space)?;
    }
    known.seen = last;
    let number = known.history.trials.len() as u64;
    let (mut known, ready) = propose(app, known, plan.clone(), number).await?;
    let Ready { suggestion, seen, .. } = ready;
    let (plan, beat) = (plan.clone(), beat.clone());
    let inserted = app.change(move |change| {
        change.app.registry.still_newest(&beat)?;
        let is_next = change.progress(&plan.id)?.next_trial == number;
        if !is_next || !hands_out(change, &plan.id)? || !wants_new(change, &plan)? {
            return Ok(None);
        }
        if store::queued_points::next(change.tx, &plan.id)?.is_some() {
            return Ok(None);
        }
        let Ok(suggestion) = suggestion else {
            change.close_sweep(&plan.id, Closing::Space)?;
            return Ok(None);
        };
        create(change, &plan, number, suggestion, seen, &beat.agent).map(Some)
    });
    let inserted = inserted.await;
    if matches!(inserted, Ok(Some(_))) {
        known.ready = None;
    }
    drop(known);
    inserted
}

/// Returns the proposal for the trial with this number: the stored proposal, or a new one. If the
/// caller stops waiting, the new proposal is stored for the next call.
async fn propose(
    app: &App,
    mut known: OwnedMutexGuard<Known>,
    plan: Arc<Plan>,
    number: u64,
) -> Result<(OwnedMutexGuard<Known>, Ready), Error> {
    // A stored proposal for another trial number can never be used.
    known.ready.take_if(|ready| ready.number != number);
    if let Some(ready) = known.ready.clone() {
        return Ok((known, ready));
    }
    let proposing = app.threads.run(move || {
        let suggestion = search::propose(&plan.study, number, &known.history);
        let ready = Ready { number, suggestion, seen: known.seen };
        known.ready = Some(ready.clone());
        (known, ready)
    });
    let failed = |error| Error::Bug(format!("the search failed at trial {number}: {error}"));
    proposing.await.map_err(failed)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::{
        app::{
            people::caller::Caller,
            sweeps::{manage as noun, replay},
        },
        chance::Chance,
        clock::Clock,
        platform::{Platform, Threads},
        settings::Settings,
        store::Store,
    };

    const BAYES: &str = "method: bayes\nprogram: train\nmetric: {name: loss}\nparameters: \
        {lr: {min: 0.0, max: 1.0}}\n";

    #[tokio::test]
    async fn a_proposal_outlives_its_heartbeat_and_replays_from_what_it_had_seen() {
        let folder = TempDir::new().unwrap();
        let settings = Settings::default();
        let store = Store::open(folder.path(), &settings.limits, Platform::default()).unwrap();
        let app = App::open(settings, store, Clock::system(), Chance::seeded(1), Threads::Many)
            .await
            .unwrap();
        let new = || noun::NewSweep { yaml: BAYES.to_owned(), ..noun::NewSweep::default() };
        let create = || noun::create(&app, &Caller::Admin, new());
        let sweep = create().await.unwrap().sweep.id;
        let wanted = sweep.clone();
        let plan = app.read(move |tx, app| app.plans.get(tx, &wanted)).await.unwrap();

        // A heartbeat that is superseded during its search leaves this state.
        let known = app.searches.of(&sweep).lock_owned().await;
        let (known, ready) = propose(&app, known, plan.clone(), 0).await.unwrap();
        drop(known);
        create().await.unwrap();

        let beat =
            Beat { agent: "one".to_owned(), beat: 2, sweep: sweep.clone(), ..Beat::default() };
        let (beat, now) = (Arc::new(beat), app.clock.now());
        app.registry.arrive(&beat, now).unwrap();
        let deadline = now + app.settings.lease;
        let run = by_model(&app, &plan, &beat, deadline).await.unwrap().unwrap();
        assert_eq!((run.trial, run.suggestion.seen), (Some(0), ready.seen));
        let next = by_model(&app, &plan, &beat, deadline).await.unwrap().unwrap();
        assert!(next.trial == Some(1) && next.suggestion.seen > ready.seen);
        let found = replay::replay(&app, &Caller::Admin, sweep, Vec::new()).await.unwrap();
        assert_eq!((found.equal, found.different), (2, vec![]));
    }

    #[tokio::test]
    async fn a_proposal_of_an_older_engine_stays_and_does_not_count_as_different() {
        let folder = TempDir::new().unwrap();
        let settings = Settings::default();
        let store = Store::open(folder.path(), &settings.limits, Platform::default()).unwrap();
        let app = App::open(settings, store, Clock::system(), Chance::seeded(1), Threads::Many)
            .await
            .unwrap();
        let yaml = "method: random\nprogram: train\nparameters:\n  x: \
            {distribution: q_uniform, min: 0, max: 1, q: 0.1}\n";
        let new = noun::NewSweep { yaml: yaml.to_owned(), ..noun::NewSweep::default() };
        let sweep = noun::create(&app, &Caller::Admin, new).await.unwrap();
        let id = sweep.sweep.id;
        let (old, sweep) = (r#"{"x":0.30000000000000004}"#.to_owned(), id.clone());
        let stored = old.clone();
        app.change(move |change| {
            // The same machine stored this engine before multiples of `q` became exact decimals.
            let engine = search::engine();
            let (version, rest) = engine.split_once(".r").unwrap();
            let engine = Some(format!("{version} {}", rest.split_once(' ').unwrap().1));
            let origin = Some(r#"{"kind":"random"}"#.to_owned());
            let mut run = Run {
                sweep: Some(sweep.clone()),
                trial: Some(0),
                config: stored,
                suggestion: Suggestion { seen: 0, origin, fit: None, engine },
                ..Run::new(sweep.trial(0), State::Leased, change.now_ms)
            };
            change.create_trial(&mut run)
        })
        .await
        .unwrap();
        let found = replay::replay(&app, &Caller::Admin, id.clone(), Vec::new()).await.unwrap();
        assert_eq!((found.equal, found.incomparable, found.different), (0, 1, vec![]));
        let page = app.read(move |tx, _| Ok(store::runs::page(tx, &id, 0, 10)?)).await.unwrap();
        assert_eq!(page[0].config, old);
    }
}
