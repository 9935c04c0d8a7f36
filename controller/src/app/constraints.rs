//! Constraints of a sweep: which value of a run counts for each, and what follows when late rows change one. Used by
//! `app::change` when a run ends, by `app::ingest` after that, and by `app::warm_start`. Never looks at a run that goes on:
//! an append costs the same with and without constraints.
//!
//! The value that counts is the last one that the run logged, in its summary stream or else in its history: a latency or a size
//! is what it is at the end, not the best that it ever was.

use super::{change::Change, digest::Summary, error::Error, plan::Plan, summaries};
use crate::store::{self, runs::Run};

/// The value that counts for each constraint of the run's sweep; empty where there are none.
///
/// # Errors
/// When the database fails.
pub(super) fn values(change: &Change<'_>, run: &Run) -> Result<Vec<Option<f64>>, Error> {
    let Some(sweep) = &run.sweep else { return Ok(Vec::new()) };
    let plan = change.app.plans.get(change.tx, sweep)?;
    if plan.study.constraints.is_empty() {
        return Ok(Vec::new());
    }
    Ok(in_summary(&plan, &summaries::of(change.tx, run)?))
}

/// The value in a summary that counts for each constraint of a plan.
pub(super) fn in_summary(plan: &Plan, summary: &Summary) -> Vec<Option<f64>> {
    plan.study.constraints.iter().map(|limit| summary.number(&limit.metric)).collect()
}

/// Takes late rows of a run that is over into account; true when a value changed. The caller saves the run.
///
/// # Errors
/// When the database fails.
pub(super) fn correct(change: &mut Change<'_>, run: &mut Run) -> Result<bool, Error> {
    let now = values(change, run)?;
    if now == run.constrained {
        return Ok(false);
    }
    run.constrained = now;
    store::runs::save(change.tx, run)?;
    let Some(sweep) = run.sweep.clone() else { return Ok(true) };
    let plan = change.plan(&sweep)?;
    if plan.study.is_feasible(&run.constrained) {
        change.improved(run)?;
    } else if change.progress(&sweep)?.best_run.as_ref() == Some(&run.id) {
        choose_again(change, &sweep)?;
    }
    Ok(true)
}

/// Looks for the best run among all: the one that was does not count any more.
fn choose_again(change: &mut Change<'_>, sweep: &str) -> Result<(), Error> {
    let progress = change.progress(sweep)?;
    (progress.best_run, progress.best_value) = (None, None);
    for run in store::runs::valued(change.tx, sweep)? {
        change.improved(&run)?;
    }
    Ok(())
}
