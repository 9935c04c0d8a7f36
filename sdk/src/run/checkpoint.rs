//! Checkpoints: what a program needs to go on where it was, after it was killed, preempted or moved
//! to another node. Made as any file of a run: first the content in the run's folder, then a row
//! that names it and says how many rows were logged before, so that the next attempt's history is
//! theirs up to there. Never looks into a checkpoint.

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

/// How long [`Run::resume`] waits for a controller that is away: hours of training are worth more
/// than its restart takes.
const WAIT: Duration = Duration::from_secs(600);

/// What can go wrong with a checkpoint.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The program's own function could not write it.
    #[error("the checkpoint cannot be written: {0}")]
    Write(#[source] Box<dyn StdError + Send + Sync>),
    /// The run's folder does not take it, or the rows before it.
    #[error("the checkpoint cannot be kept in the run's folder: {0}")]
    Keep(#[from] io::Error),
    /// The address or the token has no valid form.
    #[error("{0}: {hint}", hint = .0.hint())]
    Address(#[from] BadAddress),
    /// The controller does not answer, or refuses.
    #[error("the run's checkpoint does not come: {0}")]
    Controller(String),
}

speak!(CheckpointError);

/// What a run goes on from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    path: PathBuf,
    attempt: u32,
    step: u64,
}

impl Checkpoint {
    /// The file as it was written, in the run's folder: to be read, and not to be changed.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The attempt of the run that made it.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The step that [`Run::log`] goes on with: the largest before the checkpoint plus one.
    pub fn step(&self) -> u64 {
        self.step
    }
}

impl Run {
    /// Makes a checkpoint: `write` gets the path of a file that it is to write, with all that the
    /// program needs to go on from here. When this returns, the checkpoint is in the run's folder
    /// behind every row that was logged before, and a thread of its own sends it; whatever kills
    /// the program, its next attempt can go on from there by [`Run::resume`]. The controller keeps
    /// the two newest of a run.
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
    /// When `write` fails, or the disk does not take the file or the rows before it: then there is
    /// no checkpoint.
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
            // What is left of it only takes room.
            let _ = fs::remove_file(&temporary);
        }
        let Hashed { sha256, size } = kept?;
        let [history, summary] =
            [Stream::History, Stream::Summary].map(|stream| rows[stream as usize]);
        files.checkpoint(&CheckpointRow { step, sha256, size, history, summary })?;
        attached.ship();
        Ok(())
    }

    /// The newest checkpoint of this run, made by an earlier attempt, from which the program goes
    /// on now; `None` when there is none, or the run is disabled. To be called before the first row
    /// is logged: from then on the run's history, its summary and its value are what they were at
    /// the checkpoint, followed by what is logged from now on. Waits for a controller that is away,
    /// ten minutes at most.
    ///
    /// # Errors
    /// When the controller does not answer or refuses, or what it sends cannot be written.
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

/// One that a process of this very attempt has left, such as that of a script which starts its
/// trainer again. Its rows stay: those that are logged now come after them.
fn local(files: &Files, identity: &Identity) -> io::Result<Option<Checkpoint>> {
    let Some(row) = files.newest_checkpoint()? else { return Ok(None) };
    let path = files.contents().join(&row.sha256);
    Ok(path.exists().then_some(Checkpoint { path, attempt: identity.attempt, step: row.step }))
}

/// The newest that the controller has, brought into the run's folder; the controller knows then
/// that this attempt goes on from it.
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
        thread::sleep(backoff(tries, jitter(tries)));
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
    // It becomes the name of a file.
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
            // What is left of it only takes room.
            let _ = fs::remove_file(&temporary);
        }
        loaded?;
        fs::rename(&temporary, &path)?;
    }
    let resume = ResumeRun { run, attempt: identity.attempt, checkpoint: id };
    answer(CALL_WAIT, client.resume(resume)).await?;
    Ok(Some(Checkpoint { path, attempt, step }))
}
