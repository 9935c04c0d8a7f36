//! The stop of a crash loop: a sweep whose attempts fail one after the other, soon after their
//! start, hands out nothing until a person resumes it. Part of `Change`; used when attempts end and
//! when a person resumes a sweep. A single bad node is not its business: the agent there gives up
//! by itself.

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

/// Longest line of a program's last words that is repeated, in bytes.
const LONGEST: usize = 200;

impl Change<'_> {
    /// An attempt of a trial has ended by itself after so long. The run's outcome says how; with a
    /// class, it failed.
    ///
    /// # Errors
    /// When the database fails.
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

    /// A person believes that the sweep works.
    ///
    /// # Errors
    /// Missing when there is no such sweep.
    pub(crate) fn forget_crash_loop(&mut self, sweep: &str) -> Result<(), Error> {
        let progress = self.progress(sweep)?;
        forget(progress);
        progress.trouble = None;
        Ok(())
    }

    /// Whether one agent alone fails while others hold trials of the sweep: then the program works
    /// somewhere.
    fn others_work(&self, sweep: &str, failing: Option<String>) -> Result<bool, Error> {
        let Some(failing) = failing else { return Ok(false) };
        Ok(store::runs::is_held_by_others(self.tx, sweep, &failing)?)
    }

    /// What has happened, for people.
    fn trouble(&mut self, sweep: &str, run: &Run) -> Result<String, Error> {
        let count = self.progress(sweep)?.quick_failures;
        let seconds = self.app.settings.quick_failure.as_secs();
        let message = run.outcome.message.as_deref().unwrap_or("no reason is known");
        let first = cut(message.lines().next().unwrap_or_default(), LONGEST);
        // What a program says last is mostly what ended it.
        let last = message.lines().skip(1).filter(|line| !line.trim().is_empty()).last();
        let last = last.map(|last| format!(": {}", cut(last.trim(), LONGEST))).unwrap_or_default();
        Ok(format!(
            "{count} attempts in a row failed within {seconds} s of their start, the last with \
            {first}{last}"
        ))
    }
}

/// Counts from anew.
fn forget(progress: &mut Progress) {
    progress.quick_failures = 0;
    progress.failing_agent = None;
}
