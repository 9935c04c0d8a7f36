//! Makes one change of the database in one open transaction. Here each run or sweep gets its new
//! state from `sweeps::lifecycle`. Its counters, event, lease and wake-up follow from this state,
//! so no use case can forget one of them. `App::change` makes a [`Change`] for every use case that
//! writes.

pub(in crate::app) mod attempts;
pub(in crate::app) mod crash_loop;
pub(crate) mod draft;
pub(in crate::app) mod leases;
pub(crate) mod wakeups;

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use probes::{Bug, planted};
use record::ids::{Attempt, RunId, SweepId};
use serde_json::json;
use sweeps::lifecycle::{
    run::{self, State, StopReason},
    sweep::{self, Closing},
};

use super::{App, error::Error};
use crate::{
    app::{
        agents::registry,
        change::{
            draft::Draft,
            wakeups::{Topic, Wake},
        },
        files::kept,
        people::roster::People,
        runs::lookup,
        sweeps::{constraints, plan::Plan, stored},
    },
    store::{
        self, Tx,
        events::{Event, Kind},
        runs::Run,
        sweeps::Progress,
    },
};

/// A change of the database that is being made: an open transaction and the effects of its commit.
pub(crate) struct Change<'a> {
    /// The open transaction.
    pub(crate) tx: &'a Tx<'a>,
    /// The application, with the state that is kept in memory.
    pub(crate) app: &'a App,
    /// The time in milliseconds since 1970, the same for the whole change.
    pub(crate) now_ms: i64,
    progress: BTreeMap<SweepId, Touched>,
    effects: Effects,
    /// The topics for which `effects` already wakes all listeners.
    woken: HashSet<Topic>,
}

struct Touched {
    plan: Arc<Plan>,
    now: Progress,
    before: Progress,
}

/// The work that follows after the change is committed.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// The changes of leases, in their order.
    pub(crate) leases: Vec<Lease>,
    /// The listeners to wake.
    pub(crate) wakes: Vec<Wake>,
    /// All people, if the change has changed any.
    pub(crate) people: Option<Arc<People>>,
}

/// A change of a lease.
#[derive(Debug)]
pub(crate) enum Lease {
    /// The attempt is held from now on, with a lease of this many milliseconds; `None` means the
    /// usual lease.
    Granted(Attempt, Option<i64>),
    /// The run is no longer held.
    Released(RunId),
}

impl<'a> Change<'a> {
    /// Starts a change in this transaction.
    pub(crate) fn new(tx: &'a Tx<'a>, app: &'a App) -> Self {
        Self {
            tx,
            app,
            now_ms: app.clock.wall_ms(),
            progress: BTreeMap::new(),
            effects: Effects::default(),
            woken: HashSet::new(),
        }
    }

    /// Limits a time that a caller reported to one that is possible: not before 1970, and not after
    /// now. Returns the present time if the caller reported none.
    pub(crate) fn past(&self, told_ms: Option<i64>) -> i64 {
        told_ms.unwrap_or(self.now_ms).min(self.now_ms).max(0)
    }

    /// Returns the run with this id.
    ///
    /// # Errors
    /// Fails with [`Error::Missing`] if the run does not exist.
    pub(crate) fn run(&self, id: &RunId) -> Result<Run, Error> {
        lookup::find(self.tx, id)
    }

    /// Returns the progress of a sweep. [`Change::close`] writes what the caller changes in the
    /// progress.
    ///
    /// # Errors
    /// Fails with [`Error::Missing`] if the sweep does not exist.
    pub(crate) fn progress(&mut self, sweep: &SweepId) -> Result<&mut Progress, Error> {
        Ok(&mut self.touch(sweep)?.now)
    }

    /// Returns the plan of a sweep, which is its checked configuration.
    ///
    /// # Errors
    /// Fails with [`Error::Missing`] if the sweep does not exist.
    pub(crate) fn plan(&mut self, sweep: &SweepId) -> Result<Arc<Plan>, Error> {
        Ok(self.touch(sweep)?.plan.clone())
    }

