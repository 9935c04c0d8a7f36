//! Reads what the agents do now, and which sweeps wait for an agent, with the reason. `api::web`
//! calls this module. It changes nothing.

use std::{collections::HashMap, sync::Arc};

use record::ids::{ProjectId, RunId, SweepId};
use sweeps::lifecycle::sweep::State;

use super::{lists, views::SweepView};
use crate::{
    app::{
        App,
        agents::heartbeat::{self, AgentView},
        error::Error,
        people::{
            caller::{Caller, Right},
            things::Thing,
        },
        runs::lookup,
    },
    settings::Settings,
};

/// The most sweeps that are looked at: the newest ones.
const SWEEPS: usize = 100;

/// The agents, and what waits for them.
#[derive(Debug)]
pub(crate) struct Fleet {
    /// The agents that have called lately.
    pub(crate) agents: Vec<AgentView>,
    /// The runs that the agents hold, as far as they exist.
    pub(crate) runs: HashMap<RunId, Held>,
    /// The sweeps that want trials or have queued runs.
    pub(crate) waiting: Vec<Waiting>,
    /// An agent that has not called for so many milliseconds is silent: a lease.
    pub(crate) silent_after_ms: u64,
}

/// A run that an agent holds.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    /// Its name.
    pub(crate) name: String,
    /// Its project.
    pub(crate) project: ProjectId,
}

/// A sweep that waits for an agent.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    /// The sweep.
    pub(crate) sweep: SweepId,
    /// Its name; empty if it has none.
    pub(crate) name: String,
    /// Its project.
    pub(crate) project: ProjectId,
    /// The number of its queued runs.
    pub(crate) queued: u64,
    /// The number of trials that it will still create; `None` if there is no bound.
    pub(crate) to_create: Option<u64>,
    /// A sentence that says why they wait.
    pub(crate) why: String,
    /// What to do about it; empty if nothing has to be done.
    pub(crate) advice: String,
    /// Whether nothing happens until a person does something.
    pub(crate) is_stuck: bool,
}

/// Returns the agents and what waits for them, as far as the caller may see it.
///
/// # Errors
/// Refuses the token of a run.
pub(crate) async fn read(app: &Arc<App>, caller: &Caller) -> Result<Fleet, Error> {
    let agents = heartbeat::list(app, caller, None).await?;
    let (sweeps, _) = lists::page_of_sweeps(app, caller, None, 0, SWEEPS).await?;
    let waiting = waiting(&app.settings, &sweeps, &agents);
    let ids: Vec<RunId> = agents.iter().flat_map(|agent| agent.runs.iter().cloned()).collect();
    let caller = caller.clone();
    let runs = app.read(move |tx, _| {
        let mut found = HashMap::new();
        for id in ids {
            let run = match lookup::find(tx, &id) {
                Ok(run) => run,
                // An agent may still hold a run that was deleted.
                Err(Error::Missing(_)) => continue,
                Err(error) => return Err(error),
            };
            if caller.may(Right::See, &run.project, Thing::Run(&id, run.sweep.as_ref())) {
                found.insert(id, Held { name: run.name, project: run.project });
            }
        }
        Ok(found)
    });
    let silent_after_ms = u64::try_from(app.settings.lease.as_millis()).unwrap_or(u64::MAX);
    Ok(Fleet { agents, runs: runs.await?, waiting, silent_after_ms })
}

/// Returns the sweeps out of these that wait for an agent.
pub(super) fn waiting(
    settings: &Settings,
    sweeps: &[SweepView],
    agents: &[AgentView],
) -> Vec<Waiting> {
    sweeps.iter().filter_map(|view| waits(settings, view, agents)).collect()
}

fn waits(settings: &Settings, view: &SweepView, agents: &[AgentView]) -> Option<Waiting> {
    let (plan, progress) = (&view.plan, &view.progress);
    let to_create = match progress.closing {
        Some(_) => Some(0),
        None => plan.bound(progress.cap).map(|bound| bound.saturating_sub(progress.next_trial)),
    };
    if progress.queued == 0 && to_create == Some(0) {
        return None;
    }
    // An agent that holds nothing and takes nothing is about to leave, or has left.
    let serves = |agent: &&AgentView| {
        let leaves = agent.free == 0 && agent.runs.is_empty() && agent.set_aside.is_empty();
        agent.sweep == plan.id && !leaves
    };
    let own: Vec<&AgentView> = agents.iter().filter(serves).collect();
    let (why, advice, is_stuck) = reason(settings, view, &own);
    Some(Waiting {
        sweep: plan.id.clone(),
        name: view.name().unwrap_or_default().to_owned(),
        project: plan.project.clone(),
        queued: progress.queued,
        to_create,
        why,
        advice,
        is_stuck,
    })
}

/// Returns why the trials of a sweep wait, what to do about it, and whether they wait for a person.
fn reason(settings: &Settings, view: &SweepView, agents: &[&AgentView]) -> (String, String, bool) {
    let id = &view.plan.id;
    let says_why = view.progress.state == State::Paused || view.progress.closing.is_none();
    if let Some(note) = view.note.as_ref().filter(|_| says_why) {
        return (note.clone(), String::new(), true);
    }
    let serve = format!("start `agent {id}` on a machine");
    if agents.is_empty() {
        return ("no agent serves it".to_owned(), serve, true);
    }
    let awake: Vec<_> = agents.iter().filter(|agent| agent.seen_ago <= settings.lease).collect();
    if awake.is_empty() {
        let hosts: Vec<&str> = agents.iter().map(|agent| agent.host.as_str()).collect();
        let why = match hosts.as_slice() {
            [host] => format!("its agent on {host} is silent"),
            hosts => format!("its {} agents are silent", hosts.len()),
        };
        return (why, format!("look at {}, or {serve}", hosts.join(", ")), true);
    }
    if awake.iter().any(|agent| agent.free > 0) {
        let why = match view.plan.needs_history() {
            true => "the search computes the next trial for a free slot",
            false => "an agent with a free slot gets the next trial now",
        };
        return (why.to_owned(), String::new(), false);
    }
    let aside: Vec<&String> = awake.iter().flat_map(|agent| &agent.set_aside).collect();
    let slots: u32 = awake.iter().map(|agent| agent.slots).sum();
    let more = format!("another `agent {id}` adds slots");
    match aside.as_slice() {
        [] if slots == 1 => ("its only slot is busy".to_owned(), more, false),
        [] => (format!("all {slots} of its slots are busy"), more, false),
        [one, ..] => (format!("no slot is free, and some are set aside: {one}"), more, false),
    }
}
