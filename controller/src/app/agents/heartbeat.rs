//! Answers the heartbeats of agents. A heartbeat is a long poll that names the attempts which the
//! agent holds. The controller answers as soon as it has an order for the agent, or when the sweep
//! is over and the agent holds no attempt. Without such news, it answers at the end of the poll.
//! The handlers in `api` call this module. `app::agents::orders` decides the orders.

use std::{pin::pin, sync::Arc, time::Duration};

use probes::{Bug, planted};
use record::ids::{Attempt, RunId, SweepId};
use tokio::time::Instant;

use super::{
    messages::{Beat, Held, Orders, Portrait, Start},
    orders::{Draft, decide},
};
use crate::{
    app::{
        App,
        change::wakeups::{Topic, Wake},
        error::Error,
        limits::{check_list, check_name},
        people::{
            caller::{Caller, Right},
            permit,
        },
        sweeps::{plan::Plan, planning, suggest},
    },
    settings::Limits,
    store::runs::Run,
};

/// An agent, as users see it.
#[derive(Clone, Debug)]
pub(crate) struct AgentView {
    /// The agent's id.
    pub(crate) agent: String,
    /// The name of the agent's machine.
    pub(crate) host: String,
    /// The id of the sweep that the agent works for.
    pub(crate) sweep: SweepId,
    /// The most trials that the agent runs at the same time.
    pub(crate) slots: u32,
    /// The number of trials that the agent could start beside those that it held, at its last
    /// heartbeat.
    pub(crate) free: u32,
    /// The names of the agent's devices: its GPUs, or "CPU".
    pub(crate) devices: Vec<String>,
    /// The ids of the runs that the agent holds.
    pub(crate) runs: Vec<RunId>,
    /// One sentence for each ended trial that still occupies its slots, and for each GPU that does
    /// not answer.
    pub(crate) set_aside: Vec<String>,
    /// What people see of the agent's program and machine.
    pub(crate) portrait: Portrait,
    /// The time since the agent's last heartbeat.
    pub(crate) seen_ago: Duration,
}

