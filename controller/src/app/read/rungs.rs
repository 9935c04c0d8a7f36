//! Says what early stopping decided at each rung of a sweep. `api::web` calls this module, which
//! changes nothing.

use std::sync::Arc;

use record::ids::SweepId;

use crate::{
    app::{
        App,
        error::Error,
        people::{
            caller::{Caller, Right},
            permit,
        },
        sweeps::stored,
    },
    store::{self, rungs::Passage},
};

/// The trials at one rung.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rung {
    /// The rung: how often a trial has logged the metric with a finite value.
    pub(crate) iteration: u64,
    /// The worst value with which the newest trial went on; `None` if all trials go on.
    pub(crate) threshold: Option<f64>,
    /// The numbers of the trials that went on.
    pub(crate) went_on: Vec<u64>,
    /// The numbers of the trials that had to end.
    pub(crate) stopped: Vec<u64>,
}

/// Returns the rungs that trials of a sweep have reached, in rising order.
///
/// # Errors
/// Fails with [`Error::Missing`] if the sweep does not exist.
pub(crate) async fn of_sweep(
    app: &Arc<App>,
    caller: &Caller,
    sweep: SweepId,
) -> Result<Vec<Rung>, Error> {
    permit::sweep(app, caller, Right::See, &sweep).await?;
    let passages = app.read(move |tx, _| {
        stored::progress(tx, &sweep)?;
        Ok(store::rungs::passages(tx, &sweep)?)
    });
    let mut rungs: Vec<Rung> = Vec::new();
    for Passage { iteration, trial, stopped, threshold } in passages.await? {
        if rungs.last().is_none_or(|rung| rung.iteration != iteration) {
            rungs.push(Rung { iteration, ..Rung::default() });
        }
        let Some(rung) = rungs.last_mut() else { continue };
        rung.threshold = threshold;
        if stopped { rung.stopped.push(trial) } else { rung.went_on.push(trial) }
    }
    Ok(rungs)
}
