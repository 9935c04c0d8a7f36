//! Decides the orders of an agent in one transaction, from the agent's heartbeat and the database.
//! `app::agents::heartbeat` uses this module. This module never waits.

use record::ids::Attempt;
use sweeps::lifecycle::{
    run::{Event, State, StopReason},
    sweep,
};

use super::messages::{Beat, Cause, Held, Stop};
use crate::{
    app::{
        change::Change,
        error::{Error, Why},
        read::views,
        sweeps::suggest::{HandedOut, hand_out},
    },
    settings::Limits,
    store::{
        self,
        attempt_slots::Slot,
        runs::{Most, Run},
    },
};

/// The orders of an agent, before `app::agents::heartbeat` adds the parts that need no transaction.
#[derive(Debug)]
pub(in crate::app) struct Draft {
    /// The runs that this heartbeat leases to the agent.
    pub(in crate::app) fresh: Vec<Run>,
    /// The runs that an earlier heartbeat leased to the agent and that this heartbeat does not
    /// name.
    pub(in crate::app) again: Vec<Run>,
    /// The attempts that the agent has to end.
    pub(in crate::app) stop: Vec<Stop>,
    /// The attempts that the agent holds by right.
    pub(in crate::app) keep: Vec<Attempt>,
    /// The state of the sweep that the agent works for.
    pub(in crate::app) state: sweep::State,
    /// The reason why the agent gets no new trial; `None` if there is no such reason.
    pub(in crate::app) note: Option<String>,
    /// Whether the agent has room for a new trial of the sweep, and a model has to propose this
    /// trial.
    pub(in crate::app) wants_model: bool,
}

/// Decides the orders of an agent, and writes what follows from its heartbeat: which runs it has
/// lost, declined, started and newly leased. One heartbeat may call this function several times.
///
/// # Errors
/// Fails with [`Error::Missing`] if the sweep does not exist, and with [`Error::Refused`] if the
/// heartbeat is not the newest of its agent.
pub(in crate::app) fn decide(change: &mut Change<'_>, beat: &Beat) -> Result<Draft, Error> {
    change.app.registry.still_newest(beat)?;
    change.progress(&beat.sweep)?;
    incarnate(change, beat)?;
    for declined in &beat.declined {
        decline(change, beat, declined)?;
    }
    let (mut stop, mut keep) = (Vec::new(), Vec::new());
    for held in &beat.holds {
        let of = held.of.clone();
        match hold(change, beat, held)? {
            None => keep.push(of),
            Some(cause) => stop.push(Stop { of, cause, grace: change.app.settings.stop_grace }),
        }
    }
    let (again, mut room) = unknown_to(change, beat)?;
    let full = (room.runs == 0 || room.bytes == 0).then(|| full(&change.app.settings.limits));
    let free = beat.free.saturating_sub(again.len() as u32).min(change.app.settings.limits.starts);
    room.runs = room.runs.min(free as usize);
    let HandedOut { runs: fresh, wants_model } = hand_out(change, &beat.sweep, &beat.agent, room)?;
    change.settle(&beat.sweep)?;
    let app = change.app;
    let progress = change.progress(&beat.sweep)?.clone();
    Ok(Draft {
        fresh,
        again,
        stop,
        keep,
        state: progress.state,
        note: views::note(change.tx, app, &progress)?.or(full.filter(|_| free > 0)),
        wants_model,
    })
}

/// Stores a new incarnation of the agent, and takes away the runs that the agent does not name,
/// because it has lost them. Does nothing if the incarnation is known, and refuses an older one.
/// Also refuses an agent of another user.
fn incarnate(change: &mut Change<'_>, beat: &Beat) -> Result<(), Error> {
    let (known, mut owner) = store::agents::get(change.tx, &beat.agent)?.unzip();
    if !beat.owner.is_empty() {
        check_owner(&beat.agent, owner.as_deref().unwrap_or_default(), &beat.owner)?;
        owner = Some(beat.owner.clone());
    }
    match known {
        Some(known) if known == beat.incarnation => return Ok(()),
        Some(known) if known > beat.incarnation => {
            return Err(crate::app::agents::registry::superseded());
        }
        Some(_) => {
            for mut run in store::runs::held_by(change.tx, &beat.agent)? {
                if !beat.holds(&run.present()) {
                    let reason = "its agent was started again and no longer has the run";
                    change.edit(&mut run, |change, run| change.lose(run, reason))?;
                }
            }
        }
        None => {}
    }
    let owner = owner.unwrap_or_default();
    store::agents::save(change.tx, &beat.agent, beat.incarnation, &owner)?;
    Ok(())
}

