//! Defines the run: the handle with which a program logs. Logging a row of numbers never waits for
//! a disk or a network. The end of the run waits for both, for a bounded time.

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

/// A run. Cloning a run is cheap, and clones may log from any thread. The run ends with
/// [`Run::finish`], or when its last clone is dropped. If a panic has unwound through a clone, the
/// last drop reports the run as failed; if not, as finished.
#[derive(Clone)]
pub struct Run(Arc<Handle>);

impl fmt::Debug for Run {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Run").field(&self.id()).finish()
    }
}

impl Run {
    /// Makes the first handle of a started run.
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self(Arc::new(Handle { shared, unwound: AtomicBool::new(false) }))
    }

    /// Returns the run's id.
    pub fn id(&self) -> &str {
        &self.shared().identity.run
    }

    /// Returns the id of the sweep that this run is a trial of; `None` outside a sweep.
    pub fn sweep(&self) -> Option<&str> {
        self.shared().identity.sweep.as_deref()
    }

    /// Returns the trial's number in its sweep, from 0; `None` outside a sweep.
    pub fn trial(&self) -> Option<u64> {
        self.shared().identity.trial
    }

    /// Returns the hyperparameters: the defaults of [`Init::config`](crate::Init::config), in which
    /// the sweep's values and the values of [`Run::update_config`] replace the defaults.
    ///
    /// # Errors
    /// Fails with [`ConfigError`] if the hyperparameters cannot be deserialized as a `T`; the error
    /// names the field.
    pub fn config<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        T::deserialize(&*self.shared().lock_config())
            .map_err(|error| ConfigError(error.to_string()))
    }

    /// Logs one row at the next step: the largest step so far plus one, or 0 for the first row of a
    /// new run.
    ///
    /// All values of one call have the same type, as in
    /// `run.log([("loss", loss), ("accuracy", accuracy)])`. The macro [`log!`](crate::log!) takes
    /// values of different types. The call copies the row into a buffer in memory and never fails:
    /// a full buffer refuses the row and counts it in [`Finished::refused`]. If a value becomes a
    /// file, such as an image, the call also writes the file to the run's folder.
    pub fn log<'a, K: AsRef<str>, V: Loggable<'a>>(
        &self,
        values: impl IntoIterator<Item = (K, V)>,
    ) {
        self.shared().push(Stream::History, None, values);
    }

    /// Logs one row at a step of your own, like [`Run::log`]. Steps may come late, twice or out of
    /// order; the run keeps all rows.
    pub fn log_at<'a, K: AsRef<str>, V: Loggable<'a>>(
        &self,
        step: u64,
        values: impl IntoIterator<Item = (K, V)>,
    ) {
        self.shared().push(Stream::History, Some(step), values);
    }

    /// Logs values at the step that the next row of [`log`](Self::log) will get, as `commit=False`
    /// does in W&B. The values may be numbers, texts and histograms. The call leaves out values
    /// that become files, and counts them in [`Finished::cut`]; use `log` for them.
    pub fn log_ahead<'a, K: AsRef<str>, V: Loggable<'a>>(
        &self,
        values: impl IntoIterator<Item = (K, V)>,
    ) {
        self.shared().buffer.push_ahead(Stream::History, values);
    }

    /// Sets a value of the run as a whole. In the run's summary, this value replaces the last value
    /// that was logged under this key.
    pub fn summary<'a>(&self, key: impl AsRef<str>, value: impl Loggable<'a>) {
        self.shared().push(Stream::Summary, None, [(key, value)]);
    }

    /// Stores the current content of a file with the run. The call copies the file into the run's
    /// folder, and a separate thread sends the copy. If the given path is relative and has no `..`,
    /// it becomes the stored name. If not, the stored name is the last part of the path. A second
    /// call with the same name replaces the stored file.
    ///
    /// # Errors
    /// Fails if the file cannot be read or copied, or if its name is not valid.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), MediaError> {
        let path = path.as_ref();
        let given = path.to_string_lossy();
        let given = given.strip_prefix("./").unwrap_or(&given);
        let own =
            path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let name = if record::file::check_path(given).is_ok() { given } else { &own };
        self.save_as(path, name)
    }

    /// Stores a file like [`Run::save`], under a name of your own. The name is a relative path with
    /// `/` between its parts.
    ///
    /// # Errors
    /// Fails as [`Run::save`].
    pub fn save_as(&self, path: impl AsRef<Path>, name: &str) -> Result<(), MediaError> {
        let path = path.as_ref();
        let saved = self.shared().save(path, name);
        saved.map_err(|source| MediaError::Keep { path: path.to_owned(), source })
    }

    /// Returns true if the program should end. One reason is that a person or a stopping rule has
    /// stopped the run, or that the time of a function agent's trial is over. Another reason is
    /// that another attempt owns the run now, or that this process has received SIGTERM.
    ///
    /// After the first call of this function, SIGTERM no longer ends the process. The program then
    /// has the agent's grace period to save its work, before the agent sends SIGKILL. Call this
    /// function between steps; a call costs a few loads from memory.
    pub fn should_stop(&self) -> bool {
        self.shared().sender.stop_wanted() || term::is_told()
    }

    /// Reports to the controller that this node will go away soon. Call it in a trial when the
    /// node's operator announces this. If the program then fails, or its agent's heartbeats stop,
    /// the trial counts as preempted and not as failed. A preempted trial goes to the front of the
    /// queue, and the lost attempt does not count against `retry`. If the agent itself receives
    /// SIGTERM, this call is not needed. Outside a sweep, this call has no effect.
    pub fn mark_preempting(&self) {
        self.shared().buffer.say("preempting", "{}");
    }

    /// Ends the run as finished: writes all accepted rows to the journal, and waits until the
    /// controller has them.
    ///
    /// The call waits at most a minute for the controller to take the rows. In a sweep, it waits at
    /// most two seconds, because the agent sends the rest. In a trial of a function agent, it waits
    /// at most ten minutes. While files are being uploaded, it waits longer. The run refuses rows
    /// and files after this call. A second call returns the same result.
    ///
    /// # Errors
    /// Fails with [`FinishError`] if the controller does not have everything. The error names the
    /// number of rows that wait and their folder. In a sweep, waiting rows are no error, because
    /// the agent sends them.
    pub fn finish(self) -> Result<Finished, FinishError> {
        self.settle(finished())
    }

    /// Ends the run with this outcome, unless the run has ended already.
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

/// The state that the clones of a [`Run`] share. The run's threads do not own this state, so it is
/// dropped together with the last clone.
#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
    /// True if a panic has unwound through a clone.
    unwound: AtomicBool,
}

impl Drop for Handle {
    fn drop(&mut self) {
        let unwound = self.unwound.load(Ordering::Relaxed);
        let outcome = if unwound { failed("the program panicked".to_owned()) } else { finished() };
        self.shared.settle_unseen(outcome);
    }
}
