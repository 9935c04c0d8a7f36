//! Serves what early stopping decided at each rung of a sweep.

use axum::{Json, extract::Path};
use serde::Serialize;

use super::{asked::Nothing, error::Problem, session::Call};
use crate::app::read::rungs;

/// The rungs that trials of a sweep have reached.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Rungs {
    rungs: Vec<SweepRung>,
}

/// The trials at one rung.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct SweepRung {
    /// How often a trial has logged the metric with a finite value when it is judged.
    iteration: u64,
    /// The worst value with which the newest trial went on; `null` if all trials go on.
    threshold: Option<f64>,
    /// The numbers of the trials that went on.
    went_on: Vec<u64>,
    /// The numbers of the trials that had to end.
    stopped: Vec<u64>,
}

/// Returns the rungs, in rising order.
pub(super) async fn list(Path(sweep): Path<String>, call: Call) -> Result<Json<Rungs>, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let found = rungs::of_sweep(&app, &caller, sweep.into()).await?;
    let rungs = found.into_iter().map(|rung| {
        let rungs::Rung { iteration, threshold, went_on, stopped } = rung;
        SweepRung { iteration, threshold, went_on, stopped }
    });
    Ok(Json(Rungs { rungs: rungs.collect() }))
}
