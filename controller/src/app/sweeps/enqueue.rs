//! Queues points for a sweep, which it tries before all others. The handlers in `api` call this
//! module for users, and `suggest` hands the points out. A point waits in the database until a
//! trial takes it.

use std::{collections::BTreeMap, sync::Arc};

use ::sweeps::{
    config::{self, Config},
    history::History,
    lifecycle::sweep::Closing,
    point::Wanted,
    search,
};
use record::ids::SweepId;

use super::{manage, plan::Plan, planning};
use crate::{
    app::{
        App,
        change::Change,
        error::{Error, Why},
        people::{
            audit,
            caller::{Caller, Right},
            permit,
        },
    },
    store::{self, Tx, sweeps::Progress},
};

/// The points that a person wants to queue.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewPoints {
    /// The points as YAML: a list as below the key `points`, or one point.
    pub(crate) yaml: String,
    /// The name of the file that the points come from, for messages; may be empty.
    pub(crate) source: String,
    /// The idempotency key: a second call with the same key changes nothing.
    pub(crate) key: Option<String>,
}

/// The queue after a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Queue {
    /// The points that the call has named, as JSON, in their order.
    pub(crate) points: Vec<String>,
    /// The number of points that wait.
    pub(crate) waiting: u64,
}

/// Adds points at the end of a sweep's queue.
///
/// # Errors
/// Fails with [`Error::Missing`] if the sweep does not exist. Fails with [`Error::Invalid`] if a
/// point does not lie in the space. Fails with [`Error::Refused`] if the sweep gets no more trials,
/// or if a point was tried or comes anyway.
pub(crate) async fn enqueue(
    app: &Arc<App>,
    caller: &Caller,
    id: SweepId,
    new: NewPoints,
) -> Result<Queue, Error> {
    permit::sweep(app, caller, Right::Steer, &id).await?;
    let NewPoints { yaml, source, key } = new;
    manage::check_lengths(&app.settings.limits, &yaml, key.as_deref())?;
    let plan = planning::of(app, &id).await?;
    let whose = plan.clone();
    let checking = app.threads.run(move || check(&yaml, &source, &whose.config));
    let points =
        checking.await.map_err(|error| Error::Bug(format!("a check failed: {error}")))??;
    let space = &plan.study.space;
    let texts = points.iter().map(|point| point.to_json(space).to_string()).collect();
    let new = New { key: key.map(|key| caller.own_key(key)), texts, whole: wholes(&points, &plan) };
    // A long history is searched outside of the writer, which searches the trials since then.
    let (looking, sweep) = (new.clone(), id.clone());
    let from = app
        .read(move |tx, _| {
            let next = store::sweeps::progress(tx, &sweep)?.map_or(0, |now| now.next_trial);
            if !looking.is_known(tx, &sweep)? {
                looking.was_tried(tx, &sweep, 0)?;
            }
            Ok(next)
        })
        .await?;
    let who = caller.who();
    let work = move |change: &mut Change<'_>| {
        if !new.is_known(change.tx, &id)? {
            new.insert(change, &plan, from)?;
            audit::note(change, who, "queue points", id.as_str(), Some(plan.project.clone()))?;
        }
        let waiting = store::queued_points::count_waiting(change.tx, &id)?;
        Ok(Queue { points: new.texts, waiting })
    };
    app.change(work).await
}

/// Checks the points of a call.
fn check(yaml: &str, source: &str, config: &Config) -> Result<Vec<Wanted>, Error> {
    let source = if source.is_empty() { "points.yaml" } else { source };
    let checked = config::check_points(yaml, config);
    checked.points.ok_or_else(|| {
        let problems = checked.problems.iter();
        let told: Vec<String> =
            problems.map(|problem| config::render(problem, yaml, source)).collect();
        let text = manage::together(&told);
        Error::invalid(format!("the points do not fit the sweep\n{text}"))
    })
}

/// Returns the configs of the whole points among these, each with the point's place. A point that
/// leaves something out equals no other, because the method fills it.
fn wholes(points: &[Wanted], plan: &Plan) -> BTreeMap<String, usize> {
    let space = &plan.study.space;
    let whole = |(place, point): (usize, &Wanted)| {
        Some((point.whole(space)?.to_json(space).to_string(), place))
    };
    points.iter().enumerate().filter_map(whole).collect()
}

/// The checked points of a call.
#[derive(Clone)]
struct New {
    key: Option<String>,
    /// The given values of each point.
    texts: Vec<String>,
    /// The places of the whole points, by their configs.
    whole: BTreeMap<String, usize>,
}

impl New {
    fn is_known(&self, tx: &Tx<'_>, sweep: &SweepId) -> Result<bool, Error> {
        match &self.key {
            Some(key) => Ok(store::queued_points::is_known(tx, sweep, key)?),
            None => Ok(false),
        }
    }

    /// Fails if a trial with a number from `from` on has the config of one of the points.
    fn was_tried(&self, tx: &Tx<'_>, sweep: &SweepId, from: u64) -> Result<(), Error> {
        if self.whole.is_empty() {
            return Ok(());
        }
        let configs = serde_json::json!(self.whole.keys().collect::<Vec<_>>()).to_string();
        let Some((run, config)) = store::queued_points::tried(tx, sweep, from, &configs)? else {
            return Ok(());
        };
        let message = format!("{} was tried: it is run `{run}`", self.called(&config));
        Err(Error::refused(Why::State, message).hint(format!("`sweep show {run}` shows the run")))
    }

