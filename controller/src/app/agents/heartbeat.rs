//! Agents ask what to do. A heartbeat is a long poll: it says what the agent holds, and is answered
//! at once when the orders differ from that. Called by the doors. What is decided stands in
//! `app::agents::orders`.

use std::{pin::pin, sync::Arc, time::Duration};

use probes::{Bug, planted};
use tokio::time::Instant;

use super::{
    messages::{Beat, Orders, RunAttempt, Start},
    orders::{Draft, decide},
};
use crate::{
    app::{
        App,
        caller::Caller,
        change::wakeups::{Ring, Topic},
        error::Error,
        limits::{check_list, check_name},
        sweeps::{plan::Plan, planning, suggest},
    },
    store::runs::Run,
};

/// An agent, for people.
#[derive(Clone, Debug)]
pub(crate) struct AgentView {
    /// Its id.
    pub(crate) agent: String,
    /// Name of its machine.
    pub(crate) host: String,
    /// The sweep that it works for.
    pub(crate) sweep: String,
    /// Trials that it runs at most at once.
    pub(crate) slots: u32,
    /// Trials that it would start now.
    pub(crate) free: u32,
    /// "CPU" or the names of its GPUs.
    pub(crate) devices: Vec<String>,
    /// Runs that it holds.
    pub(crate) runs: Vec<String>,
    /// Slots that their ended trials still occupy, a sentence each.
    pub(crate) set_aside: Vec<String>,
    /// How long ago it was heard of.
    pub(crate) seen_ago: Duration,
}

/// Answers a heartbeat.
///
/// # Errors
/// Missing when the sweep does not exist; refused when a newer heartbeat of the agent was heard.
pub(crate) async fn heartbeat(
    app: &Arc<App>,
    caller: &Caller,
    beat: Beat,
) -> Result<Orders, Error> {
    caller.admin()?;
    check(app, &beat)?;
    planning::of(app, &beat.sweep).await?;
    for held in &beat.holds {
        planning::of_run(app, &held.run).await?;
    }
    let beat = Arc::new(beat);
    let now = app.clock.now();
    app.presences.arrive(&beat, now)?;
    for held in beat.holds.iter().filter(|_| !planted(Bug::LeasesNotRenewed)) {
        app.leases.renew(&held.run, held.attempt, now);
    }
    // An older heartbeat that still waits looks again, and finds that it is not the newest any
    // more.
    app.bell.ring(&[Ring::All(Topic::Agent(beat.agent.clone()))]);
    let own = app.bell.listen(Topic::Agent(beat.agent.clone()));
    let work = app.bell.listen(Topic::Work(beat.sweep.clone()));
    let deadline = now + beat.wait.min(app.settings.lease / 3);
    // A full agent would use up a ring that is meant for one who has room. That its sweep is over
    // concerns it only once it holds nothing.
    let waits_for_work = beat.free > 0 || beat.holds.is_empty();
    loop {
        let (own, mut work) = (own.ring(), pin!(work.ring()));
        if waits_for_work {
            // In line before the look: rings for one are kept for those in line, and passed on by
            // those who leave it.
            work.as_mut().enable();
        }
        let draft = draft(app, &beat, deadline).await?;
        let repeats = draft.repeats();
        let until = if repeats.is_empty() {
            deadline
        } else {
            deadline.min(now + app.settings.repeat_orders)
        };
        let is_over = draft.state.is_over() && beat.holds.is_empty();
        let is_news =
            !draft.fresh.is_empty() || is_over || app.presences.is_news(&beat.agent, &repeats);
        if is_news || app.clock.now() >= until || app.is_draining() {
            app.presences.told(&beat.agent, repeats);
            return orders(app, &beat, draft).await;
        }
        tokio::select! {
            biased;
            () = own => {}
            () = work, if waits_for_work => {}
            () = app.clock.sleep_until(until) => {}
            () = app.drained() => {}
        }
    }
}

