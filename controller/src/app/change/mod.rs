//! One change of the rows, in one open transaction: every state goes through `sweeps::lifecycle`
//! here, with its counters, its event, its lease and its ring, so that none of them can be
//! forgotten. Made by `App::change`; used by every use case that writes.

pub(in crate::app) mod attempts;
pub(in crate::app) mod crash_loop;
pub(in crate::app) mod leases;
pub(crate) mod wakeups;

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use probes::{Bug, planted};
use serde_json::json;
use sweeps::lifecycle::{
    run::{self, State},
    sweep,
};

use super::{App, error::Error};
use crate::{
    app::{
        change::wakeups::{Ring, Topic},
        files::kept,
        runs::lookup,
        sweeps::{constraints, plan::Plan},
    },
    store::{
        self, Tx,
        events::{Event, Kind},
        runs::Run,
        sweeps::Progress,
    },
};

/// Why a run is to end that a rule has stopped.
pub(in crate::app) const PRUNED: &str = "pruned";

/// A change that is being made.
pub(crate) struct Change<'a> {
    /// The open transaction.
    pub(crate) tx: &'a Tx<'a>,
    /// What lives beside the rows.
    pub(crate) app: &'a App,
    /// Milliseconds since the epoch, the same for the whole change.
    pub(crate) now_ms: i64,
    progress: BTreeMap<String, Touched>,
    effects: Effects,
    /// Topics of which everybody is woken already.
    rung: HashSet<Topic>,
}

struct Touched {
    plan: Arc<Plan>,
    now: Progress,
    before: Progress,
}

/// What follows once the change is committed.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// Runs with the attempt that is held from now on, or none; in the order in which it happened.
    pub(crate) held: Vec<(String, Option<u32>)>,
    /// Who is to be woken.
    pub(crate) rings: Vec<Ring>,
}

impl<'a> Change<'a> {
    /// A change in this transaction.
    pub(crate) fn new(tx: &'a Tx<'a>, app: &'a App) -> Self {
        Self {
            tx,
            app,
            now_ms: app.clock.wall_ms(),
            progress: BTreeMap::new(),
            effects: Effects::default(),
            rung: HashSet::new(),
        }
    }

    /// A time that somebody told, as one that can have been: not before 1970, and not after now.
    /// Without a word it is now.
    pub(crate) fn past(&self, told_ms: Option<i64>) -> i64 {
        told_ms.unwrap_or(self.now_ms).min(self.now_ms).max(0)
    }

    /// The run with this id.
    ///
    /// # Errors
    /// Missing when there is none.
    pub(crate) fn run(&self, id: &str) -> Result<Run, Error> {
        lookup::find(self.tx, id)
    }

    /// Where a sweep is. What is changed in it is written at the end.
    ///
    /// # Errors
    /// Missing when there is none.
    pub(crate) fn progress(&mut self, sweep: &str) -> Result<&mut Progress, Error> {
        Ok(&mut self.touch(sweep)?.now)
    }

    /// The configuration of a sweep.
    ///
    /// # Errors
    /// Missing when there is none.
    pub(crate) fn plan(&mut self, sweep: &str) -> Result<Arc<Plan>, Error> {
        Ok(self.touch(sweep)?.plan.clone())
    }

    fn touch(&mut self, sweep: &str) -> Result<&mut Touched, Error> {
        if !self.progress.contains_key(sweep) {
            let before =
                store::sweeps::progress(self.tx, sweep)?.ok_or_else(|| Error::no_sweep(sweep))?;
            let plan = self.app.plans.get(self.tx, sweep)?;
            self.progress.insert(sweep.to_owned(), Touched { plan, now: before.clone(), before });
        }
        self.progress
            .get_mut(sweep)
            .ok_or_else(|| Error::Bug("a sweep was touched and is not there".to_owned()))
    }

