//! Early stopping, decided when rows arrive: in the transaction of an append that takes a run across a rung. Called by
//! `app::ingest`, which counts; what decides is `sweeps::stopping`. An ordinary append, one that crosses no rung, costs
//! nothing here. Never looks at a run that is over, or that is to end already.

use record::RowRef;
use sweeps::{
    lifecycle::run::State,
    stopping::{self, Arrival, Verdict},
};

use super::{change::Change, digest, error::Error, plan::Plan, standings::Joined};
use crate::store::{self, rungs::Reached, runs::Run};

/// Why a run is to end that a rule has stopped.
pub(super) const PRUNED: &str = "pruned";

/// Counts the finite values of the metric in these rows of history, as many as `values`, and judges the run at each rung
/// that they cross, up to the one that stops it. `run.value` is still the best before them. The caller saves the run.
///
/// # Errors
/// When the database fails.
pub(super) fn count(
    change: &mut Change<'_>,
    run: &mut Run,
    plan: &Plan,
    frames: &[u8],
    values: u64,
) -> Result<(), Error> {
    let before = run.iteration;
    run.iteration += values;
    let Some(rule) = &plan.config.early_terminate else { return Ok(()) };
    let Some(mut rung) = rule.next_rung(before).filter(|rung| *rung <= run.iteration) else { return Ok(()) };
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
fn arrive(change: &Change<'_>, run: &Run, plan: &Plan, arrival: &Arrival) -> Result<Verdict, Error> {
    let Some(rule) = &plan.config.early_terminate else { return Ok(Verdict::GoOn) };
    let (tx, maximize) = (change.tx, plan.study.maximize);
    let again = run.attempt > 1 && store::rungs::supersede(tx, run.key, run.attempt, arrival.iteration)?;
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
