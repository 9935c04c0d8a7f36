//! Explains what the trials of a sweep reveal about its parameters, and what the model knew when it
//! chose a run. The handlers in `api` call this module for users. The surrogate of a sweep is
//! fitted off the async threads, and all explanations of the same trials share it. This module
//! stores nothing and changes nothing.

use std::{collections::HashSet, sync::Arc, time::Duration};

use ::sweeps::{
    history::Outcome,
    point::Point,
    search::{
        Earlier, Origin,
        explain::{self, Explanation, Individuals, Recommendation, Unexplained},
    },
};
use record::ids::{RunId, SweepId};
use tokio::sync::OwnedMutexGuard;

use super::{
    explained::{Kept, Learned},
    known::Known,
    plan::Plan,
    stored,
};
use crate::{
    app::{
        App,
        error::{Error, Why},
        people::{
            caller::{Caller, Right},
            permit,
        },
    },
    store::{self, Tx, runs::Run},
};

/// The most names of parameters that an error lists.
const LISTED: usize = 12;
/// An explanation is renewed early after this many trials, or after this share of the trials that
/// it knows, whichever is more.
const NEWS: (u64, u64) = (5, 20);

/// How new an explanation has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    /// It knows every trial that has ended.
    Exact,
    /// It may lack the newest trials.
    Recent,
}

/// An explanation that others may share.
#[derive(Clone, Debug)]
pub(crate) struct Shared<T> {
    /// The explanation.
    pub(crate) found: T,
    /// The time after which the explanation may be renewed; `None` if it lacks no trial.
    pub(crate) renews_in: Option<Duration>,
}

/// The best finished run of a sweep at the time when the model chose another run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Incumbent {
    /// The run's id.
    pub(crate) run: RunId,
    /// The run's value.
    pub(crate) value: f64,
    /// The number of the sweep's runs that had ended at that time.
    pub(crate) ended: u64,
}

/// Explains a sweep, with details about these parameters, or about the most important ones if the
/// list is empty.
///
/// # Errors
/// - Fails with [`Error::Missing`] if the sweep does not exist.
/// - Fails with [`Error::Refused`] if the sweep has no metric, too few results, or no parameter
///   that varies.
/// - Fails with [`Error::Invalid`] if a named parameter does not vary, or if too many are named.
pub(crate) async fn explain(
    app: &Arc<App>,
    caller: &Caller,
    sweep: SweepId,
    parameters: Vec<String>,
    age: Age,
) -> Result<Shared<Arc<Explanation>>, Error> {
    let now = Standing::of(app, caller, sweep).await?;
    let mut kept = app.explained.of(&now.plan.id).lock_owned().await;
    if let Some(learned) = kept.learned.as_mut().filter(|learned| now.accepts(app, learned, age))
        && let Some(found) = learned.answers.get(&parameters).cloned()
    {
        return Ok(Shared { found, renews_in: now.renews_in(app, learned) });
    }
    now.ask(app, kept, age, move |learned| learned.explain(parameters)).await
}

/// Returns the lines of single trials along a parameter.
///
/// # Errors
/// Fails as [`explain()`] does.
pub(crate) async fn individuals(
    app: &Arc<App>,
    caller: &Caller,
    sweep: SweepId,
    parameter: String,
) -> Result<Shared<Individuals>, Error> {
    let now = Standing::of(app, caller, sweep).await?;
    let kept = app.explained.of(&now.plan.id).lock_owned().await;
    now.ask(app, kept, Age::Recent, move |learned| learned.surrogate.individuals(&parameter)).await
}

/// Returns the finished trial with the best expected value, beside the one with the best value.
/// Leaves out deleted trials.
///
/// # Errors
/// Fails as [`explain()`] does. Also fails with [`Error::Refused`] if no finished trial with a
/// value keeps every limit.
pub(crate) async fn recommend(
    app: &Arc<App>,
    caller: &Caller,
    sweep: SweepId,
    age: Age,
) -> Result<Shared<Recommendation>, Error> {
    let now = Standing::of(app, caller, sweep.clone()).await?;
    let (shown, best) = app
        .read(move |tx, _| {
            let progress = store::sweeps::progress(tx, &sweep)?;
            let best = progress.and_then(|progress| progress.best_run);
            let best = best.map(|run| store::runs::get(tx, &run)).transpose()?.flatten();
            let best = best.and_then(|run| run.trial);
            Ok((store::listing::finished(tx, &sweep)?, best))
        })
        .await?;
    let shown: HashSet<u64> = shown.into_iter().collect();
    let kept = app.explained.of(&now.plan.id).lock_owned().await;
    now.ask(app, kept, age, move |learned| {
        learned.surrogate.recommendation(best, |trial| shown.contains(&trial))
    })
    .await
}

