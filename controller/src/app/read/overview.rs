//! Reads what a person wants to see first: what runs now, and what needs a person. `api::web` calls
//! this module. It changes nothing, and reads few whole runs, however many there are.

use std::sync::Arc;

use record::ids::{ProjectId, RunId, SweepId};
use sweeps::lifecycle::run::State;

use super::{
    fleet::{self, Waiting},
    lists, projects,
    projects::ProjectView,
    views::{self, RunView, SweepView},
};
use crate::{
    app::{
        App,
        agents::heartbeat::{self, AgentView},
        error::Error,
        people::{
            caller::{Caller, Right},
            things::Thing,
        },
        upkeep::fullness,
    },
    store::{self, Tx, places::Place},
};

/// The most sweeps, and as many runs, that are shown.
const SHOWN: usize = 20;
/// The most failed runs that are shown.
const FAILED: usize = 10;
/// A failed run is shown if it is one of this many newest runs.
const NEWEST: u32 = 1000;
/// A failed run is shown for a day.
const RECENT_MS: i64 = 24 * 3600 * 1000;

/// What runs now, and what needs a person.
#[derive(Debug)]
pub(crate) struct Overview {
    /// The projects that the caller may see.
    pub(crate) projects: Vec<ProjectView>,
    /// The newest sweeps that are not over.
    pub(crate) sweeps: Vec<SweepView>,
    /// The newest runs that are leased or running.
    pub(crate) runs: Vec<RunView>,
    /// The number of runs that are leased or running.
    pub(crate) running: u64,
    /// The number of runs that are queued.
    pub(crate) queued: u64,
    /// What needs a person.
    pub(crate) troubles: Vec<Trouble>,
    /// The agents that have called lately.
    pub(crate) agents: Vec<AgentView>,
}

/// Why something needs a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The last value of a metric of a live run is not a finite number.
    NotANumber,
    /// An agent has sent no heartbeat for longer than a lease.
    AgentSilent,
    /// The controller has paused a sweep by itself.
    CrashLoop,
    /// The disk has no room.
    DiskFull,
    /// A run failed.
    Failed,
    /// The trials of a sweep wait, and no agent will take them.
    Unserved,
}

/// Something that needs a person.
#[derive(Clone, Debug)]
pub(crate) struct Trouble {
    /// The kind.
    pub(crate) kind: Kind,
    /// A sentence about it.
    pub(crate) text: String,
    /// What to do about it.
    pub(crate) advice: String,
    /// The run that it is about, if it is about one.
    pub(crate) run: Option<RunId>,
    /// The sweep that it is about, if it is about one.
    pub(crate) sweep: Option<SweepId>,
    /// The project of this run or sweep.
    pub(crate) project: Option<ProjectId>,
    /// When it happened, or else now, in milliseconds since the epoch.
    pub(crate) at_ms: i64,
}

impl Trouble {
    fn new(kind: Kind, text: impl Into<String>, at_ms: i64) -> Self {
        let (run, sweep, project) = (None, None, None);
        let advice = match kind {
            Kind::NotANumber => "stop the run if it cannot recover",
            Kind::AgentSilent => "look at its machine: its trials start again elsewhere",
            Kind::CrashLoop => "repair the cause, and resume the sweep",
            Kind::DiskFull => "free some space: rows and files wait with their senders",
            Kind::Failed => "its console says more, and its sweep can retry it",
            Kind::Unserved => "start an agent",
        };
        Self { kind, text: text.into(), advice: advice.to_owned(), run, sweep, project, at_ms }
    }

    fn of_run(kind: Kind, text: impl Into<String>, view: &RunView, at_ms: i64) -> Self {
        let run = &view.run;
        let (project, sweep) = (Some(run.project.clone()), run.sweep.clone());
        Self { run: Some(run.id.clone()), sweep, project, ..Self::new(kind, text, at_ms) }
    }
}