fn check(app: &App, beat: &Beat) -> Result<(), Error> {
    let limits = &app.settings.limits;
    if beat.agent.is_empty() {
        return Err(Error::invalid("an agent has an id"));
    }
    // It is kept in a database that has no larger numbers.
    if i64::try_from(beat.incarnation).is_err() {
        let message =
            format!("the incarnation {} is too large: {} at most", beat.incarnation, i64::MAX);
        return Err(Error::invalid(message)
            .hint("count an agent's starts, or take milliseconds since 1970"));
    }
    // Beside those that it holds by right it names those that it has lost without knowing.
    let most = 2 * limits.holds;
    if beat.holds.len().max(beat.declined.len()) > most {
        return Err(Error::invalid(format!("an agent names {most} runs at most")));
    }
    check_name(limits, "the agent's id", &beat.agent)?;
    check_name(limits, "the sweep's id", &beat.sweep)?;
    check_name(limits, "the machine's name", &beat.host)?;
    check_list(limits, "devices", &beat.devices)?;
    check_list(limits, "slots that are set aside", &beat.set_aside)?;
    let texts = [&beat.agent, &beat.sweep, &beat.host]
        .into_iter()
        .chain(&beat.devices)
        .chain(&beat.set_aside)
        .map(String::len)
        .sum::<usize>();
    if texts > limits.text_bytes {
        return Err(Error::invalid(format!(
            "names and notes of an agent of more than {} bytes",
            limits.text_bytes
        )));
    }
    Ok(())
}

/// What the rows say, and one more trial if a model has to propose it. One at a time: it starts
/// while the next one is proposed.
async fn draft(app: &Arc<App>, beat: &Arc<Beat>, deadline: Instant) -> Result<Draft, Error> {
    let look = beat.clone();
    let mut draft = app.change(move |change| decide(change, &look)).await?;
    if draft.state.is_over() {
        app.searches.forget(&beat.sweep);
    }
    if draft.wants_model && draft.fresh.is_empty() {
        let plan = planning::of(app, &beat.sweep).await?;
        match suggest::by_model(app, &plan, beat, deadline).await? {
            Some(run) => draft.fresh.push(run),
            None => {
                let look = beat.clone();
                draft = app.change(move |change| decide(change, &look)).await?;
            }
        }
    }
    Ok(draft)
}

impl Draft {
    /// Orders that may have been told before.
    fn repeats(&self) -> Vec<(String, u32)> {
        let starts = self.again.iter().map(|run| (run.id.clone(), run.attempt));
        let stops = self.stop.iter().map(|stop| (stop.of.run.clone(), stop.of.attempt));
        starts.chain(stops).collect()
    }
}

async fn orders(app: &Arc<App>, beat: &Beat, draft: Draft) -> Result<Orders, Error> {
    let mut start = Vec::new();
    for run in draft.again.into_iter().chain(draft.fresh) {
        let sweep = run.sweep.as_deref().unwrap_or(&beat.sweep);
        let plan = planning::of(app, sweep).await?;
        start.push(to_start(app, &plan, run)?);
    }
    Ok(Orders {
        beat: beat.beat,
        start,
        stop: draft.stop,
        keep: draft.keep,
        lease: app.settings.lease,
        state: draft.state,
        note: draft.note,
    })
}

fn to_start(app: &App, plan: &Plan, run: Run) -> Result<Start, Error> {
    let params = serde_json::from_str(&run.config);
    let params = params.map_err(|error| {
        Error::damaged(format!("the parameters of {} are damaged: {error}", run.id))
    })?;
    Ok(Start {
        sweep: plan.id.clone(),
        trial: run.trial.unwrap_or_default(),
        project: run.project,
        command: plan.config.argv(&params),
        params_json: run.config,
        token: app.tokens.of_run(&run.id, run.attempt),
        metric: plan.metric().map(|metric| metric.name.clone()),
        timeout: plan.config.timeout,
        of: RunAttempt { run: run.id, attempt: run.attempt },
    })
}

/// The agents that were heard of lately; those of one sweep, or all when `sweep` is empty.
///
/// # Errors
/// Refused for a run.
pub(crate) fn list(app: &Arc<App>, caller: &Caller, sweep: &str) -> Result<Vec<AgentView>, Error> {
    caller.admin()?;
    let now = app.clock.now();
    let view = |(agent, known): (String, crate::app::agents::registry::Presence)| AgentView {
        agent,
        host: known.host,
        sweep: known.sweep,
        slots: known.slots,
        free: known.free,
        devices: known.devices,
        runs: known.runs,
        set_aside: known.set_aside,
        seen_ago: now.saturating_duration_since(known.seen),
    };
    Ok(app.presences.list(sweep).into_iter().map(view).collect())
}