    /// Wakes somebody after the commit.
    pub(crate) fn ring(&mut self, ring: Ring) {
        // One ring for all is enough; of those that wake one, each stands for a thing of its own.
        if let Ring::All(topic) = &ring
            && !self.rung.insert(topic.clone())
        {
            return;
        }
        self.effects.rings.push(ring);
    }

    /// Writes a new trial that is leased to its agent already. Its number must be the sweep's next.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn create_trial(&mut self, run: &mut Run) -> Result<(), Error> {
        run.key = store::runs::insert(self.tx, run)?;
        let body = json!({ "trial": run.trial, "attempt": run.attempt, "agent": run.agent });
        self.event(Kind::TrialCreated, run, &body)?;
        if let Some(sweep) = run.sweep.clone() {
            let progress = self.progress(&sweep)?;
            progress.next_trial += 1;
            progress.leased += 1;
            self.sweep_step(&sweep, sweep::Event::Lease)?;
        }
        self.effects.held.push((run.id.clone(), Some(run.attempt)));
        self.ring_run(run);
        Ok(())
    }

    /// Writes a new run outside of sweeps, which runs already.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn create_run(&mut self, run: &mut Run) -> Result<(), Error> {
        run.key = store::runs::insert(self.tx, run)?;
        self.event(Kind::Run, run, &json!({ "attempt": run.attempt, "state": run.state.name() }))?;
        self.effects.held.push((run.id.clone(), Some(run.attempt)));
        Ok(())
    }

    /// Moves a run along an arrow of its state machine. The caller saves the run.
    ///
    /// # Errors
    /// Refused when there is no such arrow.
    pub(crate) fn step(&mut self, run: &mut Run, event: run::Event) -> Result<(), Error> {
        let before = run.state;
        let after = run::next(before, event)?;
        probes::arrow(("run", before.name(), event.name()));
        run.state = after;
        if let Some(sweep) = run.sweep.clone() {
            let progress = self.progress(&sweep)?;
            if !planted(Bug::CountedTwice) {
                *counter(progress, before) -= 1;
            }
            *counter(progress, after) += 1;
        }
        if before.is_held() || after.is_held() {
            self.effects.held.push((run.id.clone(), after.is_held().then_some(run.attempt)));
        }
        if after == State::Running && run.started_ms.is_none() {
            run.started_ms = Some(self.now_ms);
        }
        if after == State::Queued
            && let Some(sweep) = &run.sweep
        {
            self.ring(Ring::One(Topic::Work(sweep.clone())));
        }
        if after.is_live() && before != after {
            self.event(Kind::Run, run, &json!({ "attempt": run.attempt, "state": after.name() }))?;
        }
        self.ring_run(run);
        Ok(())
    }

    /// Leases a queued run to an agent, as a new attempt that starts with nothing logged.
    ///
    /// # Errors
    /// Refused when it is not queued.
    pub(crate) fn lease(&mut self, run: &mut Run, agent: &str) -> Result<(), Error> {
        if !planted(Bug::AttemptReused) {
            run.attempt += 1;
        }
        run.agent = Some(agent.to_owned());
        run.preempting = false;
        run.history = 0;
        run.logged = 0;
        run.iteration = 0;
        run.value = None;
        run.started_ms = None;
        store::summaries::clear(self.tx, run.key)?;
        self.step(run, run::Event::Lease)?;
        store::runs::save(self.tx, run)?;
        if let Some(sweep) = run.sweep.clone() {
            self.sweep_step(&sweep, sweep::Event::Lease)?;
        }
        Ok(())
    }

    /// Ends a run: its result enters the search here.
    ///
    /// # Errors
    /// Refused when its state has no such end.
    pub(crate) fn end(&mut self, run: &mut Run, event: run::Event) -> Result<(), Error> {
        self.step(run, event)?;
        self.result(run)
    }

    /// A run that was over is not over any more; so is its sweep.
    ///
    /// # Errors
    /// Refused when the sweep's state has no way back.
    pub(crate) fn reopen(&mut self, run: &mut Run) -> Result<(), Error> {
        run.ended_ms = None;
        run.constrained.clear();
        run.note = None;
        self.event(Kind::RunReopened, run, &json!({ "attempt": run.attempt }))?;
        let Some(sweep) = run.sweep.clone() else { return Ok(()) };
        if self.progress(&sweep)?.state.is_over() {
            self.progress(&sweep)?.ended_ms = None;
            self.sweep_step(&sweep, sweep::Event::Retry)?;
        }
        Ok(())
    }

    /// The value of a run has got better: it may reach the target, or be the best. With constraints
    /// it counts once the run is over and satisfies them.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn improved(&mut self, run: &Run) -> Result<(), Error> {
        let (Some(sweep), Some(value)) = (&run.sweep, run.value) else { return Ok(()) };
        let plan = self.app.plans.get(self.tx, sweep)?;
        if !plan.study.is_feasible(&run.constrained) {
            return Ok(());
        }
        if plan.reaches_target(value) {
            self.close_sweep(sweep, "target")?;
        }
        if run.state == State::Finished {
            let progress = self.progress(sweep)?;
            let is_better = |best| plan.is_better(value, best) != planted(Bug::WorstIsBest);
            if progress.best_value.is_none_or(is_better) {
                progress.best_run = Some(run.id.clone());
                progress.best_value = Some(value);
            }
        }
        Ok(())
    }

    /// No new trial is wanted from now on. The first reason stays.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn close_sweep(&mut self, sweep: &str, reason: &str) -> Result<(), Error> {
        let progress = self.progress(sweep)?;
        if progress.closing.is_none() {
            progress.closing = Some(reason.to_owned());
        }
        Ok(())
    }

    /// Moves a sweep along an arrow of its state machine.
    ///
    /// # Errors
    /// Refused when there is no such arrow.
    pub(crate) fn sweep_step(&mut self, sweep: &str, event: sweep::Event) -> Result<(), Error> {
        let now_ms = self.now_ms;
        let progress = self.progress(sweep)?;
        let after = sweep::next(progress.state, event)?;
        probes::arrow(("sweep", progress.state.name(), event.name()));
        progress.state = after;
        if progress.state.is_over() {
            progress.ended_ms = Some(now_ms);
        }
        Ok(())
    }

    /// Tells a run to end, for this reason: whoever has it hears of it as soon as this is
    /// committed.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn want_stop(&mut self, run: &mut Run, reason: &str) -> Result<(), Error> {
        run.stop_wanted = Some(reason.to_owned());
        if let Some(agent) = &run.agent {
            self.ring(Ring::All(Topic::Agent(agent.clone())));
        }
        self.told(run)?;
        store::runs::save(self.tx, run)?;
        Ok(())
    }

    /// Tells watchers of a change to a run that is not one of state.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn told(&mut self, run: &Run) -> Result<(), Error> {
        let body = json!({ "attempt": run.attempt, "state": run.state.name(), "stop_wanted": run.stop_wanted });
        self.event(Kind::Run, run, &body)?;
        self.ring_run(run);
        Ok(())
    }

    /// The run is over.
    pub(super) fn result(&mut self, run: &mut Run) -> Result<(), Error> {
        run.ended_ms = Some(self.now_ms);
        run.constrained = constraints::values(self.tx, &self.app.plans, run)?;
        kept::settle(self.tx, run)?;
        let body = self.result_of(run)?;
        self.event(Kind::RunEnded, run, &body)?;
        self.improved(run)
    }

    /// What the search learns of a run, and all that it ever learns. Only runs that finished, or
    /// that a rule stopped, have something to tell.
    fn result_of(&self, run: &Run) -> Result<serde_json::Value, Error> {
        let tells = matches!(run.state, State::Finished | State::Pruned);
        let value = run.value.filter(|_| tells);
        let mut body = json!({ "attempt": run.attempt, "state": run.state.name(), "value": value });
        if tells && run.sweep.is_some() && run.iteration > 0 {
            let rungs = store::rungs::of_attempt(self.tx, run.key, run.attempt)?;
            if !rungs.is_empty() {
                body["rungs"] = json!(rungs);
            }
        }
        if !run.constrained.is_empty() {
            body["constrained"] = json!(run.constrained);
        }
        Ok(body)
    }

    pub(super) fn is_cancelled(&mut self, run: &Run) -> Result<bool, Error> {
        let Some(sweep) = &run.sweep else { return Ok(false) };
        Ok(self.progress(sweep)?.state == sweep::State::Cancelled)
    }

    pub(super) fn is_stopped(&mut self, run: &Run) -> Result<bool, Error> {
        let Some(sweep) = &run.sweep else { return Ok(false) };
        Ok(self.progress(sweep)?.closing.as_deref() == Some("stopped"))
    }

    fn event(&mut self, kind: Kind, run: &Run, body: &serde_json::Value) -> Result<(), Error> {
        let event = Event {
            kind,
            sweep: run.sweep.as_deref(),
            run: Some(&run.id),
            body: &body.to_string(),
        };
        store::events::append(self.tx, self.now_ms, event)?;
        Ok(())
    }

    fn ring_run(&mut self, run: &Run) {
        self.ring(Ring::All(Topic::Run(run.id.clone())));
        if let Some(sweep) = &run.sweep {
            self.ring(Ring::All(Topic::Sweep(sweep.clone())));
        }
    }

    /// Ends the change: sweeps with nothing left finish, and what was touched is written.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn close(mut self) -> Result<Effects, Error> {
        let sweeps: Vec<String> = self.progress.keys().cloned().collect();
        for sweep in &sweeps {
            self.settle(sweep)?;
        }
        for (sweep, touched) in std::mem::take(&mut self.progress) {
            let (now, before) = (&touched.now, &touched.before);
            if now == before {
                continue;
            }
            store::sweeps::save_progress(self.tx, now)?;
            if (now.state, &now.closing) != (before.state, &before.closing) {
                let body = json!({ "state": now.state.name(), "closing": now.closing }).to_string();
                let event =
                    Event { kind: Kind::Sweep, sweep: Some(&sweep), run: None, body: &body };
                store::events::append(self.tx, self.now_ms, event)?;
                self.ring(Ring::All(Topic::Sweep(sweep.clone())));
                self.ring(Ring::All(Topic::Work(sweep)));
            }
        }
        Ok(self.effects)
    }

    /// Finishes a sweep that has nothing left. Done at the end of each change; sooner where its
    /// state is told.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn settle(&mut self, sweep: &str) -> Result<(), Error> {
        let Touched { plan, now, .. } = self.touch(sweep)?;
        let is_full =
            plan.bound.is_some_and(|bound| now.next_trial >= bound) && !planted(Bug::NeverFull);
        if is_full && now.closing.is_none() {
            now.closing = Some(if plan.capped { "cap" } else { "space" }.to_owned());
        }
        let has_live = now.live() > 0 && !planted(Bug::FinishedWithLiveRuns);
        if now.closing.is_some() && !has_live && !now.state.is_over() {
            self.sweep_step(sweep, sweep::Event::Finish)?;
        }
        Ok(())
    }
}

/// How a run ends that was asked to.
pub(super) fn wanted_end(run: &Run) -> run::Event {
    if run.stop_wanted.as_deref() == Some(PRUNED) { run::Event::Prune } else { run::Event::Stop }
}

/// Where runs of a state are counted. Preempted runs go back to the queue in the same change.
fn counter(progress: &mut Progress, state: State) -> &mut u64 {
    match state {
        State::Queued | State::Preempted => &mut progress.queued,
        State::Leased => &mut progress.leased,
        State::Running => &mut progress.running,
        State::Finished => &mut progress.finished,
        State::Failed => &mut progress.failed,
        State::Crashed => &mut progress.crashed,
        State::Stopped => &mut progress.stopped,
        State::Pruned => &mut progress.pruned,
    }
}
