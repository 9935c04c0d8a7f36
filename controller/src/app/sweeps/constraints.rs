//! Evaluates the constraints of a sweep: it returns the value of a run that counts for each.
//! `app::change` uses it when a run ends, and so does `app::sweeps::warm_start`. It never looks at
//! a live run, so an append costs the same with and without constraints.
//!
//! The value that counts is the last one that the run logged, in its summary stream or else in its
//! history. A latency or a size is what it is at the end, not the best that it ever was.

use super::plan::{Plan, Plans};
use crate::{
    app::{
        error::Error,
        rows::{digest::Summary, summaries},
    },
    store::{Tx, runs::Run},
};

/// Returns the value that counts for each constraint of the run's sweep. The list is empty if the
/// sweep has no constraints.
pub(in crate::app) fn values(
    tx: &Tx<'_>,
    plans: &Plans,
    run: &Run,
) -> Result<Vec<Option<f64>>, Error> {
    let Some(sweep) = &run.sweep else { return Ok(Vec::new()) };
    let plan = plans.get(tx, sweep)?;
    if plan.study.constraints.is_empty() {
        return Ok(Vec::new());
    }
    Ok(in_summary(&plan, &summaries::of(tx, run)?))
}

/// Returns the value in a summary that counts for each constraint of a plan.
pub(in crate::app) fn in_summary(plan: &Plan, summary: &Summary) -> Vec<Option<f64>> {
    plan.study.constraints.iter().map(|limit| summary.number(&limit.metric)).collect()
}
