//! Ships the journal to the controller: the same bytes, from the row that the controller wants
//! next. One thread per run with a runtime of its own. Whatever goes wrong is tried again, except
//! that a fenced attempt stops; a controller that is away costs nothing but time. Never touches the
//! ring, never writes the journal.

use std::{
    error::Error as _,
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
    dial::{Authorized, Dial, backoff, hint, is_away, is_transient, needed_offset},
    v1::{AppendRows, BeginRun, EndRun, Outcome, RunBegun, runs_client::RunsClient},
};
use tokio::{runtime::Runtime, select, sync::Notify, time};
use tonic::{Code, Status};

use super::{cursor::Cursor, row_buffer::Stream};
use crate::{
    error::InitError,
    run::{
        init::Way,
        shared::{Duty, Shared},
    },
};

/// Rows that come within this time go out together.
const SEND_EVERY: Duration = Duration::from_millis(100);
/// After this long without an answer a call is given up and made again.
pub(crate) const CALL_WAIT: Duration = Duration::from_secs(30);
/// How often, and each time how long, the start of a run outside a sweep tries to reach the
/// controller.
const BEGIN_TRIES: u32 = 3;
const BEGIN_WAIT: Duration = Duration::from_secs(5);
/// How often the end is tried again when the controller refuses for a reason that time alone will
/// not mend.
const REFUSED_TRIES: u32 = 3;

/// Why a sender has stopped before everything was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Halt {
    /// Another attempt owns the run.
    Fenced,
    /// In words for people.
    Failed(String),
}

/// How it went, with the controller's note.
type Report = Result<String, Halt>;

/// What the run and its sender tell each other.
#[derive(Debug, Default)]
pub(crate) struct Link {
    grown: Notify,
    ending: Mutex<Option<Ending>>,
    ending_set: Notify,
    stop: AtomicBool,
    /// When the time of the run is over.
    deadline: OnceLock<Instant>,
    stored: [AtomicU64; Stream::COUNT],
    /// The newest trouble, for messages to people.
    trouble: Mutex<Option<String>>,
    report: Mutex<Option<Report>>,
    reported: Condvar,
}

/// The run is over: send what is left, report the outcome if there is one, and stop.
#[derive(Clone, Debug)]
struct Ending {
    outcome: Option<Outcome>,
    deadline: Instant,
    /// Per stream: frames that no disk has taken.
    rest: [Arc<[u8]>; Stream::COUNT],
}

impl Link {
    /// The journal has more rows.
    pub(crate) fn grown(&self) {
        self.grown.notify_one();
    }

    pub(crate) fn stop_wanted(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.is_timed_out()
    }

    /// Bounds the time of the run, once.
    pub(crate) fn time_out_at(&self, deadline: Instant) {
        // A second bound says nothing new.
        let _ = self.deadline.set(deadline);
    }

    /// Whether the time of the run is over.
    pub(crate) fn is_timed_out(&self) -> bool {
        self.deadline.get().is_some_and(|deadline| *deadline <= Instant::now())
    }

    pub(crate) fn want_stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Rows that the controller is known to have, per stream.
    pub(crate) fn stored(&self) -> [u64; Stream::COUNT] {
        self.stored.each_ref().map(|rows| rows.load(Ordering::Relaxed))
    }

    /// Tells the sender to send what is left, behind the journal these frames that no disk has
    /// taken, and to stop; waits for its report, `wait` at most.
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