/// The state of a sweep, as far as it decides whether an explanation is new enough.
struct Standing {
    plan: Arc<Plan>,
    /// The number of the newest event with a result.
    newest: i64,
    /// The number of trials that have ended.
    ended: u64,
}

impl Standing {
    async fn of(app: &Arc<App>, caller: &Caller, sweep: SweepId) -> Result<Self, Error> {
        permit::sweep(app, caller, Right::See, &sweep).await?;
        app.read(move |tx, app| {
            // The cache may still have the plan of a deleted sweep.
            let progress = stored::progress(tx, &sweep)?;
            let plan = app.plans.get(tx, &sweep)?;
            if plan.metric().is_none() {
                let message =
                    format!("sweep `{sweep}` has no metric, so there is nothing to explain");
                return Err(Error::refused(Why::State, message)
                    .hint("name one in the YAML: `metric: {name: val/loss, goal: minimize}`"));
            }
            let newest = store::events::newest_result(tx, &sweep)?;
            Ok(Self { plan, newest, ended: progress.next_trial - progress.live() })
        })
        .await
    }

    /// Returns whether what was learned is new enough.
    fn accepts(&self, app: &App, learned: &Learned, age: Age) -> bool {
        let (least, share) = NEWS;
        let is_young = app.clock.now() < learned.at + app.settings.explain_every
            && self.ended < learned.ended + least.max(learned.ended / share);
        learned.newest >= self.newest || age == Age::Recent && is_young
    }

    fn renews_in(&self, app: &App, learned: &Learned) -> Option<Duration> {
        let left = (learned.at + app.settings.explain_every) - app.clock.now();
        (learned.newest < self.newest).then_some(left)
    }

    /// Answers by the surrogate of the sweep, which is fitted first if it is not new enough.
    async fn ask<T: Send + 'static>(
        self,
        app: &Arc<App>,
        mut kept: OwnedMutexGuard<Kept>,
        age: Age,
        answer: impl FnOnce(&mut Learned) -> Result<T, Unexplained> + Send + 'static,
    ) -> Result<Shared<T>, Error> {
        let is_known = kept.learned.as_ref().is_some_and(|learned| self.accepts(app, learned, age));
        let told = if is_known {
            None
        } else {
            let plan = self.plan.clone();
            let told = move |tx: &Tx<'_>, _: &App| {
                let newest = store::events::newest_result(tx, &plan.id)?;
                Ok((newest, known(tx, &plan, store::events::last(tx)?)?))
            };
            Some(app.read(told).await?)
        };
        let failed =
            |error: &dyn std::fmt::Display| Error::Bug(format!("an explanation failed: {error}"));
        let permit =
            app.explaining.clone().acquire_owned().await.map_err(|closed| failed(&closed))?;
        let inner = app.clone();
        let computing = app.threads.run(move || {
            // The computation keeps its permit until it ends, even if the caller no longer waits.
            let _permit = permit;
            let compute = || -> Result<Shared<T>, Unexplained> {
                if let Some((newest, known)) = told {
                    kept.learned = None;
                    let (study, at) = (&self.plan.study, inner.clock.now());
                    let learned = Learned::of(study, &known.history, newest, at)?;
                    kept.learned = Some(learned);
                }
                let learned = kept.learned.as_mut().ok_or(Unexplained::NoModel)?;
                let renews_in = self.renews_in(&inner, learned);
                Ok(Shared { found: answer(learned)?, renews_in })
            };
            compute().map_err(|why| unexplained(&self.plan, why))
        });
        computing.await.map_err(|error| failed(&error))?
    }
}

