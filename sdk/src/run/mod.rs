//! A run: the handle that a program logs with. `log` never waits for a disk or a network; only the
//! end does, and for a bounded time.

pub(crate) mod artifacts;
mod begin;
pub(crate) mod checkpoint;
pub(crate) mod duty;
pub(crate) mod finished;
pub(crate) mod folders;
pub(crate) mod init;
pub(crate) mod meta;
pub(crate) mod shared;
pub(crate) mod training;

use std::{
    fmt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use proto::v1::Outcome;
use serde::de::DeserializeOwned;

use crate::{
    error::{ConfigError, FinishError},
    media::MediaError,
    rows::row_buffer::Stream,
    run::{
        finished::{Finished, failed, finished},
        shared::Shared,
    },
    term,
    value::Loggable,
};

/// A run. Cheap to clone, and the clones may log from any thread. It ends with [`Run::finish`],
/// else when the last clone is dropped: as failed if a panic unwound through one of them, else as
/// finished.
#[derive(Clone)]
pub struct Run(Arc<Handle>);

impl fmt::Debug for Run {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Run").field(&self.id()).finish()
    }
}

impl Run {
    /// The first handle of a run that has been started.
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self(Arc::new(Handle { shared, unwound: AtomicBool::new(false) }))
    }

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

    /// The hyperparameters: the sweep's values over the defaults that were given to
    /// [`Init::config`](crate::Init::config), and what [`Run::update_config`] has changed since.
    ///
    /// # Errors
    /// [`ConfigError`] when they do not fit `T`; it names the field.
    pub fn config<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        T::deserialize(&*self.shared().lock_config())
            .map_err(|error| ConfigError(error.to_string()))
    }

    /// Logs one row at the next step: the largest step so far plus one, from 0. For values of one
    /// type, such as `run.log([("loss", loss), ("accuracy", accuracy)])` or a map;
    /// [`log!`](crate::log!) takes any mix. An image or another value that is a file is written to
    /// the run's folder by this call; nothing else waits for a disk.
    pub fn log<'a, K: AsRef<str>, V: Loggable<'a>>(
        &self,
        values: impl IntoIterator<Item = (K, V)>,
    ) {
        self.shared().push(Stream::History, None, values);
    }

    /// Logs one row at a step of the caller's. Steps may come late, twice or out of order; nothing
    /// is dropped.
    pub fn log_at<'a, K: AsRef<str>, V: Loggable<'a>>(
        &self,
        step: u64,
        values: impl IntoIterator<Item = (K, V)>,
    ) {
        self.shared().push(Stream::History, Some(step), values);
    }

    /// Logs values that belong to the next row of [`log`](Self::log): they get its step, as with
    /// W&B's `commit=False`. For numbers, texts and histograms; what comes as a file is logged by
    /// `log` itself.
    pub fn log_ahead<'a, K: AsRef<str>, V: Loggable<'a>>(
        &self,
        values: impl IntoIterator<Item = (K, V)>,
    ) {
        self.shared().buffer.push_ahead(Stream::History, values);
    }

    /// Sets a value that stands for the run, in place of the last one logged under this key.
    pub fn summary<'a>(&self, key: impl AsRef<str>, value: impl Loggable<'a>) {
        self.shared().push(Stream::Summary, None, [(key, value)]);
    }

    /// Keeps a file with the run, as it is now: it is copied into the run's folder and sent from
    /// there. Its name is the path as given if that is relative and leads nowhere else, otherwise
    /// the file's own name. Saved again, it takes the place of what was saved before.
    ///
    /// # Errors
    /// When the file cannot be read or copied, or has a name that cannot be kept.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), MediaError> {
        let path = path.as_ref();
        let given = path.to_string_lossy();
        let given = given.strip_prefix("./").unwrap_or(&given);
        let own =
            path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let name = if record::file::check_path(given).is_ok() { given } else { &own };
        self.save_as(path, name)
    }

    /// As [`Run::save`], under a name of your own: relative, `/` between its parts.
    ///
    /// # Errors
    /// As [`Run::save`].
    pub fn save_as(&self, path: impl AsRef<Path>, name: &str) -> Result<(), MediaError> {
        let path = path.as_ref();
        let saved = self.shared().save(path, name);
        saved.map_err(|source| MediaError::Keep { path: path.to_owned(), source })
    }

    /// The run should end: a person or a stopping rule asked for it, its time is over, another
    /// attempt owns it now, or this process got SIGTERM, as when its node is taken away. From the
    /// first call on, SIGTERM does not end the process any more: there is the agent's grace to save
    /// what matters, then comes SIGKILL. To be asked between steps; costs a few loads from memory.
    pub fn should_stop(&self) -> bool {
        self.shared().sender.stop_wanted() || term::is_told()
    }

    /// Says that this node is about to be taken away: if the program of a trial now ends with an
    /// exit code that is not 0, or is not heard of any more, the run is preempted and no failure.
    /// It is the next to be handed out, and no attempt is charged. To be called when the warning
    /// comes. An agent that gets SIGTERM itself needs no such word.
    pub fn mark_preempting(&self) {
        self.shared().buffer.say("preempting", "{}");
    }

    /// Ends the run as finished: everything accepted is written to the journal and sent to the
    /// controller. Waits a minute at most, in a sweep two seconds, since there the agent ships what
    /// is left; and longer as long as files are on their way. Rows and files that come later are
    /// refused. A second call answers as the first did.
    ///
    /// # Errors
    /// [`FinishError`] when the controller has not got everything; it says how many rows wait, and
    /// where.
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

/// What the clones of a [`Run`] have in common; the threads do not hold it, so its drop is the end
/// of the last clone.
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
