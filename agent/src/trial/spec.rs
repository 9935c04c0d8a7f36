//! The files in an attempt's folder that agent and shim share: what to run, who runs it, how it
//! ended. Written whole or not at all. Knows nothing of trials or sweeps.

use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::processes::{cgroup::Cgroup, process::Identity};

/// Names the attempt's folder to the trial, and marks every process that belongs to it.
pub const DIR_VAR: &str = "BESOM_RUN_DIR";
/// The prefix of all variables that are ours to set.
pub const VAR_PREFIX: &str = "BESOM_";
/// What the shim is to run: a [`Spec`]. Renamed to [`CLAIMED`] by whoever decides its fate: the
/// shim that starts it, or a restarted agent that finds it was never started.
pub const SPEC: &str = "spec.json";
/// A spec that has been taken.
pub const CLAIMED: &str = "spec.claimed.json";
/// Who runs: [`Processes`].
pub const PROCESSES: &str = "process.json";
/// How it ended: an [`Exit`].
pub const EXIT: &str = "exit.json";
/// Parameters for a program that wants them as a file.
pub const PARAMS: &str = "params.json";
/// What the program wrote to its standard output, as it wrote it.
pub const STDOUT: &str = "stdout";
/// What the program wrote to its standard error, as it wrote it.
pub const STDERR: &str = "stderr";
/// The folder of the journals: `<writer>.<stream>`, nothing but frames.
pub use proto::folder::JOURNAL;

/// What a shim is to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Variables on top of the agent's own environment; whatever else there begins with `BESOM_` is
    /// left out.
    pub env: Vec<(String, String)>,
    /// The cgroup that the program is to be put into, if the node gives one.
    pub cgroup: Option<Cgroup>,
    /// Holds the agent's [`Identity`].
    pub agent_lock: PathBuf,
    /// How long the trial may go on without an agent, in milliseconds.
    pub orphan_after_ms: u64,
}

/// Who runs a trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Processes {
    /// The shim.
    pub shim: Identity,
    /// The program, if it lived long enough to be looked at.
    pub program: Option<Identity>,
}

/// How a program ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// Exit code, if it ended by itself.
    pub code: Option<i32>,
    /// Signal, if one ended it.
    pub signal: Option<i32>,
    /// Why it could not be started.
    pub start_error: Option<String>,
    /// The shim ended it, since no agent was there for too long.
    #[serde(default)]
    pub orphaned: bool,
}

impl Exit {
    /// Whether SIGTERM ended it, or a shell whose child that has ended.
    pub fn is_by_term(&self) -> bool {
        const TERM: i32 = 15;
        self.signal == Some(TERM) || self.code == Some(128 + TERM)
    }
}

/// Reads one of the files; `None` when it is not there.
///
/// # Errors
/// When it cannot be read, or is not what it should be.
pub fn read<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes one of the files: a reader sees all of it or the one before. Readable by its owner alone,
/// since a spec holds a token. Not synced: after a power loss no process is left that the file
/// could speak of.
///
/// # Errors
/// When the disk refuses.
pub fn write<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    let draft = path.with_extension("tmp");
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(&serde_json::to_vec(value)?)?;
    fs::rename(&draft, path)
}

/// Takes the spec; `None` when somebody else has.
///
/// # Errors
/// When it cannot be read.
pub fn claim(dir: &Path) -> io::Result<Option<Spec>> {
    match fs::rename(dir.join(SPEC), dir.join(CLAIMED)) {
        Ok(()) => read(&dir.join(CLAIMED)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The cgroup that the spec names, whoever has taken the spec.
pub fn cgroup(dir: &Path) -> Option<Cgroup> {
    let named = |name| read::<Spec>(&dir.join(name)).ok().flatten();
    named(CLAIMED).or_else(|| named(SPEC))?.cgroup
}
