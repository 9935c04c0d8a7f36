//! Keeps the newest heartbeat of each agent, and how often each order was sent to the agent. The
//! registry is in memory only, because an agent repeats its state with every heartbeat.
//! `app::agents::heartbeat` uses this module.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use record::ids::{Attempt, RunId, SweepId};
use tokio::time::Instant;

use super::messages::{Beat, Portrait};
use crate::app::error::{Error, Why};

/// The beginning of the ids of W&B's agents.
pub(crate) const FOREIGN: &str = "wandb-";

/// Returns whether this is an agent of W&B, which leaves the report of a run's end to the program.
pub(crate) fn is_foreign(agent: &str) -> bool {
    agent.starts_with(FOREIGN)
}

/// All agents that sent a heartbeat within `settings.forget_agents`.
#[derive(Debug, Default)]
pub(crate) struct Registry(Mutex<HashMap<String, Known>>);

/// The state of one agent, from its newest heartbeat.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    incarnation: u64,
    beat: u64,
    /// The id of the sweep that the agent works for.
    pub(crate) sweep: SweepId,
    /// The name of the agent's machine.
    pub(crate) host: String,
    /// The most trials that the agent runs at the same time.
    pub(crate) slots: u32,
    /// The number of trials that the agent could start beside those that it held, at its last
    /// heartbeat.
    pub(crate) free: u32,
    /// The names of the agent's devices: its GPUs, or "CPU".
    pub(crate) devices: Vec<String>,
    /// The ids of the runs that the agent's heartbeat names as held.
    pub(crate) runs: Vec<RunId>,
    /// One sentence for each ended trial that still occupies its slots, and for each GPU that does
    /// not answer.
    pub(crate) set_aside: Vec<String>,
    /// What people see of the agent's program and machine.
    pub(crate) portrait: Portrait,
    /// The time of the agent's newest heartbeat.
    pub(crate) seen: Instant,
    /// How often each order to stop an attempt, or to start an attempt again, was sent to the
    /// agent. Holds only the orders of the newest answer.
    told: HashMap<Attempt, u32>,
    /// For each attempt that an agent of W&B holds: how many of its polls in a row did not name the
    /// attempt. After too many, the attempt has ended. A poll that names it clears the count.
    silent: HashMap<Attempt, u32>,
}

/// How often the controller sends the same order without a delay. Later repeats wait for
/// `settings.repeat_orders`, so that an agent that ignores its orders does not send heartbeats
/// without pause.
const PROMPT_REPEATS: u32 = 2;

impl Registry {
    /// Records a heartbeat as the newest one of its agent.
    ///
    /// # Errors
    /// Fails with [`Error::Refused`] if a newer heartbeat of the agent has already arrived.
    pub(crate) fn arrive(&self, beat: &Beat, now: Instant) -> Result<(), Error> {
        let mut agents = self.lock();
        let (told, silent) = match agents.get_mut(&beat.agent) {
            Some(known) if (known.incarnation, known.beat) > (beat.incarnation, beat.beat) => {
                return Err(superseded());
            }
            Some(known) if known.incarnation == beat.incarnation => {
                (std::mem::take(&mut known.told), std::mem::take(&mut known.silent))
            }
            _ => Default::default(),
        };
        let presence = Known {
            incarnation: beat.incarnation,
            beat: beat.beat,
            sweep: beat.sweep.clone(),
            host: beat.host.clone(),
            slots: beat.slots,
            free: beat.free,
            devices: beat.devices.clone(),
            runs: beat.holds.iter().map(|held| held.of.run.clone()).collect(),
            set_aside: beat.set_aside.clone(),
            portrait: beat.portrait.clone(),
            seen: now,
            told,
            silent,
        };
        agents.insert(beat.agent.clone(), presence);
        Ok(())
    }

    /// Passes if this heartbeat is the newest of its agent.
    ///
    /// # Errors
    /// Fails with [`Error::Refused`] if a newer heartbeat has arrived, or if the registry has
    /// forgotten the agent.
    pub(crate) fn still_newest(&self, beat: &Beat) -> Result<(), Error> {
        let newest =
            |known: &Known| (known.incarnation, known.beat) == (beat.incarnation, beat.beat);
        if self.lock().get(&beat.agent).is_some_and(newest) { Ok(()) } else { Err(superseded()) }
    }

    /// Returns whether at least one of these orders should be sent to the agent without a delay.
    pub(crate) fn is_news(&self, agent: &str, orders: &[Attempt]) -> bool {
        let agents = self.lock();
        let told = agents.get(agent).map(|known| &known.told);
        orders.iter().any(|order| {
            told.and_then(|told| told.get(order)).is_none_or(|times| *times < PROMPT_REPEATS)
        })
    }

    /// Counts these orders as sent to the agent once more, and forgets the counts of all other
    /// orders.
    pub(crate) fn told(&self, agent: &str, orders: Vec<Attempt>) {
        if let Some(known) = self.lock().get_mut(agent) {
            let times = |order: &Attempt| known.told.get(order).copied().unwrap_or(0) + 1;
            known.told = orders.into_iter().map(|order| (order.clone(), times(&order))).collect();
        }
    }

    /// Returns the number of the next heartbeat of an agent that does not number its own.
    pub(crate) fn next_beat(&self, agent: &str) -> u64 {
        self.lock().get(agent).map_or(1, |known| known.beat + 1)
    }

    /// Counts that the agent has left out these attempts once more, and forgets the counts of all
    /// other attempts. Returns the attempts that it has now left out `most` times.
    pub(crate) fn silent(&self, agent: &str, left_out: Vec<Attempt>, most: u32) -> Vec<Attempt> {
        let mut agents = self.lock();
        let Some(known) = agents.get_mut(agent) else { return Vec::new() };
        let times = |attempt: &Attempt| known.silent.get(attempt).copied().unwrap_or(0) + 1;
        known.silent =
            left_out.into_iter().map(|attempt| (attempt.clone(), times(&attempt))).collect();
        let ended = known.silent.iter().filter(|(_, times)| **times >= most);
        ended.map(|(attempt, _)| attempt.clone()).collect()
    }

    /// Returns the agents of one sweep, or all agents if `sweep` is `None`, sorted by id.
    pub(crate) fn list(&self, sweep: Option<&SweepId>) -> Vec<(String, Known)> {
        let mut all: Vec<_> = self
            .lock()
            .iter()
            .filter(|(_, known)| sweep.is_none_or(|sweep| known.sweep == *sweep))
            .map(|(id, known)| (id.clone(), known.clone()))
            .collect();
        all.sort_by(|one, other| one.0.cmp(&other.0));
        all
    }

    /// Forgets the agents that sent no heartbeat for `age`.
    pub(crate) fn tidy(&self, now: Instant, age: Duration) {
        self.lock().retain(|_, known| now.saturating_duration_since(known.seen) < age);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the error of a heartbeat that is older than the newest one of its agent.
pub(crate) fn superseded() -> Error {
    Error::refused(Why::State, "the controller has received a newer heartbeat of this agent")
}
