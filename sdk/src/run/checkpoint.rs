//! Makes and loads checkpoints: files with which a program continues after it was killed, preempted
//! or moved to another node. A checkpoint is stored like any file of a run: its content first, then
//! a row that names the content. This row also counts the logged rows before the checkpoint, so the
//! next attempt's history begins with exactly these rows. The module never reads the content of a
//! checkpoint.

use std::{
    error::Error as StdError,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use blobs::{Hashed, Trouble};
use proto::{
    dial::{BadAddress, Dial, backoff, is_transient},
    v1::{self, BlobRef, ResumeRun, RunRef},
};
use record::{checkpoint::CheckpointRow, file::check_content};

use super::Run;
use crate::{
    calls::{CALL_WAIT, answer, aside, reason},
    chance::jitter,
    endpoint::Endpoint,
    error::speak,
    files::store::Files,
    identity::Identity,
    rows::row_buffer::Stream,
    warning::warn,
};

/// The longest time that [`Run::resume`] waits for a controller that does not answer. It is long,
/// because waiting for a restart of the controller is cheaper than repeating hours of training.
const WAIT: Duration = Duration::from_secs(600);

/// The error of making or loading a checkpoint.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The program's own function failed to write the checkpoint.
    #[error("the checkpoint cannot be written: {0}")]
    Write(#[source] Box<dyn StdError + Send + Sync>),
    /// The checkpoint, or the rows before it, cannot be stored in the run's folder or read from
    /// there.
    #[error("the checkpoint cannot be kept in the run's folder: {0}")]
    Keep(#[from] io::Error),
    /// The address of the controller, or the token, does not have a valid form.
    #[error("{0}: {hint}", hint = .0.hint())]
    Address(#[from] BadAddress),
    /// The controller does not answer, refuses, or sends a damaged checkpoint. The field is the
    /// reason.
    #[error("the controller does not send the run's checkpoint: {0}")]
    Controller(String),
}

speak!(CheckpointError);

/// A checkpoint that a run continues from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    path: PathBuf,
    attempt: u32,
    step: u64,
}

impl Checkpoint {
    /// Returns the path of the checkpoint's file in the run's folder. Read the file, but do not
    /// change it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the number of the attempt that made the checkpoint.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Returns the step of the next row of [`Run::log`] after [`Run::resume`]: the largest step
    /// before the checkpoint plus one.
    pub fn step(&self) -> u64 {
        self.step
    }
}

impl Run {
    /// Makes a checkpoint. `write` receives a path, and must write a file to this path with
    /// everything that the program needs to continue.
    ///
    /// When this call returns, the checkpoint and every row that was logged before it are in the
    /// run's folder. Separate threads send them to the controller. If the program is killed, the
    /// run's next attempt can continue from this checkpoint with [`Run::resume`]. While the run
    /// goes on, the controller keeps its two newest checkpoints. The call costs the time to write
    /// and hash the file. In a disabled run, the call does nothing and does not call `write`.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let run = besom::init().start()?;
    /// let first: u32 = match run.resume()? {
    ///     Some(checkpoint) => std::fs::read_to_string(checkpoint.path())?.parse()?,
    ///     None => 0,
    /// };
    /// for epoch in first..10 {
    ///     besom::log!(run, "epoch" => epoch);
    ///     run.checkpoint(|file| std::fs::write(file, (epoch + 1).to_string()))?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Fails if `write` fails, or if the disk does not take the file or the rows before it. After
    /// an error, the call has usually made no checkpoint. If only the checkpoint's row could not be
    /// written, the next stored file may still write this row, which makes the checkpoint.
    pub fn checkpoint<E: Into<Box<dyn StdError + Send + Sync>>>(
        &self,
        write: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<(), CheckpointError> {
        let shared = self.shared();
        let Some(attached) = shared.attached() else { return Ok(()) };
        let step = shared.buffer.next(Stream::History);
        let rows = shared.flush()?;
        let files = attached.files();
        let temporary = files.temporary()?;
        let written = write(&temporary).map_err(|error| CheckpointError::Write(error.into()));
        let kept = written.and_then(|()| Ok(files.adopt(&temporary)?));
        if kept.is_err() {
            // A file that cannot be removed only takes space.
            let _ = fs::remove_file(&temporary);
        }
        let Hashed { sha256, size } = kept?;
        let [history, summary] =
            [Stream::History, Stream::Summary].map(|stream| rows[stream as usize]);
        files.checkpoint(&CheckpointRow { step, sha256, size, history, summary })?;
        attached.ship();
        Ok(())
    }

    /// Returns the newest checkpoint of this run, for the program to continue from; `None` if the
    /// run has no checkpoint or is disabled.
    ///
    /// Call this function before you log the first row. After the call, the run's history, summary
    /// and value are those at the checkpoint, and rows that the program logs next follow. If an
    /// earlier process of this attempt made the checkpoint, the rows that it logged after the
    /// checkpoint stay too. If the controller does not answer, the call waits for it for at most
    /// ten minutes.
    ///
    /// # Errors
    /// Fails if the controller does not answer or refuses, or if the run's folder cannot be read or
    /// written.
    pub fn resume(&self) -> Result<Option<Checkpoint>, CheckpointError> {
        let shared = self.shared();
        let Some(attached) = shared.attached() else { return Ok(None) };
        let found = match local(attached.files(), &shared.identity)? {
            Some(found) => Some(found),
            None => match attached.endpoint() {
                Some(endpoint) => fetch(endpoint, &shared.identity, attached.files())?,
                None => None,
            },
        };
        if let Some(Checkpoint { step, .. }) = found {
            shared.buffer.set_next(Stream::History, step);
        }
        Ok(found)
    }
}

/// Returns the newest checkpoint that an earlier process of the same attempt left in the run's
/// folder, for example if a script restarts its trainer. All rows of the earlier process still
/// count, and new rows come after them.
fn local(files: &Files, identity: &Identity) -> io::Result<Option<Checkpoint>> {
    let Some(row) = files.newest_checkpoint()? else { return Ok(None) };
    let path = files.contents().join(&row.sha256);
    Ok(path.exists().then_some(Checkpoint { path, attempt: identity.attempt, step: row.step }))
}

/// Fetches the newest checkpoint from the controller into the run's folder, and reports to the
/// controller that this attempt continues from it.
fn fetch(
    endpoint: &Endpoint,
    identity: &Identity,
    files: &Files,
) -> Result<Option<Checkpoint>, CheckpointError> {
    let (mut tries, deadline) = (0, Instant::now() + WAIT);
    loop {
        let tried = aside(|runtime| {
            let dial = endpoint.dial(runtime)?;
            Ok::<_, BadAddress>(runtime.block_on(take(&dial, identity, files)))
        });
        let status = match tried?? {
            Ok(found) => return Ok(found),
            Err(Trouble::Remote(status)) if is_transient(&status) && Instant::now() < deadline => {
                status
            }
            Err(Trouble::Remote(status)) => {
                return Err(CheckpointError::Controller(reason(&status)));
            }
            Err(Trouble::Local(error)) => return Err(CheckpointError::Keep(error)),
            Err(trouble) => return Err(CheckpointError::Controller(trouble.to_string())),
        };
        if tries == 0 {
            let (run, reason) = (&identity.run, reason(&status));
            warn(&format!(
                "run `{run}` waits for the controller, to go on from its checkpoint ({reason})"
            ));
        }
        thread::sleep(backoff(tries, jitter()));
        tries += 1;
    }
}

async fn take(
    dial: &Dial,
    identity: &Identity,
    files: &Files,
) -> Result<Option<Checkpoint>, Trouble> {
    let mut client = dial.checkpoints();
    let run = identity.run.clone();
    let listed = answer(CALL_WAIT, client.list(RunRef { run: run.clone() })).await?.checkpoints;
    let Some(v1::Checkpoint { id, attempt, step, sha256, size, .. }) = listed.into_iter().next()
    else {
        return Ok(None);
    };
    // The hash becomes the name of a file, so the SDK checks the hash's form.
    check_content(&sha256, size).map_err(|_| Trouble::Damaged(sha256.clone(), "it is no hash"))?;
    let path = files.contents().join(&sha256);
    if fs::metadata(&path).map_or(true, |about| about.len() != size) {
        let temporary = files.temporary()?;
        let (mut contents, mut file) = (dial.files(), File::create(&temporary)?);
        let wanted = BlobRef { sha256: sha256.clone(), ..BlobRef::default() };
        let loaded =
            blobs::download(contents.get(wanted), &Hashed { sha256, size }, &mut file, |_| {})
                .await;
        if loaded.is_err() {
            // A file that cannot be removed only takes space.
            let _ = fs::remove_file(&temporary);
        }
        loaded?;
        fs::rename(&temporary, &path)?;
    }
    let resume = ResumeRun { run, attempt: identity.attempt, checkpoint: id };
    answer(CALL_WAIT, client.resume(resume)).await?;
    Ok(Some(Checkpoint { path, attempt, step }))
}
