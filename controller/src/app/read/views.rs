//! Reads sweeps, runs and rows as clients see them. The handlers in `api` call this module. This
//! module reads snapshots beside the writer thread and changes nothing. Streams are read page by
//! page, so that a slow client holds neither a snapshot nor much memory.

use std::{collections::BTreeMap, sync::Arc};

use super::pages::{self, Outlet, PAGE_BYTES};
use crate::{
    app::{
        App,
        change::wakeups::Topic,
        error::Error,
        people::{
            caller::{Caller, Right},
            permit,
        },
        rows::{
            metrics::Metric,
            pieces::{self, Ahead},
            stopping, summaries,
        },
        runs::{
            edited::{self, Edited},
            lookup::{self, Named},
        },
        sweeps::{
            explain::{self, Incumbent, Repeated},
            plan::Plan,
            stored,
        },
        upkeep::{fullness, loss},
    },
    store::{
        self, Tx,
        about::About,
        blocks::{Block, Stream},
        failures::Failure,
        runs::Run,
        sweeps::{Progress, Sweep},
    },
};
use ::sweeps::{
    lifecycle::sweep::{Closing, State},
    stopping::Decision,
};
use record::{
    ids::{ProjectId, RunId, SweepId},
    stream::StreamName,
};
use serde_json::Value as Json;

/// A run with its summary.
#[derive(Clone, Debug)]
pub(crate) struct RunView {
    /// The run's row in the database. In the view, the run's note may also have the note on printed
    /// lines.
    pub(crate) run: Run,
    /// The run's summary: each key summed up, as a JSON object, with what people have changed.
    pub(crate) summary_json: String,
    /// What people have changed about the summary, each with the value that the program logged.
    pub(crate) edits: Vec<(Edited, Option<Json>)>,
    /// The facts that the run's program has reported about the run.
    pub(crate) about: About,
    /// The definitions of the run's metrics.
    pub(crate) metrics: Vec<Metric>,
    /// The state of the program's code and machine at the run's start, as a JSON object. Only
    /// [`get_run`] reads this field; it is empty in lists.
    pub(crate) code_json: String,
    /// The value that counts for each constraint of the run's sweep; empty until the run is over.
    pub(crate) constrained: Vec<Constrained>,
    /// The decisions at the rungs of early stopping for the run's newest attempt. Only [`get_run`]
    /// fills this field; it is empty in lists.
    pub(crate) rungs: Vec<Decision>,
    /// The run's failed attempts, oldest first. Only [`get_run`] fills this field; it is empty in
    /// lists.
    pub(crate) failures: Vec<FailureView>,
    /// The best run that the model knew when it chose this run. Only [`get_run`] fills this field;
    /// it is `None` in lists.
    pub(crate) incumbent: Option<Incumbent>,
    /// The trial of an earlier sweep with the same parameters as this run. Only [`get_run`] fills
    /// this field; it is `None` in lists.
    pub(crate) repeats: Option<Repeated>,
    /// The name of the metric of the run's sweep. Only [`get_run`] fills this field; it is `None`
    /// in lists.
    pub(crate) sweep_metric: Option<String>,
}

/// The value of a run for one constraint of its sweep.
#[derive(Clone, Debug)]
pub(crate) struct Constrained {
    /// The name of the constraint's metric.
    pub(crate) metric: String,
    /// The value that counts: the run's last value of the metric. `None` means that the value is
    /// missing or not a finite number.
    pub(crate) value: Option<f64>,
    /// Whether the run satisfies the constraint.
    pub(crate) holds: bool,
}

/// A sweep and its progress.
#[derive(Clone, Debug)]
pub(crate) struct SweepView {
    /// The sweep's row in the database, which never changes after the sweep's creation.
    pub(crate) sweep: Sweep,
    /// The sweep's plan.
    pub(crate) plan: Arc<Plan>,
    /// The sweep's progress.
    pub(crate) progress: Progress,
    /// The reason why the sweep hands out no new trials, for users; `None` if it does hand out
    /// trials.
    pub(crate) note: Option<String>,
    /// The warnings from the check of the sweep's configuration.
    pub(crate) warnings: Vec<String>,
    /// The sweep's finished run with the best value, among those that satisfy all constraints;
    /// `None` if there is none.
    pub(crate) best: Option<RunView>,
    /// The time when the sweep's first trial was handed out, in milliseconds since 1970; `None` if
    /// no trial was.
    pub(crate) started_ms: Option<i64>,
    /// The number of queued points that wait for a trial.
    pub(crate) queued_points: u64,
    /// The trial of an earlier sweep that this sweep's first trial repeats, if there is one.
    pub(crate) repeats: Option<Repeated>,
}