    /// What stood in the way of the newest round that failed.
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

/// Starts the thread. Answers once the address is known to be valid; connects to nobody.
pub(crate) fn spawn(
    shared: Arc<Shared>,
    writer: String,
    files: Vec<File>,
    way: Way,
) -> Result<(), InitError> {
    let (ready, answer) = mpsc::sync_channel(1);
    let body = move || {
        let (runtime, client) = match connect(&way) {
            Ok(both) => both,
            Err(error) => return drop(ready.send(Err(error))),
        };
        // The receiver waits for exactly this.
        let _ = ready.send(Ok(()));
        let (cursors, now) = (files.into_iter().map(Cursor::new).collect(), Instant::now());
        let sender = Sender {
            shared: Arc::clone(&shared),
            client,
            writer,
            cursors,
            asked: [false; Stream::COUNT],
            failures: 0,
            heard: now,
        };
        let report = runtime.block_on(sender.run());
        shared.link.set_report(report);
    };
    thread::Builder::new().name("besom-sender".to_owned()).spawn(body).map_err(thread_error)?;
    answer
        .recv()
        .unwrap_or_else(|_| Err(thread_error(io::Error::other("the sender ended at once"))))
}

/// Begins a run outside a sweep.
pub(crate) fn begin(way: &Way, begin: BeginRun) -> Result<RunBegun, InitError> {
    let begun = aside(|runtime| {
        let client = {
            let _inside = runtime.enter();
            Dial::new(&way.controller, way.token.as_deref())?.runs()
        };
        runtime.block_on(try_begin(way, client, begin))
    });
    begun.map_err(thread_error)?
}

/// Runs something on a thread with a runtime of its own and waits for it, since the caller's may
/// already run one.
///
/// # Errors
/// When there is no thread to be had, or it panicked.
pub(crate) fn aside<T: Send>(body: impl FnOnce(&Runtime) -> T + Send) -> io::Result<T> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("besom-call".to_owned());
        let joined = thread.spawn_scoped(scope, || runtime().map(|runtime| body(&runtime)))?.join();
        joined.unwrap_or_else(|_| Err(io::Error::other("the thread panicked")))
    })
}

/// A repeat after a lost answer begins nothing new: the controller knows the idempotency key.
async fn try_begin(
    way: &Way,
    mut client: RunsClient<Authorized>,
    begin: BeginRun,
) -> Result<RunBegun, InitError> {
    let mut tries = 0;
    loop {
        let status = match answer(BEGIN_WAIT, client.begin(begin.clone())).await {
            Ok(begun) => return Ok(begun),
            Err(status) => status,
        };
        tries += 1;
        let controller = way.controller.clone();
        if !is_transient(&status) {
            let hint = hint(&status).map(|hint| format!("; {hint}")).unwrap_or_default();
            return Err(InitError::Refused {
                controller,
                reason: format!("{}{hint}", status.message()),
            });
        }
        if tries == BEGIN_TRIES {
            return Err(InitError::Unreachable { controller, reason: reason(&status) });
        }
        time::sleep(backoff(tries, jitter(tries))).await;
    }
}

fn connect(way: &Way) -> Result<(Runtime, RunsClient<Authorized>), InitError> {
    let runtime = runtime().map_err(thread_error)?;
    let client = {
        let _inside = runtime.enter();
        Dial::new(&way.controller, way.token.as_deref())?.runs()
    };
    Ok((runtime, client))
}

/// A runtime for one thread.
pub(crate) fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

fn thread_error(error: io::Error) -> InitError {
    InitError::Thread(Arc::new(error))
}

/// The answer to a call, or `DeadlineExceeded` after `wait`.
pub(crate) async fn answer<T>(
    wait: Duration,
    call: impl Future<Output = Result<tonic::Response<T>, Status>>,
) -> Result<T, Status> {
    match time::timeout(wait, call).await {
        Ok(answer) => answer.map(tonic::Response::into_inner),
        Err(_) => Err(Status::deadline_exceeded(format!("no answer within {} s", wait.as_secs()))),
    }
}

/// Time alone will not mend it. A token that is not known is no refusal: the controller may have
/// been started with another one. A token that is known and opens nothing is one: it ends with its
/// attempt.
pub(crate) fn is_refusal(status: &Status) -> bool {
    status.code() == Code::PermissionDenied || !is_away(status)
}

