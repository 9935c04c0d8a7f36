//! Reads how the best value of sweeps improved: over their trials, over time, and over the hours
//! that their runs took. `api::web` calls this module. It changes nothing.

use std::sync::Arc;

use record::ids::{RunId, SweepId};
use sweeps::lifecycle::run::State;

use super::views;
use crate::{
    app::{
        App,
        error::Error,
        people::{
            caller::{Caller, Right},
            permit,
        },
        sweeps::{plan::Plan, stored},
    },
    store::{self, Tx, places::Ended},
};

/// The most sweeps that one call may name.
const SWEEPS: usize = 50;
/// The most improvements of one sweep: the newest ones.
const STEPS: usize = 200;

/// How the best value of a sweep improved.
#[derive(Clone, Debug)]
pub(crate) struct Climb {
    /// The sweep.
    pub(crate) sweep: SweepId,
    /// The improvements, the oldest first.
    pub(crate) steps: Vec<Step>,
    /// The place after the last trial that has ended.
    pub(crate) end: Place,
    /// The parameters of the best run, as a JSON object; `None` without a best run.
    pub(crate) best_config: Option<String>,
}

/// An improvement of the best value.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// Where it happened.
    pub(crate) at: Place,
    /// The run that made it.
    pub(crate) run: RunId,
    /// Its value.
    pub(crate) value: f64,
}

/// A place in the life of a sweep.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    /// The number of trials that had ended.
    pub(crate) trials: u64,
    /// The time since the first trial began, in milliseconds.
    pub(crate) ms: i64,
    /// The time that the ended trials took together, in milliseconds.
    pub(crate) work_ms: i64,
}

/// Returns how the best values of these sweeps improved.
///
/// # Errors
/// Fails with [`Error::Missing`] if a sweep does not exist, and with [`Error::Invalid`] if there
/// are too many.
pub(crate) async fn read(
    app: &Arc<App>,
    caller: &Caller,
    sweeps: Vec<SweepId>,
) -> Result<Vec<Climb>, Error> {
    if sweeps.len() > SWEEPS {
        let message = format!("the call names {} sweeps; the limit is {SWEEPS}", sweeps.len());
        return Err(Error::invalid(message));
    }
    for sweep in &sweeps {
        permit::sweep(app, caller, Right::See, sweep).await?;
    }
    let mut climbs = Vec::with_capacity(sweeps.len());
    for sweep in sweeps {
        climbs.push(app.read(move |tx, app| climb(tx, app, &sweep)).await?);
    }
    Ok(climbs)
}

fn climb(tx: &Tx<'_>, app: &App, sweep: &SweepId) -> Result<Climb, Error> {
    let (plan, progress) = (app.plans.get(tx, sweep)?, stored::progress(tx, sweep)?);
    let began = views::sweep(tx, app, sweep)?.started_ms;
    let (steps, end) = steps(&plan, began, store::places::ended(tx, sweep)?);
    let best = progress.best_run.as_ref();
    let best = best.map(|run| store::runs::get(tx, run)).transpose()?.flatten();
    let best_config = best.map(|run| run.config);
    Ok(Climb { sweep: sweep.clone(), steps, end, best_config })
}

/// Returns the improvements among the ended trials, which come in the order of their ends.
fn steps(plan: &Plan, began: Option<i64>, trials: Vec<Ended>) -> (Vec<Step>, Place) {
    let (mut steps, mut at): (Vec<Step>, _) = (Vec::new(), Place::default());
    for ended in trials {
        let started = ended.started_ms.unwrap_or(ended.ended_ms);
        at.trials += 1;
        at.ms = ended.ended_ms.saturating_sub(began.unwrap_or(started)).max(0);
        at.work_ms += ended.ended_ms.saturating_sub(started).max(0);
        let Some(value) = ended.value.filter(|_| ended.state == State::Finished) else { continue };
        let is_better = steps.last().is_none_or(|best| plan.is_better(value, best.value));
        if is_better && plan.study.is_feasible(&ended.constrained) {
            steps.push(Step { at, run: ended.run, value });
        }
    }
    let old = steps.len().saturating_sub(STEPS);
    steps.drain(..old);
    (steps, at)
}
