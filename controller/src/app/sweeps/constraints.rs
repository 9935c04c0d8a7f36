//! Finds the value of a run that counts for each constraint of its sweep. `app::change` calls this
//! module when a run ends, and `app::sweeps::warm_start` calls it for runs of earlier sweeps. This
//! module never reads a live run, so an append costs the same with and without constraints.
//!
//! The last value that the run logged counts: the value in its stream `summary`, or else the value
//! in its history. For example, a latency or a size counts as it is at the run's end, not as the
//! best value that the run ever logged.

use super::plan::{Plan, Plans};
use crate::{
    app::{
        error::Error,
        rows::{digest::Summary, summaries},
    },
    store::{Tx, runs::Run},
};

/// Returns the value that counts for each constraint of the run's sweep. `None` means that the last
/// value is missing or not finite. The list is empty if the sweep has no constraints.
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