    /// Returns what a message calls the point with this config.
    fn called(&self, config: &str) -> String {
        let point = match (self.whole.get(config), self.texts.len()) {
            (Some(place), 2..) => format!("point {} ", place + 1),
            _ => "the point ".to_owned(),
        };
        format!("{point}{config}")
    }

    /// Writes the points into the queue.
    fn insert(&self, change: &mut Change<'_>, plan: &Plan, from: u64) -> Result<(), Error> {
        let progress = change.progress(&plan.id)?.clone();
        if let Some(refused) = closed(&progress) {
            return Err(refused);
        }
        let tx = change.tx;
        self.was_tried(tx, &plan.id, from)?;
        let (history, waiting) = (taken(tx, plan)?, waiting(tx, plan)?);
        self.comes_anyway(plan, &progress, &history, &waiting)?;
        self.fits(change, plan, &progress, history.queued.len(), waiting.len())?;
        for text in &self.texts {
            store::queued_points::insert(tx, &plan.id, text, self.key.as_deref())?;
        }
        Ok(())
    }

    /// Fails if one of the points waits already.
    fn comes_anyway(
        &self,
        plan: &Plan,
        progress: &Progress,
        history: &History,
        waiting: &[Wanted],
    ) -> Result<(), Error> {
        let turn = search::turn(progress.next_trial, history);
        let listed = plan.study.wanted.iter().skip(usize::try_from(turn).unwrap_or(usize::MAX));
        let listed = listed.map(|point| (point, "the configuration has it, and it comes next"));
        let queued = waiting.iter().map(|point| (point, "it waits in the queue"));
        let space = &plan.study.space;
        for (point, why) in queued.chain(listed) {
            let config = point.whole(space).map(|whole| whole.to_json(space).to_string());
            if let Some(config) = config.filter(|config| self.whole.contains_key(config)) {
                let message = format!("{} comes anyway: {why}", self.called(&config));
                return Err(Error::refused(Why::State, message)
                    .hint("leave it out: each point is tried once"));
            }
        }
        Ok(())
    }

    /// Fails if the sweep has no room for these points in its queue or below its cap.
    fn fits(
        &self,
        change: &Change<'_>,
        plan: &Plan,
        progress: &Progress,
        taken: usize,
        waiting: usize,
    ) -> Result<(), Error> {
        let (id, most) = (&plan.id, change.app.settings.limits.queued_points);
        if taken + waiting + self.texts.len() > most {
            let message = format!("sweep `{id}` takes at most {most} queued points in all");
            return Err(Error::refused(Why::State, message).hint(format!(
                "{taken} were tried and {waiting} wait; a new sweep can list others in `points`"
            )));
        }
        let wanted = progress.next_trial + (waiting + self.texts.len()) as u64;
        match plan.bound(progress.cap).filter(|bound| *bound < wanted) {
            None => Ok(()),
            Some(bound) => {
                let left = bound.saturating_sub(progress.next_trial + waiting as u64);
                let message = format!(
                    "sweep `{id}` has at most {bound} trials, and room for {left} more points"
                );
                let hint = match plan.points.is_some_and(|points| points <= bound) {
                    true => "its space has no further point".to_owned(),
                    false => format!("`sweep extend {id} --runs N` raises its cap"),
                };
                Err(Error::refused(Why::State, message).hint(hint))
            }
        }
    }
}

/// Returns the error of a sweep that gets no more trials; `None` if it gets some.
fn closed(progress: &Progress) -> Option<Error> {
    let id = &progress.sweep;
    let refused = |why: &str, hint: String| {
        let message = format!("sweep `{id}` gets no more trials: {why}");
        Some(Error::refused(Why::State, message).hint(hint))
    };
    match progress.closing {
        Some(why @ Closing::Cap) => {
            refused(why.sentence(), format!("`sweep extend {id} --runs N` raises its cap"))
        }
        Some(why @ Closing::Stopped) if !progress.state.is_over() => {
            refused(why.sentence(), format!("`sweep resume {id}` lets it create trials again"))
        }
        why if why.is_some() || progress.state.is_over() => refused(
            why.map_or("it is over", Closing::sentence),
            format!("a new sweep with `warm_start: [{id}]` and `points` starts from its results"),
        ),
        _ => None,
    }
}

/// Returns a history that has only the queued points that trials have taken.
pub(super) fn taken(tx: &Tx<'_>, plan: &Plan) -> Result<History, Error> {
    let taken = store::queued_points::taken(tx, &plan.id)?.into_iter();
    let queued = taken.map(|(trial, point)| Ok((trial, read(plan, &point)?)));
    Ok(History { queued: queued.collect::<Result<_, Error>>()?, ..History::default() })
}

/// Returns the points that wait, the next one first.
pub(super) fn waiting(tx: &Tx<'_>, plan: &Plan) -> Result<Vec<Wanted>, Error> {
    store::queued_points::waiting(tx, &plan.id)?.iter().map(|point| read(plan, point)).collect()
}

/// Lets the trial with this number take the next point of the queue. Returns the point, or `None`
/// if no point waits.
pub(super) fn take(
    change: &mut Change<'_>,
    plan: &Plan,
    number: u64,
) -> Result<Option<Wanted>, Error> {
    let Some((key, point)) = store::queued_points::next(change.tx, &plan.id)? else {
        return Ok(None);
    };
    store::queued_points::take(change.tx, key, number)?;
    read(plan, &point).map(Some)
}

fn read(plan: &Plan, point: &str) -> Result<Wanted, Error> {
    let json = serde_json::from_str(point)
        .map_err(|error| Error::Bug(format!("a queued point of `{}`: {error}", plan.id)))?;
    Ok(Wanted::from_json(&plan.study.space, &json))
}
