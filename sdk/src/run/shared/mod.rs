//! Holds the state that the handle of a run, its journal thread and the exit hook share. `init` and
//! function agents start a run here. Logging numbers and texts waits for no disk and no network.
//! The end of the run waits for both, for a bounded time.

mod ending;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
        mpsc::Receiver,
    },
    thread,
    time::Duration,
};

use proto::folder::RunFile;
use serde_json::{Map, Value as Json};

use super::{duty::Duty, finished::Finished};
use crate::{
    code,
    endpoint::Endpoint,
    error::{FinishError, InitError},
    exit::{self, AtExit},
    files::attached::Attached,
    identity::Identity,
    rows::{
        console::Console,
        journal::{Journal, Written},
        row_buffer::{HALF_BYTES, RowBuffer, Stream},
        sender::{self, RowsToSend, SenderState},
        system::Samples,
    },
    value::Loggable,
    warning::warn,
};

/// The pause of the journal thread between two turns. In each turn, the thread writes the waiting
/// rows of the buffer to the journal.
const JOURNAL_EVERY: Duration = Duration::from_millis(5);
/// The longest time that the end of a trial that an agent started waits for the sender. The agent
/// sends the rows that are left.
const AGENTS_WAIT: Duration = Duration::from_secs(2);

/// The settings with which a run is started.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) identity: Identity,
    pub(crate) config: Json,
    /// The parameters that the sweep has chosen; `None` outside a sweep.
    pub(crate) params: Option<Json>,
    pub(crate) folder: PathBuf,
    pub(crate) duty: Duty,
    /// The controller that gets the rows and files; `None` in an offline run, which sends nothing.
    pub(crate) endpoint: Option<Endpoint>,
    /// The content of `run.json`, from which `sweep sync` can send the run later; `None` if an
    /// agent sends the run.
    pub(crate) file: Option<RunFile>,
    /// The first automatic step, unless the journal already has a row at this step or later.
    pub(crate) next_step: u64,
    /// True if the run records the state of its code.
    pub(crate) code: bool,
}

impl Start {
    /// Makes the settings of a run that begins at step 0 and has no `run.json` for `sweep sync`.
    pub(crate) fn new(
        identity: Identity,
        config: Json,
        folder: PathBuf,
        duty: Duty,
        endpoint: Option<Endpoint>,
    ) -> Self {
        Self {
            identity,
            config,
            params: None,
            folder,
            duty,
            endpoint,
            file: None,
            next_step: 0,
            code: true,
        }
    }
}

/// The state that a run's handle, its journal thread and the exit hook share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) identity: Identity,
    pub(crate) duty: Duty,
    pub(crate) sender: Arc<SenderState>,
    written: Arc<Written>,
    config: Mutex<Json>,
    /// The parameters that the sweep has chosen; `None` outside a sweep.
    params: Option<Json>,
    folder: PathBuf,
    /// The content of `run.json`, from which `sweep sync` can send the run later; `None` if an
    /// agent sends the run.
    file: Option<RunFile>,
    pub(crate) buffer: Arc<RowBuffer>,
    /// The files of the run; `None` in a disabled run.
    attached: Option<Attached>,
    /// The journal; `None` in a disabled run.
    journal: Option<Mutex<Journal>>,
    pub(crate) samples: Samples,
    pub(crate) console: Console,
    /// The number of logged rows that the journal had when this process opened it.
    inherited: u64,
    /// The receiver that disconnects when the thread that reads the state of git has ended.
    telling: Mutex<Option<Receiver<()>>>,
    /// True if the run writes no more rows to the journal, so that the journal thread ends.
    closed: AtomicBool,
    ended: Mutex<Option<Result<Finished, FinishError>>>,
}

impl Shared {
    /// Opens the journal, and starts the journal thread and, unless the run is offline, the sender.
    pub(crate) fn start(start: Start) -> Result<Arc<Self>, InitError> {
        let Start { identity, config, params, folder, duty, endpoint, file, next_step, code } =
            start;
        let unopened =
            |source| InitError::Journal { folder: folder.clone(), source: Arc::new(source) };
        let journal = Journal::open(&folder).map_err(unopened)?;
        if let Some(file) = &file {
            file.write(&folder).map_err(unopened)?;
        }
        let mut readers = Vec::new();
        for stream in Stream::ALL {
            readers.push(journal.reader(stream).map_err(unopened)?);
        }
        let writer = journal.writer().to_owned();
        let mut next = journal.next_steps();
        next[Stream::History as usize] = next[Stream::History as usize].max(next_step);
        let attached = Attached::new(&folder, &writer, identity.clone(), endpoint.clone());
        let shared = Arc::new(Self {
            attached: Some(attached),
            identity,
            duty,
            sender: Arc::default(),
            written: Arc::new(journal.written()),
            config: Mutex::new(object(config)),
            params,
            folder,
            file,
            buffer: Arc::new(RowBuffer::new(next)),
            inherited: logged(journal.rows()),
            journal: Some(Mutex::new(journal)),
            telling: Mutex::new(None),
            samples: Samples::default(),
            console: Console::default(),
            closed: AtomicBool::new(false),
            ended: Mutex::new(None),
        });
        if let Some(endpoint) = endpoint {
            let (identity, written) = (shared.identity.clone(), Arc::clone(&shared.written));
            let rows = RowsToSend { identity, duty, written, writer, files: readers };
            sender::spawn(Arc::clone(&shared.sender), rows, endpoint)?;
        }
        let journalist = Arc::clone(&shared);
        let thread = thread::Builder::new().name("besom-journal".to_owned());
        if let Err(error) = thread.spawn(move || journalist.keep_journal()) {
            // This call ends the sender's thread. No row was logged yet, so its report says
            // nothing.
            let _ = shared.sender.end(None, Default::default(), Duration::ZERO);
            return Err(InitError::Thread(Arc::new(error)));
        }
        exit::watch(Arc::downgrade(&shared) as Weak<dyn AtExit>);
        if code {
            *shared.telling.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(code::tell(&shared.buffer));
        }
        Ok(shared)
    }

