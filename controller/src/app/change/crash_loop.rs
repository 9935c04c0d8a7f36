//! Stops a crash loop. A sweep whose attempts fail one after the other, soon after their start,
//! hands out nothing until a user resumes it. This is a part of `Change`, which uses it when
//! attempts end and when a user resumes a sweep. It does not handle a single bad node: the agent
//! there gives up by itself.

use std::time::Duration;

use sweeps::lifecycle::{
    Class,
    sweep::{Event, State},
};

use super::Change;
use crate::{
    app::{error::Error, text::cut},
    store::{self, runs::Run, sweeps::Progress},
};

/// The longest line of a program's last output that is repeated, in bytes.
const LONGEST: usize = 200;

impl Change<'_> {
    /// Counts an attempt of a trial that ended by itself after running for `ran`. The run's outcome
    /// says how it ended; an outcome with a class is a failure.
    pub(crate) fn watch_crash_loop(&mut self, run: &Run, ran: Duration) -> Result<(), Error> {
        let Some(sweep) = &run.sweep else { return Ok(()) };
        let settings = &self.app.settings;
        let is_quick = ran <= settings.quick_failure
            && matches!(run.outcome.class, Some(Class::Start | Class::Error));
        let progress = self.progress(sweep)?;
        if !is_quick {
            forget(progress);
            return Ok(());
        }
        progress.failing_agent = match progress.quick_failures {
            0 => run.agent.clone(),
            _ => progress.failing_agent.take().filter(|agent| Some(agent) == run.agent.as_ref()),
        };
        progress.quick_failures += 1;
        let failing = progress.failing_agent.clone();
        let is_loop =
            progress.quick_failures >= settings.crash_loop && progress.state == State::Running;
        if is_loop && !self.others_work(sweep, failing)? {
            let trouble = self.trouble(sweep, run)?;
            self.progress(sweep)?.trouble = Some(trouble);
            self.sweep_step(sweep, Event::Pause)?;
        }
        Ok(())
    }

    /// Forgets the failures so far, because a user believes that the sweep works.
    ///
    /// # Errors
    /// Fails with [`Error::Missing`] if the sweep does not exist.
    pub(crate) fn forget_crash_loop(&mut self, sweep: &str) -> Result<(), Error> {
        let progress = self.progress(sweep)?;
        forget(progress);
        progress.trouble = None;
        Ok(())
    }

    /// Returns whether one agent alone fails while others hold trials of the sweep. In that case
    /// the program works somewhere.
    fn others_work(&self, sweep: &str, failing: Option<String>) -> Result<bool, Error> {
        let Some(failing) = failing else { return Ok(false) };
        Ok(store::runs::is_held_by_others(self.tx, sweep, &failing)?)
    }

    /// Describes what happened, for users.
    fn trouble(&mut self, sweep: &str, run: &Run) -> Result<String, Error> {
        let count = self.progress(sweep)?.quick_failures;
        let seconds = self.app.settings.quick_failure.as_secs();
        let message = run.outcome.message.as_deref().unwrap_or("no reason is known");
        let first = cut(message.lines().next().unwrap_or_default(), LONGEST);
        // The last line that a program prints usually says what ended it.
        let last = message.lines().skip(1).filter(|line| !line.trim().is_empty()).last();
        let last = last.map(|last| format!(": {}", cut(last.trim(), LONGEST))).unwrap_or_default();
        Ok(format!(
            "{count} attempts in a row failed within {seconds} s of their start, the last with \
            {first}{last}"
        ))
    }
}

/// Starts the count again.
fn forget(progress: &mut Progress) {
    progress.quick_failures = 0;
    progress.failing_agent = None;
}