    fn touch(&mut self, sweep: &SweepId) -> Result<&mut Touched, Error> {
        if !self.progress.contains_key(sweep) {
            let before = stored::progress(self.tx, sweep)?;
            let plan = self.app.plans.get(self.tx, sweep)?;
            self.progress.insert(sweep.clone(), Touched { plan, now: before.clone(), before });
        }
        self.progress
            .get_mut(sweep)
            .ok_or_else(|| Error::Bug("the progress of a sweep was read and is gone".to_owned()))
    }

    /// Wakes listeners after the change is committed.
    pub(crate) fn wake(&mut self, wake: Wake) {
        // One wake-up for all listeners of a topic is enough. Each wake-up for one listener stands
        // for one trial, so all wake-ups of this kind are kept.
        if let Wake::All(topic) = &wake
            && !self.woken.insert(topic.clone())
        {
            return;
        }
        self.effects.wakes.push(wake);
    }

    /// Writes a new trial that is already leased to its agent. The trial's number must be the
    /// sweep's next one.
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
        self.effects.leases.push(Lease::Granted(run.present(), run.lease_ms));
        self.wake_run(run);
        Ok(())
    }

    /// Writes a new run that belongs to no sweep and is already running.
    pub(crate) fn create_run(&mut self, run: &mut Run) -> Result<(), Error> {
        run.key = store::runs::insert(self.tx, run)?;
        self.event(Kind::Run, run, &json!({ "attempt": run.attempt, "state": run.state.name() }))?;
        self.effects.leases.push(Lease::Granted(run.present(), run.lease_ms));
        self.wake_run(run);
        Ok(())
    }

    /// Lets `work` edit a run, and saves what `work` changed. If `work` fails, this function saves
    /// nothing and returns the error.
    pub(crate) fn edit<T>(
        &mut self,
        run: &mut Run,
        work: impl FnOnce(&mut Self, &mut Draft<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut draft = Draft::new(run);
        let done = work(self, &mut draft)?;
        draft.save(self.tx)?;
        Ok(done)
    }

    /// Moves a run to the state that the event leads to. Also updates the sweep's counters and the
    /// run's lease, and wakes the listeners. Records an event only if the new state is live;
    /// `Change::result` records the event of an end.
    ///
    /// # Errors
    /// Fails with [`Error::Refused`] if the state machine has no such transition.
    pub(crate) fn step(&mut self, run: &mut Draft<'_>, event: run::Event) -> Result<(), Error> {
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
            self.effects.leases.push(match after.is_held() {
                true => Lease::Granted(run.present(), run.lease_ms),
                false => Lease::Released(run.id.clone()),
            });
        }
        if after == State::Running && run.started_ms.is_none() {
            run.started_ms = Some(self.now_ms);
        }
        if after == State::Queued
            && let Some(sweep) = &run.sweep
        {
            self.wake(Wake::One(Topic::Work(sweep.clone())));
        }
        if after.is_live() && before != after {
            self.event(Kind::Run, run, &json!({ "attempt": run.attempt, "state": after.name() }))?;
        }
        self.wake_run(run);
        Ok(())
    }

    /// Leases a queued run to an agent, as a new attempt that starts without any rows.
    ///
    /// # Errors
    /// Fails with [`Error::Refused`] if the run is not queued.
    pub(crate) fn lease(&mut self, run: &mut Run, agent: &str) -> Result<(), Error> {
        self.edit(run, |change, run| {
            if !planted(Bug::AttemptReused) {
                run.attempt += 1;
            }
            run.agent = Some(agent.to_owned());
            run.lease_ms = change.app.lease_ms(registry::is_foreign(agent));
            run.preempting = false;
            run.history = 0;
            run.logged = 0;
            run.iteration = 0;
            run.value = None;
            run.started_ms = None;
            store::summaries::clear(change.tx, run.key)?;
            change.step(run, run::Event::Lease)
        })?;
        if let Some(sweep) = run.sweep.clone() {
            self.sweep_step(&sweep, sweep::Event::Lease)?;
        }
        Ok(())
    }

    /// Ends a run, and records the event from which the search learns the run's result.
    ///
    /// # Errors
    /// Fails with [`Error::Refused`] if the event cannot happen to a run in this state.
    pub(crate) fn end(&mut self, run: &mut Draft<'_>, event: run::Event) -> Result<(), Error> {
        self.step(run, event)?;
        self.result(run)
    }

    /// Prepares a run that was over for a return to a live state. Reopens the run's sweep if the
    /// sweep is over.
    ///
    /// # Errors
    /// Fails with [`Error::Refused`] if a sweep in this state cannot be reopened.
    pub(crate) fn reopen(&mut self, run: &mut Draft<'_>) -> Result<(), Error> {
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

    /// Compares the value of a run with the sweep's target and its best value. A value that reaches
    /// the target closes the sweep. A finished run with a better value becomes the sweep's best
    /// run. In a sweep with constraints, the value counts only if the run is over and satisfies
    /// them.
    pub(crate) fn improved(&mut self, run: &Run) -> Result<(), Error> {
        let (Some(sweep), Some(value)) = (&run.sweep, run.value) else { return Ok(()) };
        let plan = self.app.plans.get(self.tx, sweep)?;
        if !plan.study.is_feasible(&run.constrained) {
            return Ok(());
        }
        if plan.reaches_target(value) {
            self.close_sweep(sweep, Closing::Target)?;
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

    /// Ends the creation of new trials in a sweep. If the sweep already has a reason for this, that
    /// reason stays. But a reached target replaces a reached cap, because a higher cap would not
    /// help.
    pub(crate) fn close_sweep(&mut self, sweep: &SweepId, reason: Closing) -> Result<(), Error> {
        let progress = self.progress(sweep)?;
        let yields = progress.closing == Some(Closing::Cap) && reason == Closing::Target;
        if progress.closing.is_none() || yields {
            progress.closing = Some(reason);
        }
        Ok(())
    }

    /// Moves a sweep to the state that the event leads to.
    ///
    /// # Errors
    /// Fails with [`Error::Refused`] if the state machine has no such transition.
    pub(crate) fn sweep_step(&mut self, sweep: &SweepId, event: sweep::Event) -> Result<(), Error> {
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

    /// Orders a run to end, for this reason. The run's agent or process receives the order soon
    /// after the change is committed.
    pub(crate) fn want_stop(
        &mut self,
        run: &mut Draft<'_>,
        reason: StopReason,
    ) -> Result<(), Error> {
        run.stop_wanted = Some(reason);
        if let Some(agent) = &run.agent {
            self.wake(Wake::All(Topic::Agent(agent.clone())));
        }
        self.told(run)
    }

    /// Writes an event and wakes the watchers after a change of a run that leaves the run's state
    /// as it is.
    pub(crate) fn told(&mut self, run: &Run) -> Result<(), Error> {
        let body = json!({
            "attempt": run.attempt,
            "state": run.state.name(),
            "stop_wanted": run.stop_wanted.map(StopReason::name)
        });
        self.event(Kind::Run, run, &body)?;
        self.wake_run(run);
        Ok(())
    }

    /// Records the end of a run whose state has already changed: the time, the values for the
    /// constraints, and the event. Also releases checkpoints that are no longer needed, and updates
    /// the sweep's best run.
    pub(super) fn result(&mut self, run: &mut Draft<'_>) -> Result<(), Error> {
        run.ended_ms = Some(self.now_ms);
        run.constrained = constraints::values(self.tx, &self.app.plans, run)?;
        kept::settle(self.tx, run)?;
        let body = self.result_of(run)?;
        self.event(Kind::RunEnded, run, &body)?;
        self.improved(run)
    }

    /// Returns the body of the event that ends a run. The search learns the result of a run from
    /// this body alone. The body has a value only if the run finished or was pruned.
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
        Ok(self.progress(sweep)?.closing == Some(Closing::Stopped))
    }

    fn event(&mut self, kind: Kind, run: &Run, body: &serde_json::Value) -> Result<(), Error> {
        let event =
            Event { kind, sweep: run.sweep.as_ref(), run: Some(&run.id), body: &body.to_string() };
        store::events::append(self.tx, self.now_ms, event)?;
        Ok(())
    }

    /// Wakes the listeners of a run and of its sweep after the change is committed.
    pub(crate) fn wake_run(&mut self, run: &Run) {
        Topic::of_state(run).for_each(|topic| self.wake(Wake::All(topic)));
    }

    /// Tells the roster about a change of people. The change must have written it already.
    pub(in crate::app) fn tell_roster(&mut self) -> Result<(), Error> {
        self.effects.people = Some(Arc::new(People::read(self.tx)?));
        Ok(())
    }

    /// Ends the change: settles the sweeps that it read or changed, and writes the progress of each
    /// sweep that changed.
    pub(crate) fn close(mut self) -> Result<Effects, Error> {
        let sweeps: Vec<SweepId> = self.progress.keys().cloned().collect();
        for sweep in &sweeps {
            self.settle(sweep)?;
        }
        for (sweep, touched) in std::mem::take(&mut self.progress) {
            let (now, before) = (&touched.now, &touched.before);
            if now == before {
                continue;
            }
            store::sweeps::save_progress(self.tx, now)?;
            let said = |progress: &Progress| (progress.state, progress.closing, progress.cap);
            if said(now) != said(before) {
                let mut body =
                    json!({ "state": now.state.name(), "closing": now.closing.map(Closing::name) });
                if let Some(cap) = now.cap {
                    body["cap"] = json!(cap);
                }
                let body = body.to_string();
                let event =
                    Event { kind: Kind::Sweep, sweep: Some(&sweep), run: None, body: &body };
                store::events::append(self.tx, self.now_ms, event)?;
                self.wake(Wake::All(Topic::Sweep(sweep.clone())));
                self.wake(Wake::All(Topic::Work(sweep)));
                let within = Topic::within(&touched.plan.project);
                within.into_iter().for_each(|topic| self.wake(Wake::All(topic)));
            }
        }
        Ok(self.effects)
    }

    /// Closes a sweep that has created all of its trials, and finishes a closed sweep without live
    /// runs. [`Change::close`] calls this function. A caller that needs the sweep's state sooner
    /// also calls it.
    pub(crate) fn settle(&mut self, sweep: &SweepId) -> Result<(), Error> {
        let Touched { plan, now, .. } = self.touch(sweep)?;
        let bound = plan.bound(now.cap);
        let is_full =
            bound.is_some_and(|bound| now.next_trial >= bound) && !planted(Bug::NeverFull);
        if is_full && now.closing.is_none() {
            now.closing = Some(if bound == plan.points { Closing::Space } else { Closing::Cap });
        }
        let has_live = now.live() > 0 && !planted(Bug::FinishedWithLiveRuns);
        if now.closing.is_some() && !has_live && !now.state.is_over() {
            self.sweep_step(sweep, sweep::Event::Finish)?;
        }
        Ok(())
    }
}

/// Returns the event that ends a run for the reason for which it was ordered to stop. Without such
/// an order, returns [`run::Event::Stop`].
pub(super) fn wanted_end(run: &Run) -> run::Event {
    run.stop_wanted.map_or(run::Event::Stop, StopReason::end)
}

/// Returns the sweep's counter of runs in a state. Preempted runs count as queued, because they go
/// back to the queue in the same change.
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
