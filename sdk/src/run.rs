//! A run: the handle that a program logs with, what its threads share, and how it ends. Started by `settings` and by
//! function agents. `log` never waits for a disk or a network; only the end does, and for a bounded time.

use std::{
    fmt, fs,
    io::{self, Write as _},
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use proto::v1::Outcome;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::{
    error::{ConfigError, FinishError, InitError},
    exit,
    journal::{Journal, Written},
    ring::{HALF_BYTES, Ring, Stream},
    sender::{self, Halt, Link},
    settings::{self, Way},
    value::Value,
};

/// How often the journal takes what waits in the ring.
const JOURNAL_EVERY: Duration = Duration::from_millis(5);
/// How long the end of a trial's program waits for the sender; the agent ships what is left.
const AGENTS_WAIT: Duration = Duration::from_secs(2);
/// How long the end of a run outside a sweep waits until the controller has everything.
const OWN_WAIT: Duration = Duration::from_secs(60);
/// How long the end of a function agent's trial waits: its result is worth more than a restart of the controller takes.
const TRIAL_WAIT: Duration = Duration::from_secs(600);
/// How long `std::process::exit` is held up.
const EXIT_WAIT: Duration = Duration::from_secs(5);
/// The lease to assume when the controller names none.
const DEFAULT_LEASE: Duration = Duration::from_secs(30);

/// Which run this is.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) run: String,
    pub(crate) attempt: u32,
    pub(crate) sweep: Option<String>,
    pub(crate) trial: Option<u64>,
}

/// Who ends the run and keeps its lease.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Duty {
    /// The agent that has started this process; it also ships what is left in the journal.
    Agents,
    /// This process. `beat`: how often an empty append renews the lease; `None` when a function agent does. `wait`: how
    /// long the end may take.
    Own { beat: Option<Duration>, wait: Duration },
}

impl Duty {
    /// A run outside a sweep with a lease of `lease_ms`.
    pub(crate) fn own(lease_ms: u32) -> Self {
        let lease = if lease_ms == 0 { DEFAULT_LEASE } else { Duration::from_millis(lease_ms.into()) };
        Self::Own { beat: Some(lease / 3), wait: OWN_WAIT }
    }

    /// A trial of a function agent.
    pub(crate) fn trial() -> Self {
        Self::Own { beat: None, wait: TRIAL_WAIT }
    }

    pub(crate) fn beat(self) -> Option<Duration> {
        match self {
            Self::Agents => None,
            Self::Own { beat, .. } => beat,
        }
    }
}

/// A run. Cheap to clone, and the clones may log from any thread. It ends with [`Run::finish`], else when the last clone is
/// dropped: as failed if a panic unwound through one of them, else as finished.
#[derive(Clone)]
pub struct Run(Arc<Handle>);

impl fmt::Debug for Run {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Run").field(&self.id()).finish()
    }
}

impl Run {
    /// The run's id.
    pub fn id(&self) -> &str {
        &self.shared().identity.run
    }

    /// The sweep that this run is a trial of, if any.
    pub fn sweep(&self) -> Option<&str> {
        self.shared().identity.sweep.as_deref()
    }

    /// The trial's number in its sweep, from 0.
    pub fn trial(&self) -> Option<u64> {
        self.shared().identity.trial
    }