    /// Makes a disabled run: it stores nothing, starts no thread, writes no file and calls no
    /// controller.
    pub(crate) fn disabled(identity: Identity, config: Json, params: Option<Json>) -> Arc<Self> {
        Arc::new(Self {
            attached: None,
            identity,
            duty: Duty::Disabled,
            sender: Arc::default(),
            written: Arc::default(),
            config: Mutex::new(object(config)),
            params,
            folder: PathBuf::new(),
            file: None,
            buffer: Arc::new(RowBuffer::disabled()),
            inherited: 0,
            journal: None,
            telling: Mutex::new(None),
            samples: Samples::default(),
            console: Console::default(),
            closed: AtomicBool::new(true),
            ended: Mutex::new(None),
        })
    }

    pub(crate) fn lock_config(&self) -> MutexGuard<'_, Json> {
        self.config.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the parameters that the sweep has chosen; `None` outside a sweep.
    pub(crate) fn params(&self) -> Option<&Json> {
        self.params.as_ref()
    }

    /// Takes one row and, if some values are files, writes these files first.
    pub(crate) fn push<'a, K: AsRef<str>, V: Loggable<'a>>(
        &self,
        stream: Stream,
        step: Option<u64>,
        values: impl IntoIterator<Item = (K, V)>,
    ) {
        match &self.attached {
            Some(attached) => attached.push(&self.buffer, stream, step, values),
            None => self.buffer.push(stream, step, values),
        }
    }

    /// Returns the files of the run; `None` in a disabled run.
    pub(crate) fn attached(&self) -> Option<&Attached> {
        self.attached.as_ref()
    }

    /// Stores the current content of a file under `name`.
    pub(crate) fn save(&self, path: &Path, name: &str) -> io::Result<()> {
        self.attached.as_ref().map_or(Ok(()), |attached| attached.save(path, name))
    }

    /// Writes all rows that the buffer has accepted so far to the journal. Returns the number of
    /// rows in the journal, per stream.
    pub(crate) fn flush(&self) -> io::Result<[u64; Stream::COUNT]> {
        let Some(journal) = &self.journal else { return Ok([0; Stream::COUNT]) };
        let mut journal = lock(journal);
        journal.drain(&self.buffer, &self.written)?;
        Ok(journal.rows())
    }

    fn keep_journal(&self) {
        let Some(journal) = &self.journal else { return };
        let mut is_full = false;
        while let Some(drained) = self.drain(journal) {
            if let Err(error) = &drained
                && !is_full
            {
                let (run, folder) = (&self.identity.run, self.folder.display());
                warn(&format!(
                    "run `{run}`: `{folder}` takes no rows ({error}); the rows wait in memory \
                    while there is room"
                ));
            }
            is_full = drained.is_err();
            // A full disk may have space at the next turn of this loop. The end of the run sends
            // the rows that never reached the disk.
            let taken = drained.unwrap_or(0);
            if taken > 0 {
                self.sender.grown();
            }
            // After many rows the thread does not sleep, because rows at this rate could fill the
            // buffer during the sleep.
            if taken < HALF_BYTES / 4 {
                thread::sleep(JOURNAL_EVERY);
            }
        }
    }

    /// Writes the waiting rows to the journal and returns the number of their bytes; `None` if the
    /// run has ended.
    fn drain(&self, journal: &Mutex<Journal>) -> Option<io::Result<usize>> {
        let mut journal = lock(journal);
        let is_closed = self.closed.load(Ordering::Relaxed);
        (!is_closed).then(|| journal.drain(&self.buffer, &self.written))
    }
}

/// Returns the sum of the rows in the streams `history` and `summary`, to which a program logs.
fn logged(rows: [u64; Stream::COUNT]) -> u64 {
    Stream::LOGGED.iter().map(|stream| rows[*stream as usize]).sum()
}

fn lock(journal: &Mutex<Journal>) -> MutexGuard<'_, Journal> {
    journal.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the config, or an empty object if the config is null.
pub(super) fn object(config: Json) -> Json {
    if config.is_null() { Json::Object(Map::new()) } else { config }
}