/// A block of a stream's rows, as clients see it.
pub(crate) type BlockView = Block;

/// A failed attempt of a run, as clients see it.
pub(crate) type FailureView = Failure;

pub(crate) use super::pages::Streamed;

impl SweepView {
    /// Returns the name of the sweep: the one that a person has given to it, or that of its
    /// configuration; `None` if it has neither.
    pub(crate) fn name(&self) -> Option<&str> {
        self.progress.name.as_deref().or(self.plan.config.name.as_deref())
    }
}

impl RunView {
    /// Returns about how many bytes this view has.
    pub(in crate::app) fn weight(&self) -> usize {
        let run = &self.run;
        let texts =
            [&run.config, &run.tags, &self.summary_json, &self.about.notes, &self.about.added];
        let fit = run.suggestion.fit.as_ref().map_or(0, String::len);
        texts.into_iter().map(String::len).sum::<usize>() + self.about.metrics.len() + fit
    }
}

/// Returns the view of a run in this transaction.
pub(in crate::app) fn run(tx: &Tx<'_>, app: &App, mut run: Run) -> Result<RunView, Error> {
    let summary = summaries::of(tx, &run)?;
    let constrained = constrained(tx, app, &run)?;
    let about = store::about::get(tx, run.key)?;
    let metrics = Metric::list(&about.metrics);
    if let Some(printed) = store::printed::get(tx, &run)? {
        run.note = Some(run.note.map_or(printed.clone(), |note| format!("{note}; {printed}")));
    }
    let mut shown = summary.to_json(&metrics);
    let mut edits = Vec::new();
    for edit in edited::all(&about.edited) {
        let logged = shown.get(&edit.key).cloned();
        shown[&edit.key] = edit.value.clone();
        edits.push((edit, logged));
    }
    Ok(RunView {
        run,
        summary_json: shown.to_string(),
        edits,
        about,
        metrics,
        code_json: String::new(),
        constrained,
        rungs: Vec::new(),
        failures: Vec::new(),
        incumbent: None,
        repeats: None,
        sweep_metric: None,
    })
}

/// Returns the views of runs in this transaction. Runs that no longer exist are left out.
pub(in crate::app) fn runs(
    tx: &Tx<'_>,
    app: &App,
    found: impl Iterator<Item = store::Result<Option<Run>>>,
) -> Result<Vec<RunView>, Error> {
    found.filter_map(Result::transpose).map(|found| run(tx, app, found?)).collect()
}

fn constrained(tx: &Tx<'_>, app: &App, run: &Run) -> Result<Vec<Constrained>, Error> {
    let Some(sweep) = run.sweep.as_ref().filter(|_| !run.constrained.is_empty()) else {
        return Ok(Vec::new());
    };
    let plan = app.plans.get(tx, sweep)?;
    let each = plan.study.constraints.iter().zip(&run.constrained);
    Ok(each
        .map(|(limit, &value)| Constrained {
            metric: limit.metric.clone(),
            value,
            holds: limit.holds(value),
        })
        .collect())
}

/// Returns the view of a sweep in this transaction.
pub(in crate::app) fn sweep(tx: &Tx<'_>, app: &App, id: &SweepId) -> Result<SweepView, Error> {
    of_sweep(tx, app, stored::sweep(tx, id)?)
}

/// Returns the view of this sweep in this transaction.
pub(in crate::app) fn of_sweep(tx: &Tx<'_>, app: &App, sweep: Sweep) -> Result<SweepView, Error> {
    let mut progress = stored::progress(tx, &sweep.id)?;
    let plan = app.plans.get(tx, &sweep.id)?;
    let find = |id: &RunId| store::runs::get(tx, id);
    let mut best = progress.best_run.as_ref().map(find).transpose()?.flatten();
    if best.is_none() && progress.best_run.is_some() {
        // The best run is deleted, so another one is the best of those that people see.
        let maximize = plan.metric().is_some_and(|metric| metric.maximize);
        let holds = |values: &[Option<f64>]| plan.study.is_feasible(values);
        let next = store::listing::best(tx, &sweep.id, maximize, holds)?;
        (progress.best_run, progress.best_value) = next.unzip();
        best = progress.best_run.as_ref().map(find).transpose()?.flatten();
    }
    let best = best.map(|best| run(tx, app, best)).transpose()?;
    let queued_points = store::queued_points::count_waiting(tx, &sweep.id)?;
    let warnings = serde_json::from_str(&sweep.warnings).unwrap_or_default();
    Ok(SweepView {
        repeats: Repeated::first(&plan),
        queued_points,
        plan,
        note: note(tx, app, &progress)?,
        started_ms: store::runs::first_ms(tx, &sweep.id)?,
        warnings,
        best,
        progress,
        sweep,
    })
}