/// Passes if the user `owner` may call as this agent, which belongs to the user `before`. An empty
/// name stands for no user.
///
/// # Errors
/// Refuses another user.
pub(in crate::app) fn check_owner(agent: &str, before: &str, owner: &str) -> Result<(), Error> {
    if before.is_empty() || owner.is_empty() || before == owner {
        return Ok(());
    }
    let message = format!("the agent `{agent}` belongs to another user");
    Err(Error::refused(Why::Forbidden, message)
        .hint("start the agent with a data folder of its own"))
}

fn decline(change: &mut Change<'_>, beat: &Beat, declined: &Attempt) -> Result<(), Error> {
    if !is_own(change, beat, declined)? {
        return Ok(());
    }
    let mut run = change.run(&declined.run)?;
    if run.state == State::Leased {
        change.edit(&mut run, |change, run| {
            run.agent = None;
            change.requeue(run, Event::Decline)
        })?;
    }
    Ok(())
}

/// Returns the reason to stop an attempt that the agent names as held, or `None` if the attempt may
/// go on. Marks a leased run as running once the agent has started it, and a queued or crashed run
/// as running again.
fn hold(change: &mut Change<'_>, beat: &Beat, held: &Held) -> Result<Option<Cause>, Error> {
    if !is_own(change, beat, &held.of)? {
        return Ok(Some(Cause::Fenced));
    }
    let mut run = change.run(&held.of.run)?;
    note_slot(change, beat, &run)?;
    match run.state {
        State::Leased if !held.started => {}
        State::Leased | State::Queued => change.edit(&mut run, Change::hear)?,
        State::Crashed => {
            change.edit(&mut run, Change::hear)?;
            if run.state == State::Crashed {
                return Ok(Some(Cause::Wanted(StopReason::Cancelled)));
            }
        }
        // The SDK in the trial's program has reported the end of the run. The program may still be
        // saving its model, so the attempt keeps its slot.
        State::Finished | State::Failed => return Ok(None),
        State::Running | State::Preempted | State::Stopped | State::Pruned => {}
    }
    Ok(run.stop_wanted.map(Cause::Wanted))
}

/// Writes down in which slot the newest attempt of a run runs, if the heartbeat says so. Agents of
/// an older version do not.
fn note_slot(change: &Change<'_>, beat: &Beat, run: &Run) -> Result<(), Error> {
    let mut slots = (0..).zip(&beat.portrait.slots);
    let Some((place, slot)) = slots.find(|(_, slot)| slot.run.as_ref() == Some(&run.id)) else {
        return Ok(());
    };
    let slot = Slot { place, gpus: slot.gpus.clone() };
    Ok(store::attempt_slots::save(change.tx, run.key, run.attempt, &slot)?)
}

/// Returns whether this attempt is the newest of its run and belongs to the agent. This check comes
/// before the whole run is read. The size of the runs that an agent holds by right is bounded; the
/// size of the runs that it names is not. So the controller must not read every named run whole.
fn is_own(change: &Change<'_>, beat: &Beat, attempt: &Attempt) -> Result<bool, Error> {
    let holder = store::holders::holder(change.tx, &attempt.run)?;
    Ok(holder.is_some_and(|(newest, agent)| {
        newest == attempt.number && agent.as_deref() == Some(&beat.agent)
    }))
}

/// Returns the note for an agent that has free slots but holds as much as one agent may hold.
fn full(limits: &Limits) -> String {
    let (runs, bytes) = (limits.holds, limits.held_bytes);
    format!(
        "this agent holds as much as one agent may: {runs} trials, or {bytes} bytes of parameters"
    )
}

/// Returns the runs that are leased to the agent and that its heartbeat does not name: the reply
/// that handed them out was lost. Ends such a run if it was ordered to stop. Leaves out running
/// attempts that the agent does not name: their leases expire unless a report of the attempt renews
/// them. Also returns how many more runs, and how many bytes of runs, the agent may hold.
fn unknown_to(change: &mut Change<'_>, beat: &Beat) -> Result<(Vec<Run>, Most), Error> {
    let limits = &change.app.settings.limits;
    let mut room = Most { runs: limits.holds, bytes: limits.held_bytes };
    let mut again = Vec::new();
    for mut run in store::runs::held_by(change.tx, &beat.agent)? {
        room.take(&run);
        if run.state != State::Leased || beat.holds(&run.present()) {
            continue;
        }
        if run.stop_wanted.is_some() {
            change.edit(&mut run, |change, run| change.end(run, Event::Stop))?;
        } else {
            again.push(run);
        }
    }
    Ok((again, room))
}
