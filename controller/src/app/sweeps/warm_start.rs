//! The trials of earlier sweeps that a new sweep starts from: gathered once, when it is created,
//! and kept with it. Used by `app::sweeps::manage`. Never reads them again: what happens to the
//! earlier sweeps afterwards changes no suggestion.

use sweeps::{config::Metric, lifecycle::run::State, search::Earlier};

use super::{constraints, plan::Plan};
use crate::{
    app::{App, error::Error, rows::summaries},
    store::{self, Tx, runs::Run},
};

/// Most trials that are taken over, of all earlier sweeps together.
const MOST: usize = 200;

/// What a new sweep starts from.
#[derive(Debug, Default)]
pub(in crate::app) struct Gathered {
    /// Best first.
    pub(in crate::app) trials: Vec<Earlier>,
    /// For people: sweeps that had nothing to give.
    pub(in crate::app) warnings: Vec<String>,
}

/// The best finished trials of the sweeps that the plan names, if its method learns from them.
///
/// # Errors
/// Invalid when there is no such sweep.
pub(in crate::app) fn gather(tx: &Tx<'_>, app: &App, plan: &Plan) -> Result<Gathered, Error> {
    let mut gathered = Gathered::default();
    let Some(metric) = plan.metric().filter(|_| plan.needs_history()) else { return Ok(gathered) };
    for (sweep, id) in plan.config.warm_start.iter().enumerate() {
        let found = of_sweep(tx, app, plan, metric, id)?;
        if found.is_empty() {
            let within =
                if plan.study.constraints.is_empty() { "" } else { " within all `constraints`" };
            gathered.warnings.push(format!(
                "warning: `warm_start`: no finished run of sweep `{id}` has a value of \
                `{}`{within}",
                metric.name
            ));
        }
        let trials = found.into_iter().map(|(config, value)| Earlier { sweep, config, value });
        gathered.trials.extend(trials);
    }
    // Stable: of equal ones the first sweep's first trial stays first.
    gathered.trials.sort_by(|one, other| match metric.maximize {
        true => other.value.total_cmp(&one.value),
        false => one.value.total_cmp(&other.value),
    });
    gathered.trials.truncate(MOST);
    Ok(gathered)
}

/// Config and value of each run that can be used.
fn of_sweep(
    tx: &Tx<'_>,
    app: &App,
    plan: &Plan,
    metric: &Metric,
    id: &str,
) -> Result<Vec<(serde_json::Value, f64)>, Error> {
    let progress = store::sweeps::progress(tx, id)?.ok_or_else(|| {
        Error::invalid(format!("`warm_start` names the sweep `{id}`, and there is none"))
            .hint("`sweep ls` shows what there is")
    })?;
    let theirs = app.plans.get(tx, id)?;
    let same = theirs
        .metric()
        .is_some_and(|other| (&other.name, other.maximize) == (&metric.name, metric.maximize));
    let (mut found, mut from) = (Vec::new(), 0);
    while from < progress.next_trial {
        let page = store::runs::page(tx, id, from, app.settings.limits.page)?;
        from += page.len().max(1) as u64;
        for run in page.iter().filter(|run| run.state == State::Finished) {
            if let Some(value) = value(tx, plan, metric, run, same)? {
                let config = serde_json::from_str(&run.config).map_err(|error| {
                    Error::damaged(format!("the config of {} is damaged: {error}", run.id))
                })?;
                found.push((config, value));
            }
        }
    }
    Ok(found)
}

/// What the run is worth to the new sweep: its value where both sweeps optimise the same metric,
/// else the last one that it logged. A run beyond the new sweep's constraints is of no use.
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
