//! Gathers what a new sweep starts from: the trials of earlier sweeps, and runs that it is given.
//! `app::sweeps::manage` calls this module once, when the new sweep is created, and stores the
//! trials with the new sweep. The earlier sweeps and runs are never read again, so their later
//! changes change no suggestion.

use record::ids::SweepId;
use sweeps::{config::Metric, lifecycle::run::State, search::Earlier};

use super::{constraints, plan::Plan};
use crate::{
    app::{App, error::Error, rows::summaries},
    store::{self, Tx, runs::Run},
};

/// The most trials that a new sweep takes over, from all earlier sweeps and runs together.
const MOST: usize = 200;

/// The trials that a new sweep starts from.
#[derive(Debug, Default)]
pub(in crate::app) struct Gathered {
    /// The trials, best first.
    pub(in crate::app) trials: Vec<Earlier>,
    /// The warnings for users: one for each sweep without a usable trial, and one if none of the
    /// given runs is usable.
    pub(in crate::app) warnings: Vec<String>,
}

/// Gathers the best finished trials of the sweeps that the plan's `warm_start` names, and of the
/// runs in `given`. Gathers nothing if the plan has no metric, or if its method uses no history.
///
/// # Errors
/// Fails with [`Error::Invalid`] if one of these sweeps does not exist.
pub(in crate::app) fn gather(
    tx: &Tx<'_>,
    app: &App,
    plan: &Plan,
    given: &[Run],
) -> Result<Gathered, Error> {
    let mut gathered = Gathered::default();
    let Some(metric) = plan.metric().filter(|_| plan.needs_history()) else { return Ok(gathered) };
    for (sweep, id) in plan.config.warm_start.iter().enumerate() {
        let found = of_sweep(tx, app, plan, metric, &SweepId::from(id.as_str()))?;
        gathered.add(plan, metric, sweep, found, || {
            format!("`warm_start`: no finished run of sweep `{id}`")
        });
    }
    if !given.is_empty() {
        let found = of_runs(tx, app, plan, metric, given)?;
        // The search takes these runs as one more earlier sweep.
        gathered.add(plan, metric, plan.config.warm_start.len(), found, || {
            "prior runs: none that finished".to_owned()
        });
    }
    // The sort is stable: trials of equal value keep the order of their sweeps and numbers.
    gathered.trials.sort_by(|one, other| match metric.maximize {
        true => other.value.total_cmp(&one.value),
        false => one.value.total_cmp(&other.value),
    });
    gathered.trials.truncate(MOST);
    Ok(gathered)
}

impl Gathered {
    /// Adds the usable trials of one sweep, or a warning that begins with `none` if it has none.
    fn add(
        &mut self,
        plan: &Plan,
        metric: &Metric,
        sweep: usize,
        found: Vec<(serde_json::Value, f64)>,
        none: impl FnOnce() -> String,
    ) {
        if found.is_empty() {
            let within =
                if plan.study.constraints.is_empty() { "" } else { " within all `constraints`" };
            let (none, name) = (none(), &metric.name);
            self.warnings.push(format!("warning: {none} has a value of `{name}`{within}"));
        }
        let trials = found.into_iter().map(|(config, value)| Earlier { sweep, config, value });
        self.trials.extend(trials);
    }
}

/// Returns the config and the value of each of these runs that the new sweep can use.
fn of_runs(
    tx: &Tx<'_>,
    app: &App,
    plan: &Plan,
    metric: &Metric,
    given: &[Run],
) -> Result<Vec<(serde_json::Value, f64)>, Error> {
    let mut found = Vec::new();
    for run in given.iter().filter(|run| run.state == State::Finished) {
        let theirs = run.sweep.as_ref().map(|sweep| app.plans.get(tx, sweep)).transpose()?;
        let same = theirs.is_some_and(|theirs| is_same(theirs.metric(), metric));
        found.extend(value(tx, plan, metric, run, same)?.map(|value| (run, value)));
    }
    found.into_iter().map(|(run, value)| Ok((config(run)?, value))).collect()
}

/// Returns whether another sweep optimises this metric.
fn is_same(other: Option<&Metric>, metric: &Metric) -> bool {
    let key = |metric: &Metric| (metric.name.clone(), metric.maximize);
    other.is_some_and(|other| key(other) == key(metric))
}

fn config(run: &Run) -> Result<serde_json::Value, Error> {
    serde_json::from_str(&run.config)
        .map_err(|error| Error::damaged(format!("the config of {} is damaged: {error}", run.id)))
}

/// Returns the config and the value of each finished run of the sweep `id` that the new sweep can
/// use.
fn of_sweep(
    tx: &Tx<'_>,
    app: &App,
    plan: &Plan,
    metric: &Metric,
    id: &SweepId,
) -> Result<Vec<(serde_json::Value, f64)>, Error> {
    let progress = store::sweeps::progress(tx, id)?.ok_or_else(|| {
        Error::invalid(format!("`warm_start` names the sweep `{id}`, which does not exist"))
            .hint("`sweep ls` shows what there is")
    })?;
    let theirs = app.plans.get(tx, id)?;
    let same = is_same(theirs.metric(), metric);
    let (mut found, mut from) = (Vec::new(), 0);
    while from < progress.next_trial {
        let limit = app.settings.limits.page;
        let page = store::runs::page_of_states(tx, id, from, &[State::Finished], limit)?;
        let Some(last) = page.last() else { break };
        from = last.trial.unwrap_or_default() + 1;
        for run in &page {
            if let Some(value) = value(tx, plan, metric, run, same)? {
                found.push((config(run)?, value));
            }
        }
    }
    Ok(found)
}

/// Returns the value that an earlier run has for the new sweep. If both sweeps optimise the same
/// metric, this is the run's value. If not, it is the last value of the new sweep's metric that the
/// run logged. Returns `None` for a run without a value, or if the run violates a constraint of the
/// new sweep.
fn value(
    tx: &Tx<'_>,
    plan: &Plan,
    metric: &Metric,
    run: &Run,
    same: bool,
) -> Result<Option<f64>, Error> {
    if same && (plan.study.constraints.is_empty() || run.value.is_none()) {
        return Ok(run.value);
    }
    let summary = summaries::of(tx, run)?;
    let constrained = constraints::in_summary(plan, &summary);
    let value = if same { run.value } else { summary.number(&metric.name) };
    Ok(value.filter(|_| plan.study.is_feasible(&constrained)))
}
