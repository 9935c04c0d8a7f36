//! Decides what the agent does: a pure function of what the agent holds and of what has happened.
//! The plan reads no clock and no file, and makes no call. The loop in `agent.rs` carries out the
//! plan's actions, in the simulator too. The plan never starts an attempt that it holds or has
//! lost, and never puts two trials on a slot. The plan is never done while it holds a trial.

mod crash_loop;
mod messages;
mod occupied;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use probes::{Bug, planted};
use proto::v1::{self, AgentSlot, Beat, Orders, RunAttempt, Start};
use record::ids::Attempt;
use terminal::{Exit, Failure, count};

pub use self::messages::{Action, Event, Me, News};
use self::{crash_loop::CrashLoop, occupied::Occupied};
use crate::{
    slots::release::Occupancy,
    trial::outcome::{Cause, Stop, Verdict},
};

/// The most ended trials that may wait to be reported. While so many wait, the plan wants no new
/// trials.
pub const MAX_UNREPORTED: usize = 64;
/// The most set-aside slots that a heartbeat names, so that the heartbeat stays small.
const MOST_SET_ASIDE: usize = 16;
/// The most slots that a heartbeat describes.
const MOST_SLOTS: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// The agent takes new trials.
    Working,
    /// The agent takes no new trials. Running trials may finish.
    Draining,
    /// The agent takes no new trials and ends the running ones.
    Ending,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Starting,
    Running,
    /// The trial's program has ended, and its end is not reported yet.
    Over,
}

#[derive(Clone, Debug)]
struct Trial {
    slots: Vec<usize>,
    phase: Phase,
    stopping: Option<Cause>,
}

/// The state of the plan.
#[derive(Clone, Debug)]
pub struct Plan {
    me: Me,
    mode: Mode,
    trials: BTreeMap<Attempt, Trial>,
    occupied: Occupied,
    /// Attempts that count as lost. The plan never starts them again.
    lost: BTreeSet<Attempt>,
    /// Attempts to give back to the controller. The first `declining` of them are in the newest
    /// beat.
    declined: Vec<Attempt>,
    declining: usize,
    started: u64,
    beat: u64,
    /// Whether something has changed after the newest beat, and how urgent the next beat is.
    news: News,
    /// The number of the beat that says that the agent wants nothing more. `None` before that.
    farewell: Option<u64>,
    /// Whether the controller has answered the farewell beat without new starts.
    settled: bool,
    sweep_over: bool,
    note: String,
    crash_loop: CrashLoop,
    failure: Option<Failure>,
}

impl Plan {
    /// Makes a plan that holds nothing yet.
    pub fn new(me: Me) -> Self {
        Self {
            me,
            mode: Mode::Working,
            trials: BTreeMap::new(),
            occupied: Occupied::default(),
            lost: BTreeSet::new(),
            declined: Vec::new(),
            declining: 0,
            started: 0,
            beat: 0,
            news: News::Now,
            farewell: None,
            settled: false,
            sweep_over: false,
            note: String::new(),
            crash_loop: CrashLoop::default(),
            failure: None,
        }
    }

    /// Adds an attempt that an earlier start of this agent has left. The attempt keeps these slots
    /// busy.
    pub fn adopt(&mut self, attempt: Attempt, slots: Vec<usize>) {
        self.trials.insert(attempt, Trial { slots, phase: Phase::Running, stopping: None });
    }

