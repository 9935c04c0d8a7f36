//! Applies early stopping when rows arrive, in the transaction of the append that takes a run
//! across a rung. `app::rows::ingest` calls this module. This module counts values, and
//! `sweeps::stopping` decides. For an append that crosses no rung, this module decodes no rows and
//! reads no database rows. This module judges only running trials that are not ordered to stop.
//! This module also writes the notes on an early-stopping rule that judges no trial, for
//! `app::runs::end` and `app::read::views`.

use record::RowRef;
use sweeps::{
    lifecycle::run::{State, StopReason},
    stopping::{self, Arrival, Verdict},
};

use super::{digest, rung_costs::Joined};
use crate::{
    app::{
        App,
        change::{Change, draft::Draft},
        error::Error,
        sweeps::plan::Plan,
    },
    store::{self, Tx, rungs::Reached, runs::Run, sweeps::Progress},
};

/// Adds `values`, the number of finite values of the metric in the history rows `frames`, to the
/// run's count. Judges the run at each rung that these values cross, until a rung stops the run.
/// `run.value` must be the best value before these rows.
pub(in crate::app) fn count(
    change: &mut Change<'_>,
    run: &mut Draft<'_>,
    plan: &Plan,
    frames: &[u8],
    values: u64,
) -> Result<(), Error> {
    let before = run.iteration;
    *run.counts().iteration += values;
    let Some(rule) = &plan.config.early_terminate else { return Ok(()) };
    let Some(mut rung) = rule.next_rung(before).filter(|rung| *rung <= run.iteration) else {
        return Ok(());
    };
    if run.state != State::Running || run.stop_wanted.is_some() {
        return Ok(());
    }
    change.tx.decoded(frames.len());
    let mut best = run.value;
    for (iteration, value) in (before + 1..).zip(logged(frames, plan)?) {
        best = best.filter(|best| !plan.is_better(value, *best)).or(Some(value));
        if iteration < rung {
            continue;
        }
        let arrival = Arrival { iteration, value, best: best.unwrap_or(value) };
        if arrive(change, run, plan, &arrival)? == Verdict::Stop {
            return change.want_stop(run, StopReason::Pruned);
        }
        match rule.next_rung(iteration) {
            Some(next) => rung = next,
            None => break,
        }
    }
    Ok(())
}

/// Returns the note on a sweep whose early-stopping rule has judged no trial although trials have
/// finished. Returns `None` for every other sweep.
pub(in crate::app) fn never_judged(
    tx: &Tx<'_>,
    app: &App,
    progress: &Progress,
) -> Result<Option<String>, Error> {
    let plan = app.plans.get(tx, &progress.sweep)?;
    let is_judged = || store::rungs::has_any(tx, &progress.sweep);
    let (Some((metric, first)), 1..) = (first_rung(&plan), progress.finished) else {
        return Ok(None);
    };
    if is_judged()? {
        return Ok(None);
    }
    let often = if first == 1 { "once".to_owned() } else { format!("{first} times") };
    Ok(Some(format!(
        "`early_terminate` has judged no trial, since none logged `{metric}` {often} in its history"
    )))
}

/// Returns the note on a finished run that logged the metric too rarely to reach the first rung.
/// Returns `None` for any other run, and if early stopping has judged some run of the sweep.
pub(in crate::app) fn unjudged(
    tx: &Tx<'_>,
    plan: &Plan,
    run: &Run,
) -> Result<Option<String>, Error> {
    let Some((metric, first)) = first_rung(plan).filter(|(_, first)| run.iteration < *first) else {
        return Ok(None);
    };
    if store::rungs::has_any(tx, &plan.id)? {
        return Ok(None);
    }
    let often = match run.iteration {
        0 => "never".to_owned(),
        1 => "once".to_owned(),
        many => format!("{many} times"),
    };
    Ok(Some(format!(
        "`{metric}` was logged {often} in its history, and `early_terminate` judges a trial from \
        {first} on: it can stop no trial like this one"
    )))
}

/// Returns the sweep's metric, and how often a trial must log the metric before its first rung.
fn first_rung(plan: &Plan) -> Option<(&str, u64)> {
    let first = plan.config.early_terminate.as_ref()?.next_rung(0)?;
    Some((&plan.metric()?.name, first))
}

/// Returns the finite values of the sweep's metric in these frames, in order.
fn logged(frames: &[u8], plan: &Plan) -> Result<Vec<f64>, Error> {
    let metric = plan.metric().map(|metric| metric.name.as_str());
    let mut values = Vec::new();
    let mut add = |row: RowRef<'_>| {
        let of_metric = row.values.iter().filter(|(name, _)| Some(*name) == metric);
        values.extend(of_metric.filter_map(|(_, value)| digest::finite(*value)));
    };
    let damaged = |corrupt| Error::Bug(format!("rows that were checked are damaged: {corrupt}"));
    for frame in record::frames(frames) {
        frame.map_err(damaged)?.each(&mut add).map_err(damaged)?;
    }
    Ok(values)
}

/// Judges a run at one rung, and writes the decision.
fn arrive(
    change: &Change<'_>,
    run: &Run,
    plan: &Plan,
    arrival: &Arrival,
) -> Result<Verdict, Error> {
    let Some(rule) = &plan.config.early_terminate else { return Ok(Verdict::GoOn) };
    let (tx, maximize) = (change.tx, plan.study.maximize);
    let again =
        run.attempt > 1 && store::rungs::supersede(tx, run.key, run.attempt, arrival.iteration)?;
    change.app.rung_costs.at(tx, &plan.id, arrival.iteration, again, |others| {
        let cost = rule.cost(maximize, arrival);
        let decision = stopping::judge(rule, maximize, arrival, others);
        let reached = Reached {
            run: run.key,
            attempt: run.attempt,
            sweep: &plan.id,
            cost,
            best: arrival.best,
            decision,
        };
        let key = store::rungs::insert(tx, &reached)?;
        Ok((decision.verdict, Joined { key, cost }))
    })
}
