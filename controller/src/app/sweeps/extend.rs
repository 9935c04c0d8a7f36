//! Raises the cap on the trials of a sweep, so that the sweep creates more of them. The handlers in
//! `api` call this module for users. The configuration stays as it is: the raised cap is a part of
//! the sweep's progress, and every raise is an event of the sweep.

use std::sync::Arc;

use ::sweeps::lifecycle::sweep::{self, Closing};
use record::ids::SweepId;

use super::{plan::Plan, planning};
use crate::{
    app::{
        App,
        change::Change,
        error::{Error, Why},
        people::{
            audit,
            caller::{Caller, Right},
            permit,
        },
        read::views::{self, SweepView},
    },
    store::{self, sweeps::Progress},
};

/// Raises the cap of a sweep by this number of trials. A sweep that has finished because of its cap
/// wants trials again. A second call with the same idempotency key changes nothing.
///
/// # Errors
/// Fails with [`Error::Missing`] if the sweep does not exist. Fails with [`Error::Invalid`] if the
/// number is 0. Fails with [`Error::Refused`] if a higher cap would give the sweep no
/// further trial.
pub(crate) async fn extend(
    app: &Arc<App>,
    caller: &Caller,
    id: SweepId,
    runs: u64,
    key: Option<String>,
) -> Result<SweepView, Error> {
    permit::sweep(app, caller, Right::Steer, &id).await?;
    if runs == 0 {
        let hint = "`runs` is the number of further trials, at least 1";
        return Err(Error::invalid("`runs` is 0").hint(hint));
    }
    if key.as_ref().is_some_and(|key| key.len() > app.settings.limits.text_bytes) {
        return Err(Error::invalid("the idempotency key is too long"));
    }
    let (sweep, who) = (id.clone(), caller.who());
    let key = key.map(|key| caller.own_key(key));
    let plan = planning::of(app, &id).await?;
    let work = move |change: &mut Change<'_>| {
        let known = |key| store::sweeps::was_raised(change.tx, &sweep, key);
        if key.as_deref().map(known).transpose()? == Some(true) {
            return Ok(());
        }
        let progress = change.progress(&sweep)?;
        let cap = raised(&plan, progress, runs)?;
        progress.cap = Some(cap);
        progress.closing = None;
        progress.ended_ms = None;
        change.sweep_step(&sweep, sweep::Event::Extend)?;
        if let Some(key) = &key {
            store::sweeps::insert_raise(change.tx, &sweep, key, cap)?;
        }
        audit::note(change, who, "extend sweep", sweep.as_str(), Some(plan.project.clone()))
    };
    app.change(work).await?;
    views::get_sweep(app, caller, id).await
}

/// Returns the cap of the sweep after a raise by this number of trials.
///
/// # Errors
/// Fails with [`Error::Refused`] if a higher cap would give the sweep no further trial.
fn raised(plan: &Plan, progress: &Progress, runs: u64) -> Result<u64, Error> {
    let id = &plan.id;
    let anew = format!("a new sweep with `warm_start: [{id}]` starts from its results");
    let refused = |why: &str, hint: String| {
        Err(Error::refused(Why::State, format!("sweep `{id}` gets no more trials: {why}"))
            .hint(hint))
    };
    let Some(cap) = progress.cap.or(plan.config.run_cap) else {
        let hint = match plan.points {
            Some(points) => format!("it tries each of its {points} points without one"),
            None => format!("it creates trials until `sweep stop {id}`"),
        };
        return refused("it has no `run_cap` to raise", hint);
    };
    match progress.closing {
        None | Some(Closing::Cap) => {}
        Some(why @ Closing::Stopped) if !progress.state.is_over() => {
            let hint = format!("`sweep resume {id}` lets it create trials again; then extend it");
            return refused(why.sentence(), hint);
        }
        Some(why) => return refused(why.sentence(), anew),
    }
    if let Some(points) = plan.points.filter(|points| *points <= cap) {
        return refused(&format!("its cap is {cap}, and its space has {points} points"), anew);
    }
    // A cap above the number of points would say that trials come which never will. The database
    // has no larger number than `i64::MAX`.
    let cap = cap.saturating_add(runs).min(i64::MAX.cast_unsigned());
    Ok(plan.points.map_or(cap, |points| cap.min(points)))
}
