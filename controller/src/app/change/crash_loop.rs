//! Pauses a sweep that is in a crash loop. If the attempts of a sweep fail in a row, soon after
//! their start, the sweep hands out no trials until a user resumes it. Use cases call this part of
//! `Change` when attempts end and when a user resumes a sweep. This module does not handle a single
//! bad node, because the agent on such a node gives up by itself.

use std::time::Duration;

use record::ids::SweepId;
use sweeps::lifecycle::{
    Class,
    sweep::{Event, State},
};

use super::Change;
use crate::{
    app::{error::Error, text::cut},
    store::{self, runs::Run, sweeps::Progress},
};

/// The most bytes that a sweep's `trouble` repeats of one line of an attempt's message.
const LONGEST: usize = 200;

impl Change<'_> {
    /// Counts a trial's attempt that failed by itself within `settings.quick_failure`, with the
    /// class `Start` or `Error`. An attempt that ended by itself in any other way resets the count.
    /// `ran` is how long the attempt ran. Pauses the sweep if the count reaches
    /// `settings.crash_loop`, unless one agent had all of these failures and other agents hold
    /// trials of the sweep.
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

    /// Resets the count of quick failures and removes the description of the crash loop, because a
    /// user resumes the sweep.
    ///
    /// # Errors
    /// Fails with [`Error::Missing`] if the sweep does not exist.
    pub(crate) fn forget_crash_loop(&mut self, sweep: &SweepId) -> Result<(), Error> {
        let progress = self.progress(sweep)?;
        forget(progress);
        progress.trouble = None;
        Ok(())
    }

    /// Returns whether all counted failures are those of the agent `failing` while other agents
    /// hold trials of the sweep. In that case the program works on another node.
    fn others_work(&self, sweep: &SweepId, failing: Option<String>) -> Result<bool, Error> {
        let Some(failing) = failing else { return Ok(false) };
        Ok(store::holders::is_held_by_others(self.tx, sweep, &failing)?)
    }

    /// Returns a description of the crash loop for users.
    fn trouble(&mut self, sweep: &SweepId, run: &Run) -> Result<String, Error> {
        let count = self.progress(sweep)?.quick_failures;
        let seconds = self.app.settings.quick_failure.as_secs();
        let message = run.outcome.message.as_deref().unwrap_or("no reason is known");
        let first = cut(message.lines().next().unwrap_or_default(), LONGEST);
        // The last line that a program prints usually says why the program ended.
        let last = message.lines().skip(1).filter(|line| !line.trim().is_empty()).last();
        let last = last.map(|last| format!(": {}", cut(last.trim(), LONGEST))).unwrap_or_default();
        Ok(format!(
            "{count} attempts in a row failed within {seconds} s of their start, the last with \
            {first}{last}"
        ))
    }
}

/// Resets the count of quick failures.
fn forget(progress: &mut Progress) {
    progress.quick_failures = 0;
    progress.failing_agent = None;
}
