//! Decides how a run goes on after an attempt that gave no result. The run is queued again while
//! the `retry` of its sweep allows it. It runs again if its agent reports the attempt after all.
//! Otherwise it is over. This is a part of `Change`, which uses it when attempts end, leases run
//! out and agents report. It never judges why an attempt failed.

use sweeps::lifecycle::{
    Class,
    run::{Event, State},
};

use super::{
    Change,
    draft::Draft,
    wakeups::{Topic, Wake},
    wanted_end,
};
use crate::{
    app::error::Error,
    store::{
        self,
        failures::Failure,
        runs::{Outcome, Run},
    },
};

impl Change<'_> {
    /// Records that an attempt failed, as the run's outcome says.
    ///
    /// # Errors
    /// Fails with [`Error::Refused`] if the run's state does not allow such an end.
    pub(crate) fn fail(&mut self, run: &mut Draft<'_>) -> Result<(), Error> {
        let class = run.outcome.class.unwrap_or(Class::Error);
        run.outcome.class = Some(class);
        self.step(run, Event::Fail)?;
        if self.tries_again(run, class)? {
            // No agent will report the attempt again: its process is gone.
            run.agent = None;
            run.front = false;
            return self.requeue(run, Event::Requeue);
        }
        self.result(run)
    }

    /// Takes an attempt away whose lease ran out, or whose agent forgot it.
    ///
    /// # Errors
    /// Fails with [`Error::Refused`] if no agent or process holds the run.
    pub(crate) fn lose(&mut self, run: &mut Draft<'_>, reason: &str) -> Result<(), Error> {
        if let Some(agent) = run.agent.clone() {
            self.wake(Wake::All(Topic::Agent(agent)));
        }
        if run.state == State::Leased {
            self.requeue(run, Event::LeaseOver)?;
        } else if run.preempting && run.sweep.is_some() && run.stop_wanted.is_none() {
            self.preempt(run)?;
        } else {
            self.step(run, Event::LeaseOver)?;
            let (class, message) = (Some(Class::Lost), Some(reason.to_owned()));
            run.outcome = Outcome { class, message, ..Outcome::default() };
            let again = self.tries_again(run, Class::Lost)?;
            if run.stop_wanted.is_some() {
                self.end(run, wanted_end(run))?;
            } else if again {
                self.requeue(run, Event::Requeue)?;
            } else {
                self.result(run)?;
            }
        }
        Ok(())
    }

    /// Puts a run at the front of the queue because its node takes the slot away. The attempt does
    /// not count as a failure.
    ///
    /// # Errors
    /// Fails with [`Error::Refused`] if no agent or process holds the run.
    pub(crate) fn preempt(&mut self, run: &mut Draft<'_>) -> Result<(), Error> {
        self.step(run, Event::Preempt)?;
        run.front = true;
        self.requeue(run, Event::Requeue)
    }

    /// Moves a run back to the queue with this event, or ends it if no other attempt is wanted.
    /// Every way back to the queue leads through here, except a retry by a user. So a stopped sweep
    /// starts no trial again.
    ///
    /// # Errors
    /// Fails with [`Error::Refused`] if the state machine has no such transition.
    pub(crate) fn requeue(&mut self, run: &mut Draft<'_>, event: Event) -> Result<(), Error> {
        self.step(run, event)?;
        if run.stop_wanted.is_some() {
            self.end(run, Event::Stop)?;
        } else if self.is_stopped(run)? {
            // The run holds no reason to stop. So an agent that has it after all must find that the
            // run is no longer its own.
            run.agent = None;
            self.end(run, Event::Stop)?;
        }
        Ok(())
    }

    /// Lets an attempt go on that reports itself, even if the controller had given it up. Nothing
    /// happens to a run that is running, or to one that crashed for good in a sweep that was
    /// cancelled since.
    ///
    /// # Errors
    /// Fails with [`Error::Refused`] if the run's state has no way back.
    pub(crate) fn hear(&mut self, run: &mut Draft<'_>) -> Result<(), Error> {
        if run.state == State::Running {
            return Ok(());
        }
        if run.state == State::Crashed {
            if self.is_cancelled(run)? {
                return Ok(());
            }
            self.reopen(run)?;
        }
        if run.state != State::Leased {
            store::failures::remove(self.tx, run.key, run.attempt)?;
        }
        self.step(run, Event::Heard)?;
        // Until now the run kept its place in the queue, because the agent could have declined it.
        run.front = false;
        run.outcome = Outcome::default();
        Ok(())
    }

    /// Records the failure of a trial's attempt, and returns whether the run gets another attempt.
    fn tries_again(&mut self, run: &Run, class: Class) -> Result<bool, Error> {
        let Some(sweep) = &run.sweep else { return Ok(false) };
        let failure = Failure {
            attempt: run.attempt,
            class,
            agent: run.agent.clone(),
            message: run.outcome.message.clone(),
            ended_ms: self.now_ms,
        };
        store::failures::save(self.tx, run.key, &failure)?;
        let failed = store::failures::count(self.tx, run.key, class)?;
        let wanted = !self.progress(sweep)?.state.is_over() && !self.is_stopped(run)?;
        Ok(wanted && self.plan(sweep)?.config.retry.allows(class, failed))
    }
}