/// Returns the trials of a sweep as its events up to the number `until` describe them.
pub(super) fn known(tx: &Tx<'_>, plan: &Plan, until: i64) -> Result<Known, Error> {
    let mut known = Known::default();
    for event in store::events::of_trials(tx, &plan.id, 0, until)? {
        known.fold(&event, &plan.study.space)?;
    }
    Ok(known)
}

fn unexplained(plan: &Plan, why: Unexplained) -> Error {
    let id = &plan.id;
    match why {
        Unexplained::TooFew { have, need } => {
            let metric = plan.metric().map(|metric| metric.name.as_str()).unwrap_or_default();
            let message = format!(
                "an explanation needs {need} trials that ended with a value of `{metric}`, and \
                sweep `{id}` has {have}"
            );
            Error::refused(Why::State, message).hint(format!("`sweep show {id}` shows how it goes"))
        }
        Unexplained::NothingVaries => {
            Error::refused(Why::State, format!("no parameter of sweep `{id}` varies"))
        }
        Unexplained::Unknown { name, near, known } => {
            let more = if known.len() > LISTED { ", ..." } else { "" };
            let hint = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => {
                    format!("these vary: {}{more}", known[..known.len().min(LISTED)].join(", "))
                }
            };
            Error::invalid(format!("sweep `{id}` has no parameter `{name}` that varies")).hint(hint)
        }
        Unexplained::NoneCounts => {
            let message = format!("no finished run of sweep `{id}` has a value within every limit");
            Error::refused(Why::State, message).hint(format!("`sweep show {id}` shows the values"))
        }
        Unexplained::TooMany => Error::invalid(why.to_string()),
        Unexplained::NoModel => Error::Bug(format!("{why}: sweep `{id}`")),
    }
}

/// A trial of an earlier sweep that has the same parameters as a trial of the present sweep.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Repeated {
    /// The id of the earlier sweep; empty for a run that the present sweep was given.
    pub(crate) sweep: SweepId,
    /// The value of the present sweep's metric in the earlier trial.
    pub(crate) value: f64,
}

impl Repeated {
    fn of(plan: &Plan, earlier: &Earlier) -> Self {
        let sweep = plan.config.warm_start.get(earlier.sweep).map_or("", String::as_str);
        Self { sweep: SweepId::from(sweep), value: earlier.value }
    }

    /// Returns the earlier trial that the first trial of a warm-started sweep repeats, if there is
    /// one.
    pub(in crate::app) fn first(plan: &Plan) -> Option<Self> {
        // The first point of a configuration takes the place of the earlier trial.
        let first = plan.study.wanted.is_empty().then(|| explain::repeated_first(&plan.study));
        first.flatten().map(|earlier| Self::of(plan, earlier))
    }
}

/// Returns the earlier trial with the same parameters as a run, from the sweeps in the `warm_start`
/// of the run's sweep. Returns `None` if there is no such trial.
pub(in crate::app) fn repeated(
    tx: &Tx<'_>,
    app: &App,
    run: &Run,
) -> Result<Option<Repeated>, Error> {
    let Some(sweep) = &run.sweep else { return Ok(None) };
    let plan = app.plans.get(tx, sweep)?;
    let config = serde_json::from_str(&run.config).unwrap_or_default();
    let point = Point::from_json(&plan.study.space, &config);
    Ok(point.and_then(|point| {
        explain::repeated(&plan.study, &point).map(|earlier| Repeated::of(&plan, earlier))
    }))
}

/// Returns the run that was the best when the model chose this run. Returns `None` if no model
/// chose this run, or if no usable run had finished at that time.
pub(in crate::app) fn incumbent(
    tx: &Tx<'_>,
    app: &App,
    run: &Run,
) -> Result<Option<Incumbent>, Error> {
    let origin = run.suggestion.origin.as_deref().map(serde_json::from_str);
    let (Some(Ok(Origin::Model { .. })), Some(sweep)) = (origin, &run.sweep) else {
        return Ok(None);
    };
    let plan = app.plans.get(tx, sweep)?;
    let history = known(tx, &plan, run.suggestion.seen)?.history;
    let ended =
        history.trials.iter().filter(|trial| trial.outcome != Outcome::Pending).count() as u64;
    let best = explain::incumbent(&plan.study, &history);
    Ok(best.map(|(number, value)| Incumbent { run: sweep.trial(number), value, ended }))
}
