//! How a run goes on after an attempt that came to nothing: queued again while its sweep's `retry`
//! allows, back to running when the attempt is heard of after all, or over. Part of `Change`; used
//! when attempts end, leases run out and agents report. Never judges why an attempt failed.

use sweeps::lifecycle::{
    Class,
    run::{Event, State},
};

use super::{
    Change,
    wakeups::{Ring, Topic},
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
    /// An attempt failed, as the run's outcome says. The caller saves the run.
    ///
    /// # Errors
    /// Refused when its state has no such end.
    pub(crate) fn fail(&mut self, run: &mut Run) -> Result<(), Error> {
        let class = run.outcome.class.unwrap_or(Class::Error);
        run.outcome.class = Some(class);
        self.step(run, Event::Fail)?;
        if self.tries_again(run, class)? {
            // Nobody is to be heard of: its process is gone.
            run.agent = None;
            run.front = false;
            return self.requeue(run, Event::Requeue);
        }
        self.result(run)
    }

    /// A lease ran out, or an agent forgot a run.
    ///
    /// # Errors
    /// Refused when nobody holds the run.
    pub(crate) fn lose(&mut self, run: &mut Run, reason: &str) -> Result<(), Error> {
        if let Some(agent) = run.agent.clone() {
            self.ring(Ring::All(Topic::Agent(agent)));
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
        store::runs::save(self.tx, run)?;
        Ok(())
    }

    /// Its node takes it away: it is the next to be handed out, and no attempt is charged. The
    /// caller saves the run.
    ///
    /// # Errors
    /// Refused when nobody holds the run.
    pub(crate) fn preempt(&mut self, run: &mut Run) -> Result<(), Error> {
        self.step(run, Event::Preempt)?;
        run.front = true;
        self.requeue(run, Event::Requeue)
    }

    /// Moves a run back to the queue along this arrow, or to its end when nobody wants another
    /// attempt: every way back but a person's retry leads through here, so that no sweep that was
    /// stopped starts trials again. The caller saves the run.
    ///
    /// # Errors
    /// Refused when there is no such arrow.
    pub(crate) fn requeue(&mut self, run: &mut Run, event: Event) -> Result<(), Error> {
        self.step(run, event)?;
        if run.stop_wanted.is_some() {
            self.end(run, Event::Stop)?;
        } else if self.is_stopped(run)? {
            // No reason to stop stands in the run: an agent that has it after all must find that it
            // is not its own.
            run.agent = None;
            self.end(run, Event::Stop)?;
        }
        Ok(())
    }

    /// An attempt was heard of that may have been given up: it goes on. Nothing happens to one that
    /// runs, nor to one that crashed for good in a sweep that was cancelled since. The caller saves
    /// the run.
    ///
    /// # Errors
    /// Refused when its state has no way back.
    pub(crate) fn hear(&mut self, run: &mut Run) -> Result<(), Error> {
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
        // Until now it kept its place: whoever was to start it might have given it back.
        run.front = false;
        run.outcome = Outcome::default();
        Ok(())
    }

    /// Notes the failure of a trial's attempt; whether the run is worth another one.
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
