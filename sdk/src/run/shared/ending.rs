//! Ends a run: sends what is left to the journal and to the controller, within a bounded time, and
//! removes the folder once it is not needed. The handle of the run, function agents and the exit
//! hook call it.

use std::{
    fs,
    sync::{
        Arc, PoisonError,
        atomic::Ordering,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use proto::v1::{EndRun, Outcome};

use super::{AGENTS_WAIT, Shared, lock, logged};
use crate::{
    clock::wall_ms,
    error::FinishError,
    exit::AtExit,
    rows::{row_buffer::Stream, sender::Halt},
    run::{duty::Duty, finished::Finished},
    warning::warn,
};

/// The time that the end of a run waits for git, which may still be running if the run took only
/// seconds.
const CODE_WAIT: Duration = Duration::from_secs(1);
/// The longest time by which the end delays `std::process::exit`.
const EXIT_WAIT: Duration = Duration::from_secs(5);
/// The wait after which a line explains what the program waits for.
const NOTICED: Duration = Duration::from_secs(2);

impl Shared {
    /// Ends the run once. Later calls return the same result.
    pub(crate) fn settle(&self, outcome: Outcome) -> Result<Finished, FinishError> {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let close = || {
            let closed = match self.duty {
                Duty::Agents => self.close(None, AGENTS_WAIT),
                Duty::Own { wait, .. } => self.close(Some(outcome), wait),
                Duty::Offline | Duty::Disabled => self.close(Some(outcome), Duration::ZERO),
            };
            // Threads may hold the journal for some milliseconds more, and the next run of this
            // process may have the same id.
            let released = self.journal.as_ref().map_or(Ok(()), |journal| lock(journal).release());
            if let Err(error) = released {
                warn(&format!("the journal of run `{}` stays locked: {error}", self.identity.run));
            }
            closed
        };
        ended.get_or_insert_with(close).clone()
    }

    /// Ends the run like [`Shared::settle`] if it has not ended yet, and prints a failure on
    /// standard error, because no caller gets the result.
    pub(crate) fn settle_unseen(&self, outcome: Outcome) {
        if self.ended.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            return;
        }
        if let Err(error) = self.settle(outcome) {
            warn(&error.to_string());
        }
    }

    fn close(&self, outcome: Option<Outcome>, wait: Duration) -> Result<Finished, FinishError> {
        self.stop_taking();
        let run = self.identity.run.clone();
        let (Some(journal), Some(attached)) = (&self.journal, &self.attached) else {
            return Ok(Finished { run, ..Finished::default() });
        };
        let (drained, rest, rows, cut) = {
            let mut journal = lock(journal);
            let (drained, rest) = journal.finish(&self.buffer, &self.written);
            // The flag is set under the lock, so that the journal's own thread does not take what
            // is left.
            self.closed.store(true, Ordering::Relaxed);
            (drained, rest, journal.rows(), journal.cut())
        };
        let (shipped, report) = self.say_if_long(wait, || {
            // The files go before the end is reported: after that the controller waits for nothing
            // more.
            let shipped = attached.end(wait);
            let report = match self.duty {
                Duty::Offline | Duty::Disabled => {
                    Ok(format!("`sweep sync {}` sends them", self.folder.display()))
                }
                Duty::Agents | Duty::Own { .. } => self.sender.end(outcome.clone(), rest, wait),
            };
            (shipped, report)
        });
        let counts = self.buffer.counts();
        let (accepted, refused, cut) =
            (counts.accepted, counts.refused, counts.cut + cut + attached.lost());
        let mut finished =
            Finished { run: run.clone(), accepted, refused, cut, note: String::new() };
        if refused > 0 || cut > 0 {
            warn(&finished.to_string());
        }
        let folder = self.folder.clone();
        let stored = self.sender.stored();
        let is_sent = report.is_ok() && !matches!(self.duty, Duty::Offline);
        if let (Err(source), false) = (drained, is_sent) {
            self.leave(outcome);
            let kept = Stream::ALL.map(|stream| rows[stream as usize].max(stored[stream as usize]));
            let lost = self.inherited + accepted - logged(kept);
            return Err(FinishError::Journal { run, lost, folder, source: Arc::new(source) });
        }
        let report = report.and_then(|note| shipped.map(|()| note).map_err(Halt::Failed));
        match (report, self.duty) {
            (Ok(note), _) => finished.note = note,
            (Err(Halt::Fenced), _) => return Err(FinishError::Fenced { run, folder }),
            (Err(Halt::Failed(reason)), Duty::Own { .. }) => {
                self.leave(outcome);
                let unsent = Stream::ALL
                    .map(|stream| rows[stream as usize].saturating_sub(stored[stream as usize]));
                let waiting = logged(unsent) + attached.waiting();
                return Err(FinishError::Unsent { run, waiting, reason, folder });
            }
            (Err(Halt::Failed(_)), _) => {}
        }
        match self.duty {
            Duty::Offline => self.leave(outcome),
            _ if outcome.is_some() => self.remove_folder(),
            _ => {}
        }
        Ok(finished)
    }

    /// Makes the run refuse all later rows.
    fn stop_taking(&self) {
        let telling = self.telling.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(telling) = telling {
            // No message ever comes: the receiver disconnects when the thread has finished.
            let _ = telling.recv_timeout(CODE_WAIT);
        }
        self.samples.end();
        self.console.end();
        self.buffer.close();
    }

    /// Runs `wait_for_it`, which waits for the controller at most for `wait`. If that takes long
    /// enough to notice, prints one line.
    fn say_if_long<T>(&self, wait: Duration, wait_for_it: impl FnOnce() -> T) -> T {
        if wait <= NOTICED {
            return wait_for_it();
        }
        thread::scope(|scope| {
            let (over, told) = mpsc::sync_channel::<()>(0);
            let say = move || {
                if told.recv_timeout(NOTICED) == Err(RecvTimeoutError::Timeout) {
                    let (run, folder) = (&self.identity.run, self.folder.display());
                    let reason = self
                        .sender
                        .trouble()
                        .map(|trouble| format!(" ({trouble})"))
                        .unwrap_or_default();
                    warn(&format!(
                        "run `{run}` waits {} s at most for the controller to take what is \
                        left{reason}; it is safe in `{folder}`",
                        wait.as_secs()
                    ));
                }
            };
            // Without a thread there is no line, and the wait is the same.
            let _ =
                thread::Builder::new().name("besom-patience".to_owned()).spawn_scoped(scope, say);
            let waited = wait_for_it();
            drop(over);
            waited
        })
    }

    /// Writes the end into the run's file for `sweep sync`. Does nothing without an outcome: then
    /// the process is exiting, and its exit code is not known.
    fn leave(&self, outcome: Option<Outcome>) {
        let (Some(file), Some(outcome)) = (&self.file, outcome) else { return };
        let end = EndRun { outcome: Some(outcome), ended_ms: Some(wall_ms()), ..EndRun::default() };
        let mut file = file.clone();
        file.end = Some(end);
        if let Err(error) = file.write(&self.folder) {
            warn(&format!(
                "run `{}` will seem to have crashed, because its end cannot be written: {error}",
                self.identity.run
            ));
        }
    }

    /// Removes the folder. The controller has everything and knows the end, so the journal is not
    /// needed any more.
    fn remove_folder(&self) {
        // A folder that cannot be removed only takes space.
        let _ = fs::remove_dir_all(&self.folder);
        if let Some(attempts) = self.folder.parent() {
            let _ = fs::remove_dir(attempts);
        }
    }
}

impl AtExit for Shared {
    /// Saves the run while the process exits. Reports no outcome, because the exit code is not
    /// known here: an agent reports it, and a run outside a sweep ends with its lease.
    fn exit(&self) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if ended.is_none() {
            let wait = if matches!(self.duty, Duty::Agents) { AGENTS_WAIT } else { EXIT_WAIT };
            if let Err(error) = ended.get_or_insert_with(|| self.close(None, wait)) {
                warn(&error.to_string());
            }
        }
    }
}
