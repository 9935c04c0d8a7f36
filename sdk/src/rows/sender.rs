//! Sends the frames of the journal to the controller, from the row that the controller wants next.
//! Each run has one sender, a thread with its own runtime. The sender retries failed calls without
//! end while the run goes on. It stops if the attempt is fenced, if the journal cannot be read, or
//! if the controller has rows from another journal. An outage of the controller delays rows and
//! loses none. The sender never touches the buffer and never writes the journal.

use std::{
    fs::File,
    io,
    sync::{
        Arc, Condvar, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use proto::{
    dial::{Authorized, backoff, needed_offset},
    v1::{AppendRows, EndRun, Outcome, runs_client::RunsClient},
};
use tokio::{runtime::Runtime, select, sync::Notify, time};
use tonic::{Code, Status};

use super::{cursor::Cursor, journal::Written, row_buffer::Stream};
use crate::{
    calls::{CALL_WAIT, answer, is_refusal, reason, runtime},
    chance::jitter,
    endpoint::Endpoint,
    error::InitError,
    identity::Identity,
    run::duty::Duty,
};

/// The time that the sender waits after new rows, to send them together with the rows that follow.
const SEND_EVERY: Duration = Duration::from_millis(100);
/// The number of successive failed rounds after which the sender of an ending run gives up, if the
/// controller has refused the newest call for a lasting reason. Failed rounds before the end count
/// too.
const REFUSED_TRIES: u32 = 3;

/// The reason why a sender has stopped before it sent everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Halt {
    /// The attempt is fenced: another attempt owns the run, or the run is over.
    Fenced,
    /// Sending failed for good. The field is the reason, as a text for people.
    Failed(String),
}

/// The result of the sender: the controller's note on the end of the run, or the reason why the
/// sender stopped.
type Report = Result<String, Halt>;

/// The state that a run and its sender share.
#[derive(Debug, Default)]
pub(crate) struct SenderState {
    grown: Notify,
    ending: Mutex<Option<Ending>>,
    ending_set: Notify,
    stop: AtomicBool,
    /// The time at which the run times out; unset if the run has no timeout.
    deadline: OnceLock<Instant>,
    stored: [AtomicU64; Stream::COUNT],
    /// The reason of the newest failed call, for messages to people; `None` if no call has failed.
    trouble: Mutex<Option<String>>,
    report: Mutex<Option<Report>>,
    reported: Condvar,
}

/// The instruction to end: the sender sends the remaining rows, reports the outcome if there is
/// one, and stops.
#[derive(Clone, Debug)]
struct Ending {
    outcome: Option<Outcome>,
    deadline: Instant,
    /// Per stream, the frames that are only in memory, because the disk has not taken them.
    rest: [Arc<[u8]>; Stream::COUNT],
}

impl SenderState {
    /// Wakes the sender, because the journal has new rows.
    pub(crate) fn grown(&self) {
        self.grown.notify_one();
    }

    pub(crate) fn stop_wanted(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.is_timed_out()
    }

    /// Sets the time at which the run times out. Only the first call counts.
    pub(crate) fn time_out_at(&self, deadline: Instant) {
        // A second deadline changes nothing.
        let _ = self.deadline.set(deadline);
    }

    /// Returns true if the run has timed out.
    pub(crate) fn is_timed_out(&self) -> bool {
        self.deadline.get().is_some_and(|deadline| *deadline <= Instant::now())
    }

    pub(crate) fn want_stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Returns the number of rows that the controller has acknowledged, per stream.
    pub(crate) fn stored(&self) -> [u64; Stream::COUNT] {
        self.stored.each_ref().map(|rows| rows.load(Ordering::Relaxed))
    }

    /// Makes the sender send the rest of the journal and the frames in `rest` that the disk has not
    /// taken. Then the sender reports `outcome`, if there is one, and stops. Waits for the sender's
    /// report, at most for `wait`.
    pub(crate) fn end(
        &self,
        outcome: Option<Outcome>,
        rest: [Vec<u8>; Stream::COUNT],
        wait: Duration,
    ) -> Report {
        let ending = Ending { outcome, deadline: Instant::now() + wait, rest: rest.map(Arc::from) };
        *self.ending.lock().unwrap_or_else(PoisonError::into_inner) = Some(ending);
        self.ending_set.notify_one();
        let report = self.report.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.reported.wait_timeout_while(report, wait, |report| report.is_none());
        let (report, _) = waited.unwrap_or_else(PoisonError::into_inner);
        report.clone().unwrap_or_else(|| {
            let reason =
                self.trouble().unwrap_or_else(|| "the controller has not answered".to_owned());
            Err(Halt::Failed(reason))
        })
    }

    /// Returns the reason of the newest failed call.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn ending(&self) -> Option<Ending> {
        self.ending.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_report(&self, report: Report) {
        *self.report.lock().unwrap_or_else(PoisonError::into_inner) = Some(report);
        self.reported.notify_all();
    }
}

/// The journal of rows that a sender reads, and the attempt that it belongs to.
#[derive(Debug)]
pub(crate) struct RowsToSend {
    pub(crate) identity: Identity,
    pub(crate) duty: Duty,
    /// The current sizes of the journal's files, in bytes.
    pub(crate) written: Arc<Written>,
    /// The name of the journal's writer.
    pub(crate) writer: String,
    /// The journal's files, one for each stream, opened for reading.
    pub(crate) files: Vec<File>,
}

/// Starts the sender's thread. Returns when the thread has checked the form of the controller's
/// address and of the token. The thread connects later, with its first call.
pub(crate) fn spawn(
    state: Arc<SenderState>,
    rows: RowsToSend,
    endpoint: Endpoint,
) -> Result<(), InitError> {
    let (ready, answer) = mpsc::sync_channel(1);
    let body = move || {
        let (runtime, client) = match connect(&endpoint) {
            Ok(both) => both,
            Err(error) => return drop(ready.send(Err(error))),
        };
        // The thread that called `spawn` waits for this message, so sending it cannot block.
        let _ = ready.send(Ok(()));
        let RowsToSend { identity, duty, written, writer, files } = rows;
        let (cursors, now) = (files.into_iter().map(Cursor::new).collect(), Instant::now());
        let sender = Sender {
            state: Arc::clone(&state),
            identity,
            duty,
            written,
            client,
            writer,
            cursors,
            asked: [false; Stream::COUNT],
            failures: 0,
            heard: now,
        };
        let report = runtime.block_on(sender.run());
        state.set_report(report);
    };
    thread::Builder::new().name("besom-sender".to_owned()).spawn(body).map_err(thread_error)?;
    answer
        .recv()
        .unwrap_or_else(|_| Err(thread_error(io::Error::other("the sender ended at once"))))
}

fn connect(endpoint: &Endpoint) -> Result<(Runtime, RunsClient<Authorized>), InitError> {
    let runtime = runtime().map_err(thread_error)?;
    let client = endpoint.dial(&runtime)?.runs();
    Ok((runtime, client))
}

fn thread_error(error: io::Error) -> InitError {
    InitError::Thread(Arc::new(error))
}

/// The reason why a round ended before all rows were sent.
enum Trouble {
    Halt(Halt),
    Again(Status),
}

struct Sender {
    state: Arc<SenderState>,
    identity: Identity,
    duty: Duty,
    written: Arc<Written>,
    client: RunsClient<Authorized>,
    writer: String,
    cursors: Vec<Cursor>,
    /// Per stream, true if the controller has already answered which row it wants next.
    asked: [bool; Stream::COUNT],
    /// The number of successive rounds that ended with a failed call.
    failures: u32,
    /// The time of the newest append that the controller has accepted; at first, the time when the
    /// sender started.
    heard: Instant,
}

impl Sender {
    async fn run(mut self) -> Report {
        loop {
            let ending = self.state.ending();
            match self.round(ending.as_ref()).await {
                Ok(None) => self.failures = 0,
                Ok(Some(note)) => return Ok(note),
                Err(Trouble::Halt(halt)) => return Err(halt),
                Err(Trouble::Again(status)) => {
                    self.failures = self.failures.saturating_add(1);
                    let reason = reason(&status);
                    if ending.is_some_and(|ending| self.gives_up(&status, &ending)) {
                        return Err(Halt::Failed(reason));
                    }
                    *self.state.trouble.lock().unwrap_or_else(PoisonError::into_inner) =
                        Some(reason);
                }
            }
            self.pause().await;
        }
    }

    /// Returns true if the sender of an ending run makes no further try after this failure.
    fn gives_up(&self, status: &Status, ending: &Ending) -> bool {
        let refused = is_refusal(status) && self.failures >= REFUSED_TRIES;
        // In a trial, the agent sends the rows that are left.
        refused || matches!(self.duty, Duty::Agents) || Instant::now() >= ending.deadline
    }

    /// Sends all rows and then, if the run is ending, the outcome. If the run goes on, sends a
    /// heartbeat when one is due. Returns the controller's note on the end if the run is ending;
    /// `None` if the run goes on.
    async fn round(&mut self, ending: Option<&Ending>) -> Result<Option<String>, Trouble> {
        for stream in Stream::ALL {
            if let Some(ending) = ending {
                let end = self.written.bytes(stream);
                self.cursors[stream as usize].follow(end, &ending.rest[stream as usize]);
            }
            self.send(stream).await?;
        }
        match ending {
            None if self.beat_is_due() => {
                self.append(Stream::History, Vec::new()).await.map(|()| None)
            }
            None => Ok(None),
            Some(Ending { outcome: Some(outcome), .. }) => {
                self.end(outcome.clone()).await.map(Some)
            }
            Some(_) => Ok(Some(String::new())),
        }
    }

    async fn send(&mut self, stream: Stream) -> Result<(), Trouble> {
        loop {
            let end = self.written.bytes(stream);
            let all = self.cursors[stream as usize].end(end);
            if !self.asked[stream as usize] {
                // The history's first append is sent even without rows, because it shows the
                // controller that this attempt has begun.
                if all == 0 && stream != Stream::History {
                    return Ok(());
                }
                self.append(stream, Vec::new()).await?;
                self.asked[stream as usize] = true;
            }
            let piece = self.cursors[stream as usize].piece(end).map_err(unreadable)?;
            if piece.is_empty() {
                return Ok(());
            }
            self.append(stream, piece).await?;
        }
    }

    /// Sends one append. The answer says which row the controller wants next. Every append renews
    /// the lease, also one without frames.
    async fn append(&mut self, stream: Stream, frames: Vec<u8>) -> Result<(), Trouble> {
        let offset = if frames.is_empty() { 0 } else { self.cursors[stream as usize].next() };
        let sent = !frames.is_empty();
        let identity = &self.identity;
        let request = AppendRows {
            run: identity.run.clone(),
            attempt: identity.attempt,
            writer: self.writer.clone(),
            stream: stream.name().to_owned(),
            offset,
            frames,
        };
        match answer(CALL_WAIT, self.client.append(request)).await {
            Ok(appended) => {
                self.heard = Instant::now();
                if appended.stop_wanted {
                    self.state.want_stop();
                }
                if sent && appended.next <= offset {
                    return Err(Trouble::Again(Status::internal("the controller stored no rows")));
                }
                self.seek(stream, appended.next)
            }
            Err(status) => match (status.code(), needed_offset(&status)) {
                (Code::Aborted, _) => {
                    self.state.want_stop();
                    Err(Trouble::Halt(Halt::Fenced))
                }
                (Code::OutOfRange, Some(next)) if next != offset => self.seek(stream, next),
                _ => Err(Trouble::Again(status)),
            },
        }
    }

    fn seek(&mut self, stream: Stream, next: u64) -> Result<(), Trouble> {
        let end = self.written.bytes(stream);
        if self.cursors[stream as usize].seek(next, end).map_err(unreadable)? {
            self.state.stored[stream as usize].store(next, Ordering::Relaxed);
            return Ok(());
        }
        let reason = format!(
            "the controller has {next} rows of `{}` that are not from this journal",
            stream.name()
        );
        Err(Trouble::Halt(Halt::Failed(reason)))
    }

    async fn end(&mut self, outcome: Outcome) -> Result<String, Trouble> {
        let identity = &self.identity;
        let (run, attempt) = (identity.run.clone(), identity.attempt);
        let request = EndRun { run, attempt, outcome: Some(outcome), ..EndRun::default() };
        match answer(CALL_WAIT, self.client.end(request)).await {
            Ok(ended) => Ok(ended.note),
            Err(status) if status.code() == Code::Aborted => Err(Trouble::Halt(Halt::Fenced)),
            Err(status) => Err(Trouble::Again(status)),
        }
    }

    fn beat_is_due(&self) -> bool {
        self.duty.beat().is_some_and(|beat| self.heard.elapsed() >= beat)
    }

    /// Waits until there are new rows, the run begins to end, or a heartbeat is due. After a
    /// failure, waits until the next try is due or the run begins to end.
    async fn pause(&self) {
        let state = &self.state;
        if self.failures > 0 {
            let wait = backoff(self.failures - 1, jitter());
            return select! {
                () = time::sleep(wait) => {}
                () = state.ending_set.notified() => {}
            };
        }
        let beat = async {
            match self.duty.beat() {
                Some(beat) => time::sleep_until((self.heard + beat).into()).await,
                None => std::future::pending().await,
            }
        };
        let more = async {
            state.grown.notified().await;
            time::sleep(SEND_EVERY).await;
        };
        select! {
            () = more => {}
            () = beat => {}
            () = state.ending_set.notified() => {}
        }
    }
}

/// Returns the error for a journal file that cannot be read or is corrupt.
fn unreadable(error: io::Error) -> Trouble {
    Trouble::Halt(Halt::Failed(format!("the journal cannot be read: {error}")))
}