    /// The hyperparameters: the sweep's values over the defaults that were given to [`Init::config`](crate::Init::config).
    ///
    /// # Errors
    /// [`ConfigError`] when they do not fit `T`; it names the field.
    pub fn config<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        T::deserialize(&self.shared().config).map_err(|error| ConfigError(error.to_string()))
    }

    /// Logs one row at the next step: the largest step so far plus one, from 0. For values of one type, such as
    /// `run.log([("loss", loss), ("accuracy", accuracy)])` or a map; [`log!`](crate::log!) takes any mix.
    pub fn log<'a, K: AsRef<str>, V: Into<Value<'a>>>(&self, values: impl IntoIterator<Item = (K, V)>) {
        self.shared().ring.push(Stream::History, None, values);
    }

    /// Logs one row at a step of the caller's. Steps may come late, twice or out of order; nothing is dropped.
    pub fn log_at<'a, K: AsRef<str>, V: Into<Value<'a>>>(
        &self,
        step: u64,
        values: impl IntoIterator<Item = (K, V)>,
    ) {
        self.shared().ring.push(Stream::History, Some(step), values);
    }

    /// Sets a value that stands for the run, in place of the last one logged under this key.
    pub fn summary<'a>(&self, key: impl AsRef<str>, value: impl Into<Value<'a>>) {
        self.shared().ring.push(Stream::Summary, None, [(key, value)]);
    }

    /// The run should end: a person or a stopping rule asked for it, or another attempt owns it now. To be asked between
    /// steps; costs one load from memory.
    pub fn should_stop(&self) -> bool {
        self.shared().link.stop_wanted()
    }

    /// Ends the run as finished: everything accepted is written to the journal and sent to the controller. Waits a minute at
    /// most, in a sweep two seconds, since there the agent ships what is left. Rows that come later are refused. A second call
    /// answers as the first did.
    ///
    /// # Errors
    /// [`FinishError`] when the controller has not got everything; it says how many rows wait, and where.
    pub fn finish(self) -> Result<Finished, FinishError> {
        self.settle(finished())
    }

    /// Ends the run with this outcome, if it has not ended yet.
    pub(crate) fn settle(&self, outcome: Outcome) -> Result<Finished, FinishError> {
        self.shared().settle(outcome)
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.0.shared
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.unwound.store(true, Ordering::Relaxed);
        }
    }
}

/// What the clones of a [`Run`] have in common; the threads do not hold it, so its drop is the end of the last clone.
#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
    /// A panic unwound through a clone.
    unwound: AtomicBool,
}

impl Drop for Handle {
    fn drop(&mut self) {
        let unwound = self.unwound.load(Ordering::Relaxed);
        let outcome = if unwound { failed("the program panicked".to_owned()) } else { finished() };
        self.shared.settle_unseen(outcome);
    }
}

/// What a run's handle, its journal thread, its sender and the exit hook share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) identity: Identity,
    pub(crate) duty: Duty,
    pub(crate) link: Link,
    pub(crate) written: Written,
    config: Json,
    folder: PathBuf,
    ring: Ring,
    journal: Mutex<Journal>,
    /// Rows that the journal had before this process.
    inherited: u64,
    /// The journal thread may end.
    closed: AtomicBool,
    ended: Mutex<Option<Result<Finished, FinishError>>>,
}

impl Shared {
    /// Opens the journal and starts the two threads.
    pub(crate) fn start(
        identity: Identity,
        config: Json,
        folder: PathBuf,
        way: Way,
        duty: Duty,
    ) -> Result<Run, InitError> {
        let unopened = |source| InitError::Journal { folder: folder.clone(), source: Arc::new(source) };
        let journal = Journal::open(&folder).map_err(unopened)?;
        let readers = (journal.reader(Stream::History), journal.reader(Stream::Summary));
        let readers = [readers.0.map_err(unopened)?, readers.1.map_err(unopened)?];
        let writer = journal.writer().to_owned();
        let shared = Arc::new(Self {
            identity,
            duty,
            link: Link::default(),
            written: journal.written(),
            config: settings::object(config),
            folder,
            ring: Ring::new(journal.next_steps()),
            inherited: journal.rows(),
            journal: Mutex::new(journal),
            closed: AtomicBool::new(false),
            ended: Mutex::new(None),
        });
        sender::spawn(Arc::clone(&shared), writer, readers, way)?;
        let journalist = Arc::clone(&shared);
        let thread = thread::Builder::new().name("besom-journal".to_owned());
        if let Err(error) = thread.spawn(move || journalist.keep_journal()) {
            // It has nothing to report.
            let _ = shared.link.end(None, Duration::ZERO);
            return Err(InitError::Thread(Arc::new(error)));
        }
        exit::watch(&shared);
        Ok(Run(Arc::new(Handle { shared, unwound: AtomicBool::new(false) })))
    }

    fn keep_journal(&self) {
        while !self.closed.load(Ordering::Relaxed) {
            // A disk that is full may have room at the next turn; the end of the run reports what it never took.
            let taken = self.lock_journal().drain(&self.ring, &self.written).unwrap_or(0);
            if taken > 0 {
                self.link.grown();
            }
            // Rows that come this fast would fill the ring during a sleep.
            if taken < HALF_BYTES / 4 {
                thread::sleep(JOURNAL_EVERY);
            }
        }
    }