/// Returns a sentence that says why a sweep hands out no new trials, or `None` if the sweep does
/// hand out trials.
pub(in crate::app) fn note(
    tx: &Tx<'_>,
    app: &App,
    progress: &Progress,
) -> Result<Option<String>, Error> {
    let id = &progress.sweep;
    let why = progress.closing.map_or("", Closing::sentence);
    Ok(match progress.state {
        State::Paused => {
            let why =
                progress.trouble.as_ref().map(|trouble| format!("{trouble}; ")).unwrap_or_default();
            Some(format!("the sweep is paused: {why}`sweep resume {id}` goes on"))
        }
        State::Finished | State::Cancelled => {
            let never = stopping::never_judged(tx, app, progress)?;
            Some(format!(
                "the sweep is over: {why}{}",
                never.map(|never| format!("; {never}")).unwrap_or_default()
            ))
        }
        State::Pending | State::Running if app.loss.is_total() => Some(loss::NOTE.to_owned()),
        State::Pending | State::Running if app.full.is_full() => Some(fullness::NOTE.to_owned()),
        State::Pending | State::Running if progress.closing.is_some() => {
            Some(format!("no new trials, because {why}; {} not over yet", progress.live()))
        }
        State::Pending | State::Running => None,
    })
}

/// Returns the view of one sweep.
///
/// # Errors
/// Fails with [`Error::Missing`] if the sweep does not exist.
pub(crate) async fn get_sweep(
    app: &Arc<App>,
    caller: &Caller,
    id: SweepId,
) -> Result<SweepView, Error> {
    permit::sweep(app, caller, Right::See, &id).await?;
    app.read(move |tx, app| sweep(tx, app, &id)).await
}

/// Returns the view of a sweep, or `None` if the project has no such sweep that the caller may see.
pub(crate) async fn find_sweep(
    app: &Arc<App>,
    caller: &Caller,
    project: &ProjectId,
    id: SweepId,
) -> Result<Option<SweepView>, Error> {
    // An agent's key may get the trials of a sweep, and so it may read how to start them.
    let permitted = match permit::sweep(app, caller, Right::See, &id).await {
        Err(Error::Refused(..)) => permit::sweep(app, caller, Right::Pull, &id).await,
        permitted => permitted,
    };
    let found = match permitted {
        Ok(()) => app.read(move |tx, app| sweep(tx, app, &id)).await,
        Err(error) => Err(error),
    };
    match found {
        Err(Error::Missing(_)) => Ok(None),
        found => Ok(Some(found?).filter(|view| view.plan.project == *project)),
    }
}

/// Returns the runs that a sweep was given at its creation as a part of its past.
///
/// # Errors
/// Fails with [`Error::Missing`] if the sweep does not exist.
pub(crate) async fn prior_runs(
    app: &Arc<App>,
    caller: &Caller,
    id: SweepId,
) -> Result<Vec<RunView>, Error> {
    permit::sweep(app, caller, Right::See, &id).await?;
    app.read(move |tx, app| {
        let given = store::earlier::runs(tx, &id)?;
        runs(tx, app, given.into_iter().map(|run| Ok(Some(run))))
    })
    .await
}

/// Returns the view of one run, with all of its fields.
///
/// # Errors
/// Fails with [`Error::Missing`] if the run does not exist.
pub(crate) async fn get_run(app: &Arc<App>, caller: &Caller, id: RunId) -> Result<RunView, Error> {
    permit::run(app, caller, Right::See, &id).await?;
    app.read(move |tx, app| {
        let found = lookup::find(tx, &id)?;
        let rungs = store::rungs::decisions(tx, found.key, found.attempt)?;
        let failures = store::failures::of_run(tx, found.key)?;
        let incumbent = explain::incumbent(tx, app, &found)?;
        let repeats = explain::repeated(tx, app, &found)?;
        let code_json = store::about::code(tx, found.key)?;
        let plan = found.sweep.as_ref().map(|sweep| app.plans.get(tx, sweep)).transpose()?;
        let sweep_metric = plan.and_then(|plan| Some(plan.metric()?.name.clone()));
        let view = run(tx, app, found)?;
        Ok(RunView { rungs, failures, incumbent, repeats, code_json, sweep_metric, ..view })
    })
    .await
}

