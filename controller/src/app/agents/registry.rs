//! What is known of agents while they are heard of: newest beat, what they have free, what they
//! were told. In memory only: an agent says all of it again with its next heartbeat. Used by
//! `app::agents::heartbeat`.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::messages::Beat;
use crate::app::error::{Error, Why};

/// All agents that were heard of lately.
#[derive(Debug, Default)]
pub(crate) struct Presences(Mutex<HashMap<String, Presence>>);

/// One agent.
#[derive(Clone, Debug)]
pub(crate) struct Presence {
    incarnation: u64,
    beat: u64,
    /// The sweep that it works for.
    pub(crate) sweep: String,
    /// Name of its machine.
    pub(crate) host: String,
    /// Trials that it runs at most at once.
    pub(crate) slots: u32,
    /// Trials that it would start now.
    pub(crate) free: u32,
    /// "CPU" or the names of its GPUs.
    pub(crate) devices: Vec<String>,
    /// Runs that it says it holds.
    pub(crate) runs: Vec<String>,
    /// Slots that their ended trials still occupy, a sentence each.
    pub(crate) set_aside: Vec<String>,
    /// When it was heard of.
    pub(crate) seen: Instant,
    /// How often it was told to start or stop an attempt that it did not seem to hear of.
    told: HashMap<(String, u32), u32>,
}

/// How often an order is told at once; later repeats wait a little, so that a deaf agent does not
/// spin.
const PROMPT_REPEATS: u32 = 2;

impl Presences {
    /// Notes a heartbeat.
    ///
    /// # Errors
    /// Refused when a newer one was heard before.
    pub(crate) fn arrive(&self, beat: &Beat, now: Instant) -> Result<(), Error> {
        let mut agents = self.lock();
        let told = match agents.get_mut(&beat.agent) {
            Some(known) if (known.incarnation, known.beat) > (beat.incarnation, beat.beat) => {
                return Err(superseded());
            }
            Some(known) if known.incarnation == beat.incarnation => std::mem::take(&mut known.told),
            _ => HashMap::new(),
        };
        let presence = Presence {
            incarnation: beat.incarnation,
            beat: beat.beat,
            sweep: beat.sweep.clone(),
            host: beat.host.clone(),
            slots: beat.slots,
            free: beat.free,
            devices: beat.devices.clone(),
            runs: beat.holds.iter().map(|held| held.run.clone()).collect(),
            set_aside: beat.set_aside.clone(),
            seen: now,
            told,
        };
        agents.insert(beat.agent.clone(), presence);
        Ok(())
    }

    /// Whether no newer heartbeat of the agent was heard since.
    ///
    /// # Errors
    /// Refused when one was.
    pub(crate) fn still_newest(&self, beat: &Beat) -> Result<(), Error> {
        let newest =
            |known: &Presence| (known.incarnation, known.beat) == (beat.incarnation, beat.beat);
        if self.lock().get(&beat.agent).is_some_and(newest) { Ok(()) } else { Err(superseded()) }
    }

    /// Whether one of these orders should be told without waiting.
    pub(crate) fn is_news(&self, agent: &str, orders: &[(String, u32)]) -> bool {
        let agents = self.lock();
        let told = agents.get(agent).map(|known| &known.told);
        orders.iter().any(|order| {
            told.and_then(|told| told.get(order)).is_none_or(|times| *times < PROMPT_REPEATS)
        })
    }

    /// Notes what the agent was told now.
    pub(crate) fn told(&self, agent: &str, orders: Vec<(String, u32)>) {
        if let Some(known) = self.lock().get_mut(agent) {
            let times = |order: &(String, u32)| known.told.get(order).copied().unwrap_or(0) + 1;
            known.told = orders.into_iter().map(|order| (order.clone(), times(&order))).collect();
        }
    }

    /// Every agent, or those of one sweep, by id.
    pub(crate) fn list(&self, sweep: &str) -> Vec<(String, Presence)> {
        let mut all: Vec<_> = self
            .lock()
            .iter()
            .filter(|(_, known)| sweep.is_empty() || known.sweep == sweep)
            .map(|(id, known)| (id.clone(), known.clone()))
            .collect();
        all.sort_by(|one, other| one.0.cmp(&other.0));
        all
    }

    /// Forgets agents that were not heard of for `age`.
    pub(crate) fn tidy(&self, now: Instant, age: Duration) {
        self.lock().retain(|_, known| now.saturating_duration_since(known.seen) < age);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Presence>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A heartbeat is older than the newest one of its agent.
pub(crate) fn superseded() -> Error {
    Error::refused(Why::State, "a newer heartbeat of this agent was heard")
}
