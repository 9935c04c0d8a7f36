//! Early stopping, decided when rows arrive: in the transaction of an append that takes a run
//! across a rung. Called by `app::rows::ingest`, which counts; what decides is `sweeps::stopping`.
//! An ordinary append, one that crosses no rung, costs nothing here. Never looks at a run that is
//! over, or that is to end already. What people are told of a rule that judges nobody is here too,
//! for `app::runs::end` and `app::read::views`.

use record::RowRef;
use sweeps::{
    lifecycle::run::State,
    stopping::{self, Arrival, Verdict},
};

use super::{digest, rung_costs::Joined};
use crate::{
    app::{
        App,
        change::{Change, PRUNED},
        error::Error,
        sweeps::plan::Plan,
    },
    store::{self, Tx, rungs::Reached, runs::Run, sweeps::Progress},
};

/// Counts the finite values of the metric in these rows of history, as many as `values`, and judges
/// the run at each rung that they cross, up to the one that stops it. `run.value` is still the best
/// before them. The caller saves the run.
///
/// # Errors
/// When the database fails.
pub(in crate::app) fn count(
    change: &mut Change<'_>,
    run: &mut Run,
    plan: &Plan,
    frames: &[u8],
    values: u64,
) -> Result<(), Error> {
    let before = run.iteration;
    run.iteration += values;
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
            return change.want_stop(run, PRUNED);
        }
        match rule.next_rung(iteration) {
            Some(next) => rung = next,
            None => break,
        }
    }
    Ok(())
}

/// What to say of a sweep in which trials have finished and none was ever judged.
///
/// # Errors
/// When the database fails.
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

/// The note of a run that finished and was never judged, where no run of its sweep has been.
///
/// # Errors
/// When the database fails.
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
        {first} on: \
         it can stop no trial like this one"
    )))
}

/// The metric, and how often it is logged when a trial is judged for the first time.
fn first_rung(plan: &Plan) -> Option<(&str, u64)> {
    let first = plan.config.early_terminate.as_ref()?.next_rung(0)?;
    Some((&plan.metric()?.name, first))
}

/// The finite values of the sweep's metric, in order.
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

/// Decides at one rung and writes the decision.
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
    change.app.standings.at(tx, &plan.id, arrival.iteration, again, |others| {
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
