//! Defines the run: the handle that a program logs with. A row of numbers never waits for a disk or
//! a network. The end of the run does wait, for a bounded time.

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

/// A run. Cloning it is cheap, and clones may log from any thread. The run ends with
/// [`Run::finish`], or when its last clone is dropped. A drop ends it as failed if a panic unwound
/// through a clone, and as finished otherwise.
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

    /// Returns the hyperparameters: the defaults of [`Init::config`](crate::Init::config), overlaid
    /// with the sweep's values and with the changes of [`Run::update_config`].
    ///
    /// # Errors
    /// Fails with [`ConfigError`] if they do not fit `T`; the error names the field.
    pub fn config<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        T::deserialize(&*self.shared().lock_config())
            .map_err(|error| ConfigError(error.to_string()))
    }

    /// Logs one row at the next step: the largest step so far plus one, starting at 0.
    ///
    /// All values of one call have one type, such as `run.log([("loss", loss), ("accuracy",
    /// accuracy)])` or a map; [`log!`](crate::log!) takes any mix. The call copies the row into a
    /// buffer in memory and never fails: a full buffer refuses the row and counts it in
    /// [`Finished::refused`]. Only an image or another value that becomes a file waits for a disk,
    /// because the call writes it to the run's folder.
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

    /// Logs values that belong to the next row of [`log`](Self::log): they get its step, as with
    /// `commit=False` in W&B. The values may be numbers, texts and histograms. Values that become
    /// files are left out and counted in [`Finished::cut`]; log them with `log`.
    pub fn log_ahead<'a, K: AsRef<str>, V: Loggable<'a>>(
        &self,
        values: impl IntoIterator<Item = (K, V)>,
    ) {
        self.shared().buffer.push_ahead(Stream::History, values);
    }

    /// Sets a value of the run as a whole. It replaces the last value that was logged under this
    /// key.
    pub fn summary<'a>(&self, key: impl AsRef<str>, value: impl Loggable<'a>) {
        self.shared().push(Stream::Summary, None, [(key, value)]);
    }

    /// Stores a file with the run, as it is now. The call copies the file into the run's folder,
    /// and a thread sends it from there. The stored name is the given path if that is relative and
    /// stays inside its folder, and otherwise the file's own name. A second call with the same name
    /// replaces the file.
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

    /// Stores a file like [`Run::save`], under a name of your own. The name is relative, with `/`
    /// between its parts.
    ///
    /// # Errors
    /// Fails as [`Run::save`].
    pub fn save_as(&self, path: impl AsRef<Path>, name: &str) -> Result<(), MediaError> {
        let path = path.as_ref();
        let saved = self.shared().save(path, name);
        saved.map_err(|source| MediaError::Keep { path: path.to_owned(), source })
    }

    /// Returns true if the run should end. A person or a stopping rule may have asked for it, or
    /// the run's time is over. Another attempt may own the run now, or this process received
    /// SIGTERM, which a node may send before it goes away.
    ///
    /// From the first call on, SIGTERM no longer ends the process. The program then has the agent's
    /// grace period to save its work, before SIGKILL comes. Call this between steps; it costs a few
    /// loads from memory.
    pub fn should_stop(&self) -> bool {
        self.shared().sender.stop_wanted() || term::is_told()
    }

    /// Tells the controller that this node will go away soon; call it when the warning comes. If
    /// the trial's program then ends with an exit code other than 0, or stops sending heartbeats,
    /// the run counts as preempted and not as failed. It is the next run to be handed out, and
    /// costs no attempt. An agent that receives SIGTERM itself does not need this call.
    pub fn mark_preempting(&self) {
        self.shared().buffer.say("preempting", "{}");
    }

    /// Ends the run as finished, writes all accepted rows to the journal, and sends them to the
    /// controller.
    ///
    /// The call waits at most a minute for the rows. In a sweep it waits two seconds, because the
    /// agent ships the rest; a trial of a function agent waits up to ten minutes. It waits longer
    /// while files move. Later rows and files are refused. A second call returns the same result.
    ///
    /// # Errors
    /// Fails with [`FinishError`] if the controller does not have everything. The error says how
    /// many rows wait, and where. In a sweep the agent ships them instead, so rows that wait are no
    /// error.
    pub fn finish(self) -> Result<Finished, FinishError> {
        self.settle(finished())
    }

    /// Ends the run with this outcome, unless it has ended already.
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

/// The state that the clones of a [`Run`] share. The run's threads do not hold it, so its drop
/// marks the end of the last clone.
#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
    /// True once a panic has unwound through a clone.
    unwound: AtomicBool,
}

impl Drop for Handle {
    fn drop(&mut self) {
        let unwound = self.unwound.load(Ordering::Relaxed);
        let outcome = if unwound { failed("the program panicked".to_owned()) } else { finished() };
        self.shared.settle_unseen(outcome);
    }
}