    /// Handles an event and returns the actions to carry out.
    pub fn take(&mut self, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Answered(orders) => self.answered(orders, &mut actions),
            Event::Started(attempt) => self.heard(&attempt),
            Event::Over { attempt, verdict, ran } => {
                self.over(attempt, &verdict, ran, &mut actions)
            }
            Event::Reported(attempt) => {
                self.trials.remove(&attempt);
                if self.lost.contains(&attempt) {
                    // If beats only stopped naming the attempt, its lease would have to expire. A
                    // beat with a new incarnation that does not name the attempt shows the
                    // controller at once that it is lost.
                    self.me.incarnation += 1;
                    self.news = News::Now;
                    actions.push(Action::Incarnate(self.me.incarnation));
                }
                if self.trials.is_empty() {
                    // The controller says that a sweep is over only to an agent that holds nothing.
                    self.news = self.news.max(News::Soon);
                }
            }
            Event::Slot(attempt, occupancy) => self.slot(attempt, occupancy, &mut actions),
            Event::Gpu { gpu, slots, trouble } => {
                if let Some(told) = self.occupied.gpu(&gpu, slots, trouble.as_deref()) {
                    self.news = News::Now;
                    actions.push(Action::Say(told));
                }
            }
            Event::Interrupted => self.interrupted(&mut actions),
            Event::Terminated => self.end(&mut actions),
        }
        if self.wants_to_leave() && self.farewell.is_none() {
            self.farewell = Some(self.beat + 1);
            self.news = News::Now;
        }
        actions
    }

    /// Returns how urgent the next heartbeat is.
    pub fn news(&self) -> News {
        self.news
    }

    /// Makes the next heartbeat: everything that the agent holds and wants now. The controller may
    /// delay its answer by up to `wait`.
    pub fn beat(&mut self, wait: Duration) -> Beat {
        self.beat += 1;
        self.news = News::None;
        self.declining = self.declined.len();
        let leaving = self.wants_to_leave();
        if leaving {
            self.farewell = Some(self.beat);
        }
        let held = |(attempt, trial): (&Attempt, &Trial)| v1::Held {
            run: attempt.run.to_string(),
            attempt: attempt.number,
            started: trial.phase >= Phase::Running,
        };
        let named = |of: &Attempt| RunAttempt { run: of.run.to_string(), attempt: of.number };
        let wait = if leaving { Duration::ZERO } else { wait };
        Beat {
            agent: self.me.agent.clone(),
            incarnation: self.me.incarnation,
            beat: self.beat,
            sweep: self.me.sweep.to_string(),
            holds: self.trials.iter().map(held).collect(),
            free: u32::try_from(self.free()).unwrap_or(u32::MAX),
            wait_ms: u32::try_from(wait.as_millis()).unwrap_or(u32::MAX),
            host: self.me.host.clone(),
            slots: u32::try_from(self.me.slots).unwrap_or(u32::MAX),
            devices: self.me.devices.clone(),
            declined: self.declined.iter().map(named).collect(),
            set_aside: self.occupied.told().take(MOST_SET_ASIDE).map(ToOwned::to_owned).collect(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            slot_list: self.slot_list(),
            // The loop adds them, because the plan measures nothing.
            gauges: Vec::new(),
        }
    }

    /// Returns the slots with the runs of the trials that occupy them.
    fn slot_list(&self) -> Vec<AgentSlot> {
        let gpus = |slot: usize| self.me.gpus.get(slot).cloned().unwrap_or_default();
        let free = |slot| AgentSlot { gpus: gpus(slot), run: String::new() };
        let mut slots: Vec<AgentSlot> = (0..self.me.slots.min(MOST_SLOTS)).map(free).collect();
        for (attempt, trial) in &self.trials {
            for slot in &trial.slots {
                if let Some(slot) = slots.get_mut(*slot) {
                    slot.run = attempt.run.to_string();
                }
            }
        }
        slots
    }

    /// Returns how many more trials the agent could start now.
    pub fn free(&self) -> usize {
        if self.mode != Mode::Working {
            return 0;
        }
        let unreported = self.trials.values().filter(|trial| trial.phase == Phase::Over).count();
        let left = self.me.count.map_or(u64::MAX, |count| count.saturating_sub(self.started));
        self.free_slots()
            .count()
            .min(usize::try_from(left).unwrap_or(usize::MAX))
            .min(MAX_UNREPORTED.saturating_sub(unreported))
    }

    /// Returns how many trials are starting or running.
    pub fn running(&self) -> usize {
        self.trials.values().filter(|trial| trial.phase != Phase::Over).count()
    }

    /// Returns whether the agent is ending all its running trials.
    pub fn is_ending(&self) -> bool {
        self.mode == Mode::Ending
    }

    /// Returns whether the agent holds no trial: none runs, and none waits for its report.
    pub fn holds_nothing(&self) -> bool {
        self.trials.is_empty()
    }

    /// Returns whether the agent may leave. Nothing is left to do, and the controller has answered
    /// the last beat or has said that the sweep is over.
    pub fn is_done(&self) -> bool {
        self.wants_to_leave() && self.declined.is_empty() && (self.settled || self.sweep_over)
    }

    /// Returns whether nothing is left to do except a last call to the controller.
    pub fn wants_to_leave(&self) -> bool {
        let counted = self.me.count.is_some_and(|count| self.started >= count);
        let settled = self.trials.is_empty() && !self.occupied.is_unsettled();
        settled && (self.mode != Mode::Working || counted || self.sweep_over)
    }

    /// Returns whether a process, GPU memory or the cgroup of this ended attempt still keeps its
    /// slot.
    pub fn occupies(&self, attempt: &Attempt) -> bool {
        self.occupied.has(attempt)
    }

    /// Returns the sentences, for people, about the slots that are set aside.
    pub fn set_aside(&self) -> impl Iterator<Item = &str> {
        self.occupied.told()
    }

    /// Returns the failure with which the agent exits, if there is one.
    pub fn into_failure(self) -> Option<Failure> {
        self.failure
    }

    fn free_slots(&self) -> impl Iterator<Item = usize> {
        let live = self.trials.values().filter(|trial| trial.phase != Phase::Over);
        let busy = live.flat_map(|trial| trial.slots.iter().copied());
        let taken: BTreeSet<usize> = busy.chain(self.occupied.slots()).collect();
        (0..self.me.slots).filter(move |slot| !taken.contains(slot))
    }

    fn answered(&mut self, orders: Orders, actions: &mut Vec<Action>) {
        if orders.beat != self.beat {
            return;
        }
        self.declined.drain(..self.declining);
        self.declining = 0;
        self.settled = self.farewell == Some(self.beat) && orders.start.is_empty();
        self.sweep_over = orders.sweep_over && orders.start.is_empty();
        for start in orders.start {
            self.start(start, actions);
        }
        for stop in orders.stop {
            let cause = if stop.reason == "fenced" { Cause::Fenced } else { Cause::Wanted };
            let grace = Duration::from_millis(stop.grace_ms.into());
            self.stop(Attempt::new(stop.run, stop.attempt), Stop { cause, grace }, actions);
        }
        if orders.note.is_empty() {
            self.note.clear();
        } else if orders.note != self.note && self.mode == Mode::Working && self.free() > 0 {
            // The note says why the agent gets no trials. While no slot is free, that does not
            // matter. The agent prints the note when a slot is free.
            self.note.clone_from(&orders.note);
            actions.push(Action::Say(orders.note));
        }
    }

    fn start(&mut self, start: Start, actions: &mut Vec<Action>) {
        let attempt = Attempt::new(start.run.as_str(), start.attempt);
        // The controller repeats a start order until a beat names the attempt. An order for an
        // attempt that the agent holds already is such a repetition.
        if self.trials.contains_key(&attempt) {
            return;
        }
        let slot = if planted(Bug::OneSlot) { Some(0) } else { self.free_slots().next() };
        let slot = slot.filter(|_| self.free() > 0 && !self.lost.contains(&attempt));
        let Some(slot) = slot else {
            self.declined.push(attempt);
            self.news = News::Now;
            return;
        };
        self.started += 1;
        self.trials
            .insert(attempt, Trial { slots: vec![slot], phase: Phase::Starting, stopping: None });
        actions.push(Action::Spawn { slot, start });
    }

    fn stop(&mut self, attempt: Attempt, stop: Stop, actions: &mut Vec<Action>) {
        let Some(trial) = self.trials.get_mut(&attempt) else { return };
        // Every answer of the controller repeats all stops. Only a fence adds something to an
        // earlier order to stop.
        let known =
            trial.stopping.is_some_and(|cause| cause == stop.cause || stop.cause != Cause::Fenced);
        if trial.phase != Phase::Over && !known {
            trial.stopping = Some(stop.cause);
            actions.push(Action::Stop(attempt, stop));
        }
    }

    /// Records the occupancy of an ended trial's slot. A slot that is set aside lowers the free
    /// count, and the next beat gives the controller the reason.
    fn slot(&mut self, attempt: Attempt, occupancy: Occupancy, actions: &mut Vec<Action>) {
        let slots = self.trials.get(&attempt).map(|trial| trial.slots.clone()).unwrap_or_default();
        let free = self.free();
        let told = self.occupied.take(attempt, slots, occupancy);
        if self.free() > free || told.is_some() {
            self.news = News::Now;
        }
        actions.extend(told.map(Action::Say));
    }

    fn heard(&mut self, attempt: &Attempt) {
        if let Some(trial) = self.trials.get_mut(attempt)
            && trial.phase == Phase::Starting
        {
            trial.phase = Phase::Running;
            self.news = News::Now;
        }
    }

    fn over(
        &mut self,
        attempt: Attempt,
        verdict: &Verdict,
        ran: Duration,
        actions: &mut Vec<Action>,
    ) {
        let free = self.free();
        let Some(trial) = self.trials.get_mut(&attempt) else { return };
        trial.phase = Phase::Over;
        match verdict {
            Verdict::Report(outcome) if matches!(outcome.state.as_str(), "finished" | "failed") => {
                if let Some(failure) = self.crash_loop.take(outcome, ran) {
                    if self.failure.is_none() && self.running() > 0 {
                        actions.push(Action::Say(format!(
                            "{}: no more trials start",
                            failure.message
                        )));
                    }
                    self.give_up(failure);
                }
            }
            Verdict::Report(_) | Verdict::Fenced => {}
            Verdict::Lost => {
                self.lost.insert(attempt);
            }
            Verdict::Decline(reason) => {
                self.trials.remove(&attempt);
                self.declined.push(attempt);
                self.news = News::Now;
                if let Some(reason) = reason {
                    let failure = Failure::new(Exit::Refused, &reason.message);
                    self.give_up(
                        reason.hints.iter().fold(failure, |failure, hint| failure.hint(hint)),
                    );
                }
            }
        }
        if self.free() > free {
            self.news = News::Now;
        }
    }

    /// Makes the agent take no new trials and exit with this failure as soon as it holds nothing.
    /// Only the first failure counts.
    fn give_up(&mut self, failure: Failure) {
        self.failure.get_or_insert(failure);
        if self.mode == Mode::Working {
            self.mode = Mode::Draining;
        }
    }

    fn interrupted(&mut self, actions: &mut Vec<Action>) {
        let running = self.running();
        if self.mode == Mode::Working {
            self.mode = Mode::Draining;
            self.news = News::Now;
            if running > 0 {
                let trials = count(running, "running trial");
                let them = if running == 1 { "it" } else { "them" };
                actions.push(Action::Say(format!(
                    "no new trials; {trials} may finish (Ctrl-C again ends {them})"
                )));
            } else if !self.trials.is_empty() {
                let trials = count(self.trials.len(), "trial");
                actions.push(Action::Say(format!(
                    "no new trials; {trials} must still be reported (Ctrl-C again leaves)"
                )));
            }
            return;
        }
        self.end(actions);
    }

    /// Orders all running trials to end within the agent's grace, because the agent leaves. The
    /// controller puts their runs at the front of the queue.
    fn end(&mut self, actions: &mut Vec<Action>) {
        if self.mode == Mode::Ending {
            return;
        }
        self.mode = Mode::Ending;
        self.news = News::Now;
        let running = self.running();
        if running > 0 {
            let trials = count(running, "trial");
            let seconds = self.me.grace.as_secs();
            actions
                .push(Action::Say(format!("ending {trials}: {seconds} s to save what they have")));
        }
        let stop = Stop { cause: Cause::Leaving, grace: self.me.grace };
        for attempt in self.trials.keys().cloned().collect::<Vec<_>>() {
            self.stop(attempt, stop, actions);
        }
    }
}

#[cfg(test)]
mod tests;