/// Returns the view of the run that a caller names, or `None` if there is no such run that the
/// caller may see.
pub(crate) async fn find_run(
    app: &Arc<App>,
    caller: &Caller,
    named: Named,
) -> Result<Option<RunView>, Error> {
    let (project, caller) = (caller.project(&named.project)?, caller.clone());
    app.read(move |tx, app| {
        let found = match lookup::named(tx, &project, &named) {
            Err(Error::Missing(_)) => None,
            found => found?,
        };
        let Some(found) = found else { return Ok(None) };
        match permit::run_in(tx, &caller, Right::See, &found.id) {
            Err(Error::Missing(_)) => Ok(None),
            permitted => permitted.and_then(|()| run(tx, app, found).map(Some)),
        }
    })
    .await
}

/// The rows that a caller of [`read_rows`] asks for.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    /// The run's id.
    pub(crate) run: RunId,
    /// The name of the stream.
    pub(crate) stream: StreamName,
    /// The attempt's number; 0 means all attempts.
    pub(crate) attempt: u32,
    /// Whether to continue with new rows until the run is over.
    pub(crate) follow: bool,
}

/// Returns the stored blocks of a stream, in the order of attempt, writer and offset. If the caller
/// follows the run, the stream then sends new blocks as they arrive.
///
/// # Errors
/// Fails with [`Error::Missing`] if the run does not exist.
pub(crate) async fn read_rows(
    app: &Arc<App>,
    caller: &Caller,
    reading: Reading,
) -> Result<Streamed<BlockView>, Error> {
    permit::run(app, caller, Right::See, &reading.run).await?;
    let id = reading.run.clone();
    app.read(move |tx, _| lookup::find(tx, &id)).await?;
    let (app, caller) = (app.clone(), caller.clone());
    Ok(pages::stream(|outlet| async move { send_rows(&app, &caller, reading, &outlet).await }))
}

/// The number of the next row to read, for each attempt and writer.
type Positions = BTreeMap<(u32, String), u64>;

async fn send_rows(
    app: &Arc<App>,
    caller: &Caller,
    reading: Reading,
    outlet: &Outlet<Block>,
) -> Result<(), Error> {
    let listener = app.wakeups.listen(Topic::Run(reading.run.clone()));
    let reading = Arc::new(reading);
    let mut positions = Positions::new();
    while outlet.is_wanted().await {
        let woken = listener.woken();
        permit::still(app, caller)?;
        let room = Ahead::take(app);
        let (wanted, at, bytes) = (reading.clone(), positions.clone(), room.bytes());
        let (blocks, is_over) =
            app.read(move |tx, app| next_blocks(tx, app, &wanted, &at, bytes)).await?;
        let (came, _room) = (!blocks.is_empty(), room.keep(&blocks));
        for block in blocks {
            positions.insert((block.attempt, block.writer.clone()), block.first + block.rows);
            if !outlet.send(block).await {
                return Ok(());
            }
        }
        if came {
            continue;
        }
        if is_over || !reading.follow {
            return Ok(());
        }
        tokio::select! {
            () = woken => {}
            () = outlet.closed() => return Ok(()),
            () = app.drained() => return Err(shutting_down()),
        }
    }
    Ok(())
}

/// Returns the next blocks of one writer, until they have about `bytes` bytes. If no writer has
/// further blocks, also returns whether the run is over.
fn next_blocks(
    tx: &Tx<'_>,
    app: &App,
    reading: &Reading,
    at: &Positions,
    bytes: usize,
) -> Result<(Vec<Block>, bool), Error> {
    let (run, limit) = (lookup::find(tx, &reading.run)?, app.settings.limits.blocks);
    for (attempt, writer) in store::blocks::writers(tx, run.key, reading.stream, reading.attempt)? {
        let stream = Stream { run: run.key, name: reading.stream, attempt, writer: &writer };
        let from = at.get(&(attempt, writer.clone())).copied().unwrap_or(0);
        let (mut messages, mut left) = (Vec::new(), bytes);
        for block in store::blocks::after(tx, stream, from, limit, PAGE_BYTES)? {
            let end = block.first + block.rows;
            let some = pieces::messages(tx, block, from, left)?;
            left = left.saturating_sub(some.iter().map(|message| message.frames.len()).sum());
            let is_whole = some.last().is_some_and(|last| last.first + last.rows == end);
            messages.extend(some);
            if !is_whole || left == 0 {
                break;
            }
        }
        if !messages.is_empty() {
            return Ok((messages, false));
        }
    }
    Ok((Vec::new(), !run.state.is_live()))
}

/// Returns the error of a stream that ends because the controller is shutting down. A client may
/// try again soon.
pub(in crate::app) fn shutting_down() -> Error {
    store::Error::Busy("the controller is shutting down".to_owned()).into()
}