/// What a person should read: the controller's sentence, or the cause at the bottom of a failed
/// connection.
pub(crate) fn reason(status: &Status) -> String {
    let Some(mut cause) = status.source() else { return status.message().to_owned() };
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// Spreads the tries of many processes; any number will do.
pub(crate) fn jitter(tries: u32) -> f64 {
    let mixed = std::process::id().wrapping_add(tries).wrapping_mul(0x9E37_79B9);
    f64::from(mixed) / (f64::from(u32::MAX) + 1.0)
}

/// Why a round ended early.
enum Trouble {
    Halt(Halt),
    Again(Status),
}

struct Sender {
    shared: Arc<Shared>,
    client: RunsClient<Authorized>,
    writer: String,
    cursors: Vec<Cursor>,
    /// Per stream: the controller has said which row it wants next.
    asked: [bool; Stream::COUNT],
    /// Rounds in a row that ended early.
    failures: u32,
    /// The newest answer to an append.
    heard: Instant,
}

impl Sender {
    async fn run(mut self) -> Report {
        loop {
            let ending = self.shared.link.ending();
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
                    *self.shared.link.trouble.lock().unwrap_or_else(PoisonError::into_inner) =
                        Some(reason);
                }
            }
            self.pause().await;
        }
    }

    /// The run is over and another try is not worth the wait.
    fn gives_up(&self, status: &Status, ending: &Ending) -> bool {
        let refused = is_refusal(status) && self.failures >= REFUSED_TRIES;
        // The agent ships the rest of its trials.
        refused || matches!(self.shared.duty, Duty::Agents) || Instant::now() >= ending.deadline
    }

    /// Sends all there is; then, if the run is ending, the outcome. `Some` with the controller's
    /// note when nothing is left.
    async fn round(&mut self, ending: Option<&Ending>) -> Result<Option<String>, Trouble> {
        for stream in Stream::ALL {
            if let Some(ending) = ending {
                let end = self.shared.written.bytes(stream);
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
            let end = self.shared.written.bytes(stream);
            let all = self.cursors[stream as usize].end(end);
            if !self.asked[stream as usize] {
                // The first question is asked without rows too: it tells that this attempt lives.
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

    /// One append; without frames it asks where the controller is, which also renews a lease.
    async fn append(&mut self, stream: Stream, frames: Vec<u8>) -> Result<(), Trouble> {
        let offset = if frames.is_empty() { 0 } else { self.cursors[stream as usize].next() };
        let sent = !frames.is_empty();
        let identity = &self.shared.identity;
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
                    self.shared.link.want_stop();
                }
                if sent && appended.next <= offset {
                    return Err(Trouble::Again(Status::internal("the controller stored no rows")));
                }
                self.seek(stream, appended.next)
            }
            Err(status) => match (status.code(), needed_offset(&status)) {
                (Code::Aborted, _) => {
                    self.shared.link.want_stop();
                    Err(Trouble::Halt(Halt::Fenced))
                }
                (Code::OutOfRange, Some(next)) if next != offset => self.seek(stream, next),
                _ => Err(Trouble::Again(status)),
            },
        }
    }

    fn seek(&mut self, stream: Stream, next: u64) -> Result<(), Trouble> {
        let end = self.shared.written.bytes(stream);
        if self.cursors[stream as usize].seek(next, end).map_err(unreadable)? {
            self.shared.link.stored[stream as usize].store(next, Ordering::Relaxed);
            return Ok(());
        }
        let reason = format!(
            "the controller has {next} rows of `{}` that are not from this journal",
            stream.name()
        );
        Err(Trouble::Halt(Halt::Failed(reason)))
    }

    async fn end(&mut self, outcome: Outcome) -> Result<String, Trouble> {
        let identity = &self.shared.identity;
        let (run, attempt) = (identity.run.clone(), identity.attempt);
        let request = EndRun { run, attempt, outcome: Some(outcome), ..EndRun::default() };
        match answer(CALL_WAIT, self.client.end(request)).await {
            Ok(ended) => Ok(ended.note),
            Err(status) if status.code() == Code::Aborted => Err(Trouble::Halt(Halt::Fenced)),
            Err(status) => Err(Trouble::Again(status)),
        }
    }

    fn beat_is_due(&self) -> bool {
        self.shared.duty.beat().is_some_and(|beat| self.heard.elapsed() >= beat)
    }

    /// Until there is something to do: rows, the end, a heartbeat, or another try.
    async fn pause(&self) {
        let link = &self.shared.link;
        if self.failures > 0 {
            let wait = backoff(self.failures - 1, jitter(self.failures));
            return select! {
                () = time::sleep(wait) => {}
                () = link.ending_set.notified() => {}
            };
        }
        let beat = async {
            match self.shared.duty.beat() {
                Some(beat) => time::sleep_until((self.heard + beat).into()).await,
                None => std::future::pending().await,
            }
        };
        let more = async {
            link.grown.notified().await;
            time::sleep(SEND_EVERY).await;
        };
        select! {
            () = more => {}
            () = beat => {}
            () = link.ending_set.notified() => {}
        }
    }
}

/// The journal on disk is not what was written.
fn unreadable(error: io::Error) -> Trouble {
    Trouble::Halt(Halt::Failed(format!("the journal cannot be read: {error}")))
}
