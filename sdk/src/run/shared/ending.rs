//! Ends a run: writes the buffered rows to the journal and waits, for a bounded time, until the
//! controller has everything. Then the module removes the run's folder, if the controller has
//! everything and no agent needs the folder. The handle of the run, function agents and the exit
//! hook call this module.

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

/// The longest time that the end of a run waits for the thread that reads the state of git. In a
/// short run, this thread may still be working.
const CODE_WAIT: Duration = Duration::from_secs(1);
/// The longest time that `std::process::exit` waits for the rows to arrive, or for the files to
/// make progress.
const EXIT_WAIT: Duration = Duration::from_secs(5);
/// The time after which a waiting program prints a line that explains the wait.
const NOTICED: Duration = Duration::from_secs(2);

impl Shared {
    /// Ends the run and returns the result. Later calls only return the same result.
    pub(crate) fn settle(&self, outcome: Outcome) -> Result<Finished, FinishError> {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let close = || {
            let closed = match self.duty {
                Duty::Agents => self.close(None, AGENTS_WAIT),
                Duty::Own { wait, .. } => self.close(Some(outcome), wait),
                Duty::Offline | Duty::Disabled => self.close(Some(outcome), Duration::ZERO),
            };
            // The lock on the journal is released here, because the next run of this process may
            // have the same id. Threads may keep the journal's files open, and thereby locked, for
            // some milliseconds more.
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
            // The flag is set while the journal is locked, so that the journal thread writes
            // nothing after this.
            self.closed.store(true, Ordering::Relaxed);
            (drained, rest, journal.rows(), journal.cut())
        };
        let (shipped, report) = self.say_if_long(wait, || {
            // The files are sent before the end is reported, because the controller expects no more
            // files after the end.
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

    /// Waits at most [`CODE_WAIT`] for the state of git. Then stops the sampling and the console,
    /// and makes the buffer refuse all later rows.
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

    /// Runs `wait_for_it`, which waits for the controller at most for `wait`. If the wait exceeds
    /// [`NOTICED`], the function prints one line that explains it.
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
                        left{reason}; the data is safe in `{folder}`",
                        wait.as_secs()
                    ));
                }
            };
            // If no thread can be started, no line is printed, and the wait stays the same.
            let _ =
                thread::Builder::new().name("besom-patience".to_owned()).spawn_scoped(scope, say);
            let waited = wait_for_it();
            drop(over);
            waited
        })
    }

    /// Writes the end of the run into `run.json`, which `sweep sync` reads. Does nothing if the run
    /// has no such file, or if there is no outcome because the process is exiting.
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

    /// Removes the run's folder, and the folder of the run's attempts if it is empty then. The
    /// controller has all rows and files and the report of the end, so nothing needs the journal
    /// any more.
    fn remove_folder(&self) {
        // A folder that cannot be removed only takes space.
        let _ = fs::remove_dir_all(&self.folder);
        if let Some(attempts) = self.folder.parent() {
            let _ = fs::remove_dir(attempts);
        }
    }
}

impl AtExit for Shared {
    /// Saves the run while the process exits. The call reports no outcome, because the exit code is
    /// not known here. If an agent started the program, the agent reports the outcome. Every other
    /// run counts as crashed when its lease runs out, or when `sweep sync` sends it from its
    /// folder.
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
