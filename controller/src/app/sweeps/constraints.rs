//! Constraints of a sweep: which value of a run counts for each. Used by `app::change` when a run
//! ends, and by `app::sweeps::warm_start`. Never looks at a run that goes on: an append costs the
//! same with and without constraints.
//!
//! The value that counts is the last one that the run logged, in its summary stream or else in its
//! history: a latency or a size is what it is at the end, not the best that it ever was.

use super::plan::{Plan, Plans};
use crate::{
    app::{
        error::Error,
        rows::{digest::Summary, summaries},
    },
    store::{Tx, runs::Run},
};

/// The value that counts for each constraint of the run's sweep; empty where there are none.
///
/// # Errors
/// When the database fails.
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

/// The value in a summary that counts for each constraint of a plan.
pub(in crate::app) fn in_summary(plan: &Plan, summary: &Summary) -> Vec<Option<f64>> {
    plan.study.constraints.iter().map(|limit| summary.number(&limit.metric)).collect()
}