    fn lock_journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the run once; later calls answer as the first did.
    fn settle(&self, outcome: Outcome) -> Result<Finished, FinishError> {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let close = || match self.duty {
            Duty::Agents => self.close(None, AGENTS_WAIT),
            Duty::Own { wait, .. } => self.close(Some(outcome), wait),
        };
        ended.get_or_insert_with(close).clone()
    }

    /// As [`Shared::settle`], where nobody takes the answer: a failure is said on standard error.
    fn settle_unseen(&self, outcome: Outcome) {
        if self.ended.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            return;
        }
        if let Err(error) = self.settle(outcome) {
            warn(&error.to_string());
        }
    }

    /// The process is exiting. The outcome stays open, for the exit code is not known here: an agent reports it, and a
    /// run outside a sweep ends with its lease.
    pub(crate) fn exit(&self) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if ended.is_none() {
            let wait = if matches!(self.duty, Duty::Agents) { AGENTS_WAIT } else { EXIT_WAIT };
            if let Err(error) = ended.get_or_insert_with(|| self.close(None, wait)) {
                warn(&error.to_string());
            }
        }
    }

    fn close(&self, outcome: Option<Outcome>, wait: Duration) -> Result<Finished, FinishError> {
        let ends = outcome.is_some();
        self.ring.close();
        let (drained, rows, cut) = {
            let mut journal = self.lock_journal();
            (journal.drain(&self.ring, &self.written), journal.rows(), journal.cut())
        };
        self.closed.store(true, Ordering::Relaxed);
        let report = self.link.end(outcome, wait);
        let counts = self.ring.counts();
        let (accepted, refused, cut) = (counts.accepted, counts.refused, counts.cut + cut);
        let run = self.identity.run.clone();
        let mut finished = Finished { run: run.clone(), accepted, refused, cut, note: String::new() };
        if refused > 0 || cut > 0 {
            warn(&finished.to_string());
        }
        let folder = self.folder.clone();
        if let Err(source) = drained {
            let lost = self.inherited + accepted - rows;
            return Err(FinishError::Journal { run, lost, folder, source: Arc::new(source) });
        }
        match (report, self.duty) {
            (Ok(note), _) => finished.note = note,
            (Err(Halt::Fenced), _) => return Err(FinishError::Fenced { run, folder }),
            (Err(Halt::Failed(_)), Duty::Agents) => {}
            (Err(Halt::Failed(reason)), Duty::Own { .. }) => {
                let waiting = rows.saturating_sub(self.link.stored());
                return Err(FinishError::Unsent { run, waiting, reason, folder });
            }
        }
        if ends {
            self.remove_folder();
        }
        Ok(finished)
    }

    /// The controller has everything and knows the end: the journal has done its work.
    fn remove_folder(&self) {
        // What cannot be removed only takes room.
        let _ = fs::remove_dir_all(&self.folder);
        if let Some(attempts) = self.folder.parent() {
            let _ = fs::remove_dir(attempts);
        }
    }
}

/// What became of a run's rows. Its `Display` is a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finished {
    /// The run.
    pub run: String,
    /// Rows that were accepted: all of them are in the journal, and at the controller unless an agent ships the rest.
    pub accepted: u64,
    /// Rows that were refused because the buffer was full. `accepted + refused` is the number of calls.
    pub refused: u64,
    /// Values within accepted rows that were left out or shortened: a key over 512 bytes, a text over 256 KiB, a row over
    /// 1 MiB.
    pub cut: u64,
    /// What the controller wants people to know of this end, else empty.
    pub note: String,
}

impl fmt::Display for Finished {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "run `{}`: {} rows logged", self.run, self.accepted)?;
        if self.refused > 0 {
            write!(formatter, ", {} refused since they came faster than the disk took them", self.refused)?;
        }
        if self.cut > 0 {
            write!(formatter, ", {} values too long and cut", self.cut)?;
        }
        if !self.note.is_empty() {
            write!(formatter, "; {}", self.note)?;
        }
        Ok(())
    }
}

pub(crate) fn finished() -> Outcome {
    Outcome { state: "finished".to_owned(), ..Outcome::default() }
}

pub(crate) fn failed(message: String) -> Outcome {
    Outcome { state: "failed".to_owned(), class: "error".to_owned(), message, ..Outcome::default() }
}

/// For what would otherwise go unseen. A closed standard error is no reason to panic.
fn warn(text: &str) {
    let _ = writeln!(io::stderr(), "warning: {text}");
}
