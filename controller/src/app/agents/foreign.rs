//! Serves the agents of W&B. Such an agent asks every few seconds, says which of its runs live, and
//! gets runs to start and to stop. This module makes a heartbeat of Besom's own kind of that, so
//! one set of rules hands out all trials. `api::wandb` calls it.
//!
//! The agent does not say how a run has ended: the program's own W&B client does. So a run that the
//! agent does not name any more has ended without a word if the client stays silent too. A run that
//! was handed out and is never named may be one of two things: the answer was lost, or its program
//! ended before it called W&B's client. The run is sent again a few times, and then fails.

use std::{sync::Arc, time::Duration};

use record::ids::{Attempt, ProjectId, RunId, SweepId};
use sweeps::lifecycle::{Class, run::State};

use super::{
    heartbeat::heartbeat,
    messages::{Beat, Held, Orders, Start},
    orders, registry,
};
use crate::{
    app::{
        App,
        change::{Change, draft::Draft},
        error::Error,
        people::{
            caller::{Caller, Right},
            permit,
        },
        sweeps::{plan::Plan, planning},
    },
    store::{self, Tx, runs::Outcome},
};

/// How many times in a row an agent may leave a run out before the run counts as ended.
const SILENT: u32 = 3;

/// A poll of an agent.
#[derive(Clone, Debug)]
pub(crate) struct Poll {
    /// The agent's id.
    pub(crate) agent: String,
    /// The name of the agent's machine.
    pub(crate) host: String,
    /// The sweep that the agent works for.
    pub(crate) sweep: SweepId,
    /// The ids of the runs that live or wait in the agent.
    pub(crate) live: Vec<RunId>,
}

/// The answer to a poll.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The runs to start.
    pub(crate) start: Vec<Start>,
    /// The runs to stop.
    pub(crate) stop: Vec<RunId>,
    /// Whether the sweep is over, so that the agent may leave.
    pub(crate) is_over: bool,
    /// The sweep.
    pub(crate) plan: Arc<Plan>,
}

/// Returns an id for a new agent of a sweep. `project` is the project in which the caller looks for
/// the sweep.
///
/// # Errors
/// Fails with [`Error::Missing`] if the project has no such sweep, and refuses a caller who may not
/// get trials of the sweep.
pub(crate) async fn register(
    app: &Arc<App>,
    caller: &Caller,
    project: &str,
    sweep: &SweepId,
) -> Result<String, Error> {
    let project = caller.project(project)?;
    permit::sweep(app, caller, Right::Pull, sweep).await?;
    check_place(&*planning::of(app, sweep).await?, &project)?;
    Ok(format!("{}{}", registry::FOREIGN, app.chance.id()))
}

fn check_place(plan: &Plan, project: &ProjectId) -> Result<(), Error> {
    if plan.project == *project { Ok(()) } else { Err(Error::no_sweep(&plan.id)) }
}

/// Renews the leases of the runs that the agent names, and returns what the agent has to do.
///
/// # Errors
/// Fails with [`Error::Missing`] if the sweep does not exist.
pub(crate) async fn poll(app: &Arc<App>, caller: &Caller, poll: Poll) -> Result<Answer, Error> {
    permit::sweep(app, caller, Right::Pull, &poll.sweep).await?;
    if !registry::is_foreign(&poll.agent) {
        return Err(Error::missing(format!("no agent `{}`", poll.agent)));
    }
    let plan = planning::of(app, &poll.sweep).await?;
    let (asked, caller_name) = (poll.clone(), caller.user().to_owned());
    let look = move |tx: &Tx<'_>, _: &App| {
        let owner = store::agents::get(tx, &asked.agent)?.map(|(_, owner)| owner);
        orders::check_owner(&asked.agent, owner.as_deref().unwrap_or_default(), &caller_name)?;
        held(tx, &asked)
    };
    let (holds, silent) = app.read(look).await?;
    for attempt in app.registry.silent(&poll.agent, silent, SILENT) {
        planning::of_run(app, &attempt.run).await?;
        app.change(move |change| end_silent(change, &attempt)).await?;
    }
    let is_idle = holds.is_empty();
    let beat = Beat {
        beat: app.registry.next_beat(&poll.agent),
        agent: poll.agent,
        host: poll.host,
        incarnation: 1,
        sweep: poll.sweep,
        holds,
        // The agent starts every run that it gets at once, or keeps it for later.
        free: u32::from(is_idle),
        slots: 1,
        wait: Duration::ZERO,
        devices: vec!["an agent of W&B".to_owned()],
        ..Beat::default()
    };
    let Orders { start, stop, state, .. } = heartbeat(app, caller, beat).await?;
    let stop = stop.into_iter().map(|stop| stop.of.run).collect();
    Ok(Answer { start, stop, is_over: state.is_over() && is_idle, plan })
}

/// Returns the attempts that the agent names, and those that it holds and does not name.
fn held(tx: &Tx<'_>, poll: &Poll) -> Result<(Vec<Held>, Vec<Attempt>), Error> {
    let mut holds = Vec::new();
    for run in &poll.live {
        let holder = store::holders::holder(tx, run)?;
        let own = holder.filter(|(_, agent)| agent.as_deref() == Some(&poll.agent));
        // No attempt has the number 0, so the agent is told to stop a run that it does not hold.
        let number = own.map_or(0, |(number, _)| number);
        holds.push(Held { of: Attempt { run: run.clone(), number }, started: true });
    }
    let held = store::runs::held_by(tx, &poll.agent)?;
    let silent = held.into_iter().filter(|run| !poll.live.contains(&run.id));
    Ok((holds, silent.map(|run| run.present()).collect()))
}

/// Ends an attempt whose process has ended without a word.
fn end_silent(change: &mut Change<'_>, attempt: &Attempt) -> Result<(), Error> {
    let mut run = change.run(&attempt.run)?;
    if run.attempt != attempt.number || !run.state.is_held() {
        return Ok(());
    }
    change.edit(&mut run, |change, run| match run.state {
        State::Leased => fail_early(change, run),
        _ => change.lose(run, "its process ended without a word"),
    })
}

fn fail_early(change: &mut Change<'_>, run: &mut Draft<'_>) -> Result<(), Error> {
    change.hear(run)?;
    let message = "its program ended before it called wandb.init()".to_owned();
    let class = Some(Class::Error);
    run.outcome = Outcome { class, message: Some(message), ..Outcome::default() };
    change.watch_crash_loop(run, Duration::ZERO)?;
    change.fail(run)
}
