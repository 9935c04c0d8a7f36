//! Sends the files of a run to the controller: first the contents that the controller does not
//! have, then the rows that name these contents. Each run has one uploader, a thread with its own
//! runtime and connection, so rows of metrics and the lease do not wait behind a large file. The
//! first file starts the thread. The uploader retries failed calls without end while the run goes
//! on. It stops if the attempt is fenced, if the journal of files cannot be read, or if the
//! controller has rows from another journal. The uploader writes nothing to this machine's disk. It
//! only removes the contents of checkpoints that the controller has.

use std::{
    io,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use blobs::Trouble;
use proto::{
    dial::{Authorized, backoff, needed_offset},
    v1::{AppendRows, files_client::FilesClient, runs_client::RunsClient},
};
use record::file::STREAM;
use tonic::{Code, Status};

use super::store::Files;
use crate::{
    calls::{CALL_WAIT, answer, is_refusal, reason, runtime},
    chance::jitter,
    endpoint::Endpoint,
    identity::Identity,
    rows::cursor::Cursor,
};

/// The period at which a thread that waits for uploads checks their progress.
const TICK: Duration = Duration::from_millis(200);
/// The number of successive failed tries after which an ending run gives up, if the newest failure
/// has a lasting reason. Failed tries before the end count too.
const REFUSED_TRIES: u32 = 3;

/// The state that a run and its uploader share.
#[derive(Debug, Default)]
pub(crate) struct Uploads {
    state: Mutex<State>,
    changed: Condvar,
    stored: AtomicU64,
    moved: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
struct State {
    started: bool,
    grown: bool,
    /// The time after which the uploader makes no further try; `None` while the run goes on.
    /// Progress moves this time.
    ending: Option<Instant>,
    report: Option<Result<(), String>>,
    trouble: String,
}

/// The reason why a round ended before all files were sent.
enum Stop {
    /// Another try cannot succeed. The field is the reason.
    Halt(String),
    Again {
        reason: String,
        refused: bool,
    },
}

impl Uploads {
    /// Returns the number of rows of files that the controller has acknowledged.
    pub(crate) fn stored(&self) -> u64 {
        self.stored.load(Ordering::Relaxed)
    }

    /// Wakes the uploader, because the journal of files has a new row. The first call starts the
    /// thread.
    pub(crate) fn grown(
        self: &Arc<Self>,
        files: &Arc<Files>,
        identity: &Identity,
        writer: &str,
        endpoint: &Endpoint,
    ) -> io::Result<()> {
        let mut state = self.lock();
        state.grown = true;
        self.changed.notify_all();
        if state.started {
            return Ok(());
        }
        let (uploads, files) = (Arc::clone(self), Arc::clone(files));
        let (identity, writer, endpoint) = (identity.clone(), writer.to_owned(), endpoint.clone());
        let body = move || {
            let report = work(&uploads, files, identity, writer, &endpoint);
            uploads.lock().report = Some(report);
            uploads.changed.notify_all();
        };
        thread::Builder::new().name("besom-files".to_owned()).spawn(body)?;
        state.started = true;
        Ok(())
    }

    /// Ends the uploads: waits until the uploader has sent all files and has stopped. Does not wait
    /// if no uploader was started. Fails if the uploads make no progress for the time `wait`, or
    /// with the reason why the uploader stopped before.
    pub(crate) fn end(&self, wait: Duration) -> Result<(), String> {
        let ended = |state: &mut State, deadline| {
            state.ending = Some(deadline);
            self.changed.notify_all();
            state.report.is_some()
        };
        if self.lock().started { self.settled(wait, ended) } else { Ok(()) }
    }

    /// Waits until the controller has this many rows of files. Fails if the uploads make no
    /// progress for the time `wait`, or if the uploader stops before.
    pub(crate) fn reach(&self, rows: u64, wait: Duration) -> Result<(), String> {
        self.settled(wait, |state, _| state.report.is_some() || self.stored() >= rows)?;
        if self.stored() >= rows {
            Ok(())
        } else {
            Err("the run has ended before the files were sent".to_owned())
        }
    }

    /// Waits until `is_over`, which receives the deadline, returns true. Then returns the
    /// uploader's report, if there is one. Fails at the deadline, which is `wait` after the last
    /// progress. There is progress when the count of uploaded bytes and answered appends exceeds
    /// its old maximum. A failed upload subtracts the bytes that it has counted, so retries alone
    /// do not move the deadline.
    fn settled(
        &self,
        wait: Duration,
        is_over: impl Fn(&mut State, Instant) -> bool,
    ) -> Result<(), String> {
        let mut state = self.lock();
        let mut moved = self.moved.load(Ordering::Relaxed);
        let mut deadline = Instant::now() + wait;
        loop {
            if is_over(&mut state, deadline) {
                return state.report.clone().unwrap_or(Ok(()));
            }
            let now = Instant::now();
            let still = self.moved.load(Ordering::Relaxed);
            if still > moved {
                (moved, deadline) = (still, now + wait);
                continue;
            }
            if now >= deadline {
                let silent = "the controller has not answered".to_owned();
                return Err(if state.trouble.is_empty() { silent } else { state.trouble.clone() });
            }
            let tick = (deadline - now).min(TICK);
            (state, _) =
                self.changed.wait_timeout(state, tick).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Without `wait`, waits until there is a new row or the run ends. With `wait`, after a
    /// failure, waits for that time or until the run begins to end. A new row does not shorten the
    /// wait after a failure. Returns the deadline if the run is ending, else `None`.
    fn pause(&self, wait: Option<Duration>) -> Option<Instant> {
        let state = self.lock();
        let was_over = state.ending.is_some();
        let idle = |state: &mut State| !state.grown && state.ending.is_none();
        let early = |state: &mut State| state.ending.is_some() == was_over;
        let mut state = match wait {
            None => self.changed.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner),
            Some(wait) => {
                let waited = self.changed.wait_timeout_while(state, wait, early);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        state.grown = false;
        state.ending
    }
}

fn work(
    uploads: &Uploads,
    files: Arc<Files>,
    identity: Identity,
    writer: String,
    endpoint: &Endpoint,
) -> Result<(), String> {
    let text = |error: &dyn std::error::Error| error.to_string();
    let runtime = runtime().map_err(|error| text(&error))?;
    let dial = endpoint.dial(&runtime).map_err(|error| text(&error))?;
    let cursor = Cursor::new(files.reader().map_err(|error| text(&error))?);
    let (runs, client, moved) = (dial.runs(), dial.files(), Arc::clone(&uploads.moved));
    let mut sender =
        FileSender { files, identity, writer, runs, client, cursor, asked: false, moved };
    let (mut failures, mut ending) = (0_u32, None);
    loop {
        let wait = match runtime.block_on(sender.round(uploads)) {
            // The run has refused further files since before this round, so the round has sent all
            // of them.
            Ok(()) if ending.is_some() => return Ok(()),
            Ok(()) => {
                failures = 0;
                None
            }
            Err(Stop::Halt(reason)) => return Err(reason),
            Err(Stop::Again { reason, refused }) => {
                failures += 1;
                let over = ending.is_some_and(|deadline| Instant::now() >= deadline);
                if over || ending.is_some() && refused && failures >= REFUSED_TRIES {
                    return Err(reason);
                }
                uploads.lock().trouble = reason;
                Some(backoff(failures - 1, jitter()))
            }
        };
        ending = uploads.pause(wait);
    }
}

/// Sends one journal of files, and the contents that its rows name.
struct FileSender {
    files: Arc<Files>,
    identity: Identity,
    writer: String,
    runs: RunsClient<Authorized>,
    client: FilesClient<Authorized>,
    cursor: Cursor,
    asked: bool,
    moved: Arc<AtomicU64>,
}

impl FileSender {
    async fn round(&mut self, uploads: &Uploads) -> Result<(), Stop> {
        if !self.asked {
            self.append(Vec::new(), uploads).await?;
            self.asked = true;
        }
        loop {
            let end = self.files.bytes().min(self.cursor.at() + blobs::ROWS_BYTES as u64);
            let mut piece = self.cursor.piece(end).map_err(unreadable)?;
            piece.truncate(blobs::batch(&piece));
            if piece.is_empty() {
                return Ok(());
            }
            self.upload(&piece).await?;
            self.append(piece, uploads).await?;
        }
    }

    /// Uploads those contents that the rows in `piece` name and that the controller does not have.
    async fn upload(&mut self, piece: &[u8]) -> Result<(), Stop> {
        match blobs::upload_named(&self.client, piece, self.files.contents(), &self.moved).await {
            Ok(()) => Ok(()),
            Err(Trouble::Remote(status)) => Err(again(&status)),
            Err(trouble) => Err(Stop::Again { reason: trouble.to_string(), refused: true }),
        }
    }

    async fn append(&mut self, frames: Vec<u8>, uploads: &Uploads) -> Result<(), Stop> {
        let offset = if frames.is_empty() { 0 } else { self.cursor.next() };
        let request = AppendRows {
            run: self.identity.run.clone(),
            attempt: self.identity.attempt,
            writer: self.writer.clone(),
            stream: STREAM.to_owned(),
            offset,
            frames,
        };
        let next = match answer(CALL_WAIT, self.runs.append(request)).await {
            Ok(appended) => appended.next,
            Err(status) => match needed_offset(&status) {
                Some(next) if next != offset => next,
                _ => return Err(again(&status)),
            },
        };
        self.moved.fetch_add(1, Ordering::Relaxed);
        if !self.cursor.seek(next, self.files.bytes()).map_err(unreadable)? {
            let reason = format!(
                "the controller has {next} rows of `{STREAM}` that are not from this journal"
            );
            return Err(Stop::Halt(reason));
        }
        uploads.stored.store(next, Ordering::Relaxed);
        self.files.shipped(next);
        uploads.changed.notify_all();
        Ok(())
    }
}

fn again(status: &Status) -> Stop {
    if status.code() == Code::Aborted {
        return Stop::Halt("the run belongs to another attempt now".to_owned());
    }
    let no_room = status.code() == Code::ResourceExhausted;
    Stop::Again { reason: reason(status), refused: no_room || is_refusal(status) }
}

fn unreadable(error: io::Error) -> Stop {
    Stop::Halt(format!("the journal of files cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    #[test]
    fn trying_again_is_no_progress() {
        let uploads = Uploads::default();
        let over = AtomicBool::new(false);
        let answer = thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    uploads.moved.fetch_add(9, Ordering::Relaxed);
                    thread::sleep(Duration::from_millis(1));
                    uploads.moved.fetch_sub(9, Ordering::Relaxed);
                }
            });
            let answer = uploads.reach(1, Duration::from_millis(500));
            over.store(true, Ordering::Relaxed);
            answer
        });
        assert_eq!(answer, Err("the controller has not answered".to_owned()));
    }
}