/// Returns what runs now, and what needs a person, as far as the caller may see it.
///
/// # Errors
/// Refuses the token of a run.
pub(crate) async fn read(app: &Arc<App>, caller: &Caller) -> Result<Overview, Error> {
    let projects = projects::counted(app, caller).await?;
    let (sweeps, _) = lists::page_of_sweeps(app, caller, None, 0, SHOWN).await?;
    let agents = heartbeat::list(app, caller, None).await?;
    let now_ms = app.clock.wall_ms();
    let mut troubles = Vec::new();
    if app.full.is_full() {
        troubles.push(Trouble::new(Kind::DiskFull, fullness::NOTE, now_ms));
    }
    troubles.extend(sweeps.iter().filter_map(|view| paused(view, now_ms)));
    troubles.extend(agents.iter().filter_map(|agent| silent(app, agent, now_ms)));
    let waiting = fleet::waiting(&app.settings, &sweeps, &agents);
    troubles.extend(waiting.into_iter().filter_map(|waiting| unserved(waiting, now_ms)));
    let seeing = caller.clone();
    let (live, failed) = app
        .read(move |tx, app| {
            let sees = |(_, project, sweep, _): &Place| {
                let thing = sweep.as_ref().map_or(Thing::Project, Thing::Sweep);
                seeing.may(Right::See, project, thing)
            };
            let live = store::places::all_live(tx)?.into_iter().filter(sees);
            let (queued, running): (Vec<_>, Vec<_>) =
                live.partition(|(.., state)| *state == State::Queued);
            let shown = these(tx, app, running.iter().take(SHOWN))?;
            let failed = store::places::lately_failed(tx, NEWEST)?;
            let failed: Vec<Place> = failed.into_iter().filter(sees).take(FAILED).collect();
            Ok(((shown, running.len(), queued.len()), these(tx, app, failed.iter())?))
        })
        .await?;
    let (runs, running, queued) = live;
    troubles.extend(runs.iter().filter_map(|view| not_a_number(view, now_ms)));
    let is_recent =
        |view: &&RunView| view.run.ended_ms.is_some_and(|ms| ms.saturating_add(RECENT_MS) > now_ms);
    troubles.extend(failed.iter().filter(is_recent).map(failure));
    let (running, queued) = (running as u64, queued as u64);
    Ok(Overview { projects, sweeps, runs, running, queued, troubles, agents })
}

fn these<'p>(
    tx: &Tx<'_>,
    app: &App,
    places: impl Iterator<Item = &'p Place>,
) -> Result<Vec<RunView>, Error> {
    views::runs(tx, app, places.map(|(key, ..)| store::runs::at(tx, *key)))
}

fn paused(view: &SweepView, now_ms: i64) -> Option<Trouble> {
    let trouble = view.progress.trouble.as_ref()?;
    let (sweep, project) = (Some(view.sweep.id.clone()), Some(view.plan.project.clone()));
    let text = format!("the sweep is paused: {trouble}");
    Some(Trouble { sweep, project, ..Trouble::new(Kind::CrashLoop, text, now_ms) })
}

fn silent(app: &App, agent: &AgentView, now_ms: i64) -> Option<Trouble> {
    if agent.runs.is_empty() || agent.seen_ago <= app.settings.lease {
        return None;
    }
    let text = format!("the agent {} on {} does not answer", agent.agent, agent.host);
    let ago = i64::try_from(agent.seen_ago.as_millis()).unwrap_or(i64::MAX);
    let sweep = Some(agent.sweep.clone());
    Some(Trouble { sweep, ..Trouble::new(Kind::AgentSilent, text, now_ms.saturating_sub(ago)) })
}

/// A paused sweep waits because a person wants it, or has a trouble of its own.
fn unserved(waiting: Waiting, now_ms: i64) -> Option<Trouble> {
    let Waiting { sweep, project, why, advice, is_stuck, .. } = waiting;
    if !is_stuck || advice.is_empty() {
        return None;
    }
    let (sweep, project) = (Some(sweep), Some(project));
    let text = format!("the sweep waits, because {why}");
    Some(Trouble { sweep, project, advice, ..Trouble::new(Kind::Unserved, text, now_ms) })
}

fn not_a_number(view: &RunView, now_ms: i64) -> Option<Trouble> {
    let summary: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&view.summary_json).ok()?;
    // The summary has these texts for the floats that JSON lacks.
    let odd = |value: &serde_json::Value| {
        value.as_str().is_some_and(|text| ["NaN", "Infinity", "-Infinity"].contains(&text))
    };
    let (key, value) = summary.iter().find(|(_, value)| odd(value))?;
    let text = format!("the last value of `{key}` is {}", value.as_str().unwrap_or_default());
    Some(Trouble::of_run(Kind::NotANumber, text, view, now_ms))
}

fn failure(view: &RunView) -> Trouble {
    let run = &view.run;
    let message = run.outcome.message.as_deref().and_then(|text| text.lines().last());
    let text = match message {
        Some(message) => format!("the run {}: {message}", run.state.name()),
        None => format!("the run {}", run.state.name()),
    };
    Trouble::of_run(Kind::Failed, text, view, run.ended_ms.unwrap_or(run.created_ms))
}
