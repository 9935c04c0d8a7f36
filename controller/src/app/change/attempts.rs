//! Decides how a run goes on after an attempt that gave no result. The run is queued again if the
//! `retry` of its sweep allows another attempt. If not, the run is over. A run whose agent reports
//! the attempt after all becomes a running run again. Use cases call this part of `Change` when
//! attempts end, leases expire and agents report. This module never judges why an attempt failed.

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
    /// Records that the run's newest attempt failed, and queues the run again if `retry` allows it.
    /// The run's outcome has the class of the failure; without a class, it becomes `Class::Error`.
    ///
    /// # Errors
    /// Fails with [`Error::Refused`] if a run in this state cannot fail.
    pub(crate) fn fail(&mut self, run: &mut Draft<'_>) -> Result<(), Error> {
        let class = run.outcome.class.unwrap_or(Class::Error);
        run.outcome.class = Some(class);
        self.step(run, Event::Fail)?;
        if self.tries_again(run, class)? {
            // No agent will report the attempt again, because its process has ended.
            run.agent = None;
            run.front = false;
            return self.requeue(run, Event::Requeue);
        }
        self.result(run)
    }

    /// Takes the newest attempt of a run away from its agent or process, because its lease has
    /// expired or the agent no longer has it. `reason` says which, for users. The run goes back to
    /// the queue if it gets another attempt; if not, it is over.
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

    /// Puts a run at the front of the queue because its node takes the attempt's slot away. The
    /// attempt does not count as a failure.
    ///
    /// # Errors
    /// Fails with [`Error::Refused`] if no agent or process holds the run.
    pub(crate) fn preempt(&mut self, run: &mut Draft<'_>) -> Result<(), Error> {
        self.step(run, Event::Preempt)?;
        run.front = true;
        self.requeue(run, Event::Requeue)
    }

    /// Moves a run back to the queue with this event, or ends the run if no other attempt is
    /// wanted. Every run that goes back to the queue passes through this function, unless a user
    /// retries it. So a stopped sweep starts no trial again.
    ///
    /// # Errors
    /// Fails with [`Error::Refused`] if the state machine has no such transition.
    pub(crate) fn requeue(&mut self, run: &mut Draft<'_>, event: Event) -> Result<(), Error> {
        self.step(run, event)?;
        if run.stop_wanted.is_some() {
            self.end(run, Event::Stop)?;
        } else if self.is_stopped(run)? {
            // Without `stop_wanted`, no order to stop reaches an agent that still has the attempt.
            // A run without an agent fences the attempt, and the agent stops what is fenced.
            run.agent = None;
            self.end(run, Event::Stop)?;
        }
        Ok(())
    }

    /// Puts a run that is over back into the queue because a person asks for another attempt. The
    /// failures of its earlier attempts no longer count.
    ///
    /// # Errors
    /// Fails with [`Error::Refused`] if a run in this state gets no other attempt.
    pub(crate) fn retry(&mut self, run: &mut Draft<'_>) -> Result<(), Error> {
        self.step(run, Event::Retry)?;
        self.reopen(run)?;
        run.agent = None;
        run.stop_wanted = None;
        run.outcome = Outcome::default();
        store::failures::forgive(self.tx, run.key)?;
        Ok(())
    }

    /// Marks a run as running because its attempt reports itself, even if the controller had given
    /// the attempt up. A running run stays as it is, and so does a crashed run of a cancelled
    /// sweep.
    ///
    /// # Errors
    /// Fails with [`Error::Refused`] if a run in this state cannot become running again.
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
        // A leased run keeps its place at the front of the queue until its attempt reports itself,
        // because its agent may still decline it.
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
            exit_code: run.outcome.exit_code,
            signal: run.outcome.signal,
            ended_ms: self.now_ms,
        };
        store::failures::save(self.tx, run.key, &failure)?;
        let failed = store::failures::count(self.tx, run.key, class)?;
        let wanted = !self.progress(sweep)?.state.is_over() && !self.is_stopped(run)?;
        Ok(wanted && self.plan(sweep)?.config.retry.allows(class, failed))
    }
}