/// Renews the leases of the attempts that a heartbeat names. Then waits until there is an order or
/// the poll is over, and returns the agent's orders.
///
/// # Errors
/// Fails with [`Error::Missing`] if the sweep does not exist, and with [`Error::Refused`] if the
/// controller has received a newer heartbeat of the agent.
pub(crate) async fn heartbeat(
    app: &Arc<App>,
    caller: &Caller,
    mut beat: Beat,
) -> Result<Orders, Error> {
    check(app, &beat)?;
    permit::sweep(app, caller, Right::Pull, &beat.sweep).await?;
    planning::of(app, &beat.sweep).await?;
    caller.user().clone_into(&mut beat.owner);
    let mut renewed = Vec::with_capacity(beat.holds.len());
    for Held { of, .. } in &beat.holds {
        match permit::run(app, caller, Right::Log, &of.run).await {
            Ok(()) => renewed.push(of.clone()),
            // The orders tell the agent to end an attempt of a run that does not exist.
            Err(Error::Missing(_)) => {}
            Err(error) => return Err(error),
        }
        planning::of_run(app, &of.run).await?;
    }
    let beat = Arc::new(beat);
    let now = app.clock.now();
    app.registry.arrive(&beat, now)?;
    for held in renewed.iter().filter(|_| !planted(Bug::LeasesNotRenewed)) {
        app.leases.renew(held, now);
    }
    // This wake-up makes an older heartbeat of the agent that still waits fail, because it is no
    // longer the newest.
    app.wakeups.wake(&[Wake::All(Topic::Agent(beat.agent.clone()))]);
    let own = app.wakeups.listen(Topic::Agent(beat.agent.clone()));
    let work = app.wakeups.listen(Topic::Work(beat.sweep.clone()));
    let deadline = now + beat.wait.min(app.settings.lease / 3);
    // A wake-up for one trial wakes one agent, and an agent without a free slot would waste it. So
    // such an agent waits for work only if it holds no attempt, because it then has to learn of its
    // sweep's end.
    let waits_for_work = beat.free > 0 || beat.holds.is_empty();
    loop {
        let (own, mut work) = (own.woken(), pin!(work.woken()));
        if waits_for_work {
            // The listener joins the topic's queue before this loop reads the database. A wake-up
            // for one listener goes to a listener in that queue. A woken listener that leaves the
            // queue without waiting passes its wake-up on to another listener.
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
            !draft.fresh.is_empty() || is_over || app.registry.is_news(&beat.agent, &repeats);
        if is_news || app.clock.now() >= until || app.is_draining() {
            app.registry.told(&beat.agent, repeats);
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
        return Err(Error::invalid("the agent's id is empty"));
    }
    // The database stores the incarnation as an `i64`.
    if i64::try_from(beat.incarnation).is_err() {
        let message =
            format!("the incarnation {} is too large; the limit is {}", beat.incarnation, i64::MAX);
        return Err(Error::invalid(message)
            .hint("use the number of the agent's starts, or milliseconds since 1970"));
    }
    // An agent holds at most `limits.holds` attempts by right. The agent may name as many again
    // that the controller has taken away, until it receives the orders to stop them.
    let most = 2 * limits.holds;
    if beat.holds.len().max(beat.declined.len()) > most {
        return Err(Error::invalid(format!("the heartbeat names more than {most} runs")));
    }
    check_portrait(limits, &beat.portrait)?;
    check_name(limits, "the agent's id", &beat.agent)?;
    check_name(limits, "the sweep's id", beat.sweep.as_str())?;
    check_name(limits, "the machine's name", &beat.host)?;
    check_list(limits, "devices", &beat.devices)?;
    check_list(limits, "slots that are set aside", &beat.set_aside)?;
    let lists = beat.devices.iter().chain(&beat.set_aside).map(String::as_str);
    let texts = [beat.agent.as_str(), beat.sweep.as_str(), beat.host.as_str()]
        .into_iter()
        .chain(lists)
        .map(str::len)
        .sum::<usize>();
    if texts > limits.text_bytes {
        return Err(Error::invalid(format!(
            "the names and notes of the agent have more than {} bytes together",
            limits.text_bytes
        )));
    }
    Ok(())
}

fn check_portrait(limits: &Limits, portrait: &Portrait) -> Result<(), Error> {
    let Portrait { version, slots, gauges } = portrait;
    let gpus = || slots.iter().flat_map(|slot| &slot.gpus);
    let entries = slots.len().max(gpus().count()).max(gauges.len());
    let names = gpus().map(|(_, name)| name).chain(gauges.iter().map(|(name, _)| name));
    let bytes = version.len() + names.map(String::len).sum::<usize>();
    if entries > limits.items || bytes > limits.text_bytes {
        return Err(Error::invalid(format!(
            "the heartbeat describes its slots and gauges with {entries} entries of {bytes} bytes; \
            the limits are {} and {}",
            limits.items, limits.text_bytes
        )));
    }
    Ok(())
}

/// Decides the orders from the database. If they contain no fresh run and a model has to propose
/// the next trial, adds this trial. The model proposes one trial per answer, so that the trial
/// starts while the model proposes the next one.
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
    /// Returns the orders in this draft that the agent may have received before: all but the fresh
    /// runs.
    fn repeats(&self) -> Vec<Attempt> {
        let starts = self.again.iter().map(Run::present);
        starts.chain(self.stop.iter().map(|stop| stop.of.clone())).collect()
    }
}

async fn orders(app: &Arc<App>, beat: &Beat, draft: Draft) -> Result<Orders, Error> {
    let mut start = Vec::new();
    for run in draft.again.into_iter().chain(draft.fresh) {
        let sweep = run.sweep.as_ref().unwrap_or(&beat.sweep);
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
    let of = run.present();
    Ok(Start {
        sweep: plan.id.clone(),
        trial: run.trial.unwrap_or_default(),
        project: run.project,
        command: plan.config.argv(&params),
        params_json: run.config,
        token: app.tokens.of(&of),
        metric: plan.metric().map(|metric| metric.name.clone()),
        timeout: plan.config.timeout,
        of,
    })
}

/// Returns the agents that sent a heartbeat within `settings.forget_agents`: those of one sweep, or
/// all.
///
/// # Errors
/// Refuses the token of a run.
pub(crate) async fn list(
    app: &Arc<App>,
    caller: &Caller,
    sweep: Option<SweepId>,
) -> Result<Vec<AgentView>, Error> {
    caller.admits(Right::See)?;
    let now = app.clock.now();
    let view = |(agent, known): (String, crate::app::agents::registry::Known)| AgentView {
        agent,
        host: known.host,
        sweep: known.sweep,
        slots: known.slots,
        free: known.free,
        devices: known.devices,
        runs: known.runs,
        set_aside: known.set_aside,
        portrait: known.portrait,
        seen_ago: now.saturating_duration_since(known.seen),
    };
    let mut listed = Vec::new();
    for (agent, known) in app.registry.list(sweep.as_ref()) {
        // An agent of a sweep that the caller may not see does not exist for the caller.
        if permit::sweep(app, caller, Right::See, &known.sweep).await.is_ok() {
            listed.push(view((agent, known)));
        }
    }
    Ok(listed)
}
