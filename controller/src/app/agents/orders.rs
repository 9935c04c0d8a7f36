//! What an agent is to do: the whole truth about what it holds, decided in one transaction from its
//! heartbeat and the rows. Used by `app::agents::heartbeat`. Never waits.

use sweeps::lifecycle::{
    run::{Event, State},
    sweep,
};

use super::messages::{Beat, Held, RunAttempt, Stop};
use crate::{
    app::{
        change::Change,
        error::Error,
        read::views,
        sweeps::suggest::{HandedOut, hand_out},
    },
    settings::Limits,
    store::{
        self,
        runs::{Most, Run},
    },
};

/// Orders before the parts that need no transaction are added.
#[derive(Debug)]
pub(in crate::app) struct Draft {
    /// Leased to the agent just now.
    pub(in crate::app) fresh: Vec<Run>,
    /// Leased before, and the agent does not seem to know.
    pub(in crate::app) again: Vec<Run>,
    /// To be ended.
    pub(in crate::app) stop: Vec<Stop>,
    /// Held by right.
    pub(in crate::app) keep: Vec<RunAttempt>,
    /// State of the sweep that the agent works for.
    pub(in crate::app) state: sweep::State,
    /// Why it hands out nothing.
    pub(in crate::app) note: Option<String>,
    /// There is room for a trial that a model has to propose.
    pub(in crate::app) wants_model: bool,
}

/// Decides. May be called several times for one heartbeat.
///
/// # Errors
/// Missing when the sweep does not exist; refused when the heartbeat is not the newest of its
/// agent.
pub(in crate::app) fn decide(change: &mut Change<'_>, beat: &Beat) -> Result<Draft, Error> {
    change.app.presences.still_newest(beat)?;
    change.progress(&beat.sweep)?;
    incarnate(change, beat)?;
    for declined in &beat.declined {
        decline(change, beat, declined)?;
    }
    let (mut stop, mut keep) = (Vec::new(), Vec::new());
    for held in &beat.holds {
        let of = RunAttempt { run: held.run.clone(), attempt: held.attempt };
        match hold(change, beat, held)? {
            None => keep.push(of),
            Some(reason) => stop.push(Stop { of, reason, grace: change.app.settings.stop_grace }),
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

/// A new incarnation that does not name a run has lost it.
fn incarnate(change: &mut Change<'_>, beat: &Beat) -> Result<(), Error> {
    let known = store::agents::incarnation(change.tx, &beat.agent)?;
    match known {
        Some(known) if known == beat.incarnation => return Ok(()),
        Some(known) if known > beat.incarnation => {
            return Err(crate::app::agents::registry::superseded());
        }
        Some(_) => {
            for mut run in store::runs::held_by(change.tx, &beat.agent)? {
                if !beat.holds(&run.id, run.attempt) {
                    change.lose(&mut run, "its agent was started again and had lost it")?;
                }
            }
        }
        None => {}
    }
    store::agents::save(change.tx, &beat.agent, beat.incarnation)?;
    Ok(())
}

fn decline(change: &mut Change<'_>, beat: &Beat, declined: &RunAttempt) -> Result<(), Error> {
    if !is_own(change, beat, &declined.run, declined.attempt)? {
        return Ok(());
    }
    let mut run = change.run(&declined.run)?;
    if run.state == State::Leased {
        run.agent = None;
        change.requeue(&mut run, Event::Decline)?;
        store::runs::save(change.tx, &run)?;
    }
    Ok(())
}

/// Why a held attempt is to be stopped; `None` when it may go on.
fn hold(change: &mut Change<'_>, beat: &Beat, held: &Held) -> Result<Option<String>, Error> {
    if !is_own(change, beat, &held.run, held.attempt)? {
        return Ok(Some("fenced".to_owned()));
    }
    let mut run = change.run(&held.run)?;
    match run.state {
        State::Leased if !held.started => {}
        State::Leased | State::Queued => {
            change.hear(&mut run)?;
            store::runs::save(change.tx, &run)?;
        }
        State::Crashed => {
            change.hear(&mut run)?;
            if run.state == State::Crashed {
                return Ok(Some("cancelled".to_owned()));
            }
            store::runs::save(change.tx, &run)?;
        }
        // Over, as its own SDK told; the process may still be saving its model, and holds its slot
        // by right.
        State::Finished | State::Failed => return Ok(None),
        State::Running | State::Preempted | State::Stopped | State::Pruned => {}
    }
    Ok(run.stop_wanted)
}

/// Whether this attempt is the run's newest, and the agent's. Asked first: what an agent holds by
/// right has a bound, and what it names has none.
fn is_own(change: &Change<'_>, beat: &Beat, run: &str, attempt: u32) -> Result<bool, Error> {
    let holder = store::runs::holder(change.tx, run)?;
    Ok(holder
        .is_some_and(|(newest, agent)| newest == attempt && agent.as_deref() == Some(&beat.agent)))
}

/// What an agent is told that has room, and holds as much as one agent may.
fn full(limits: &Limits) -> String {
    let (runs, bytes) = (limits.holds, limits.held_bytes);
    format!(
        "this agent holds all that one agent may: {runs} trials, or {bytes} bytes of parameters"
    )
}

/// Leased to the agent, which does not name them: the reply that told it so was lost. What runs and
/// is not named is not told again: its lease ends by itself. Beside them, for how many more it has
/// room.
fn unknown_to(change: &mut Change<'_>, beat: &Beat) -> Result<(Vec<Run>, Most), Error> {
    let limits = &change.app.settings.limits;
    let mut room = Most { runs: limits.holds, bytes: limits.held_bytes };
    let mut again = Vec::new();
    for mut run in store::runs::held_by(change.tx, &beat.agent)? {
        room.take(&run);
        if run.state != State::Leased || beat.holds(&run.id, run.attempt) {
            continue;
        }
        if run.stop_wanted.is_some() {
            change.end(&mut run, Event::Stop)?;
            store::runs::save(change.tx, &run)?;
        } else {
            again.push(run);
        }
    }
    Ok((again, room))
}
