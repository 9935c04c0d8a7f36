//! Defines the files in an attempt's folder that the agent and the shim share: what to run, which
//! processes run it, and how it ended. Each of these JSON files is written whole or not at all.

use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::processes::{cgroup::Cgroup, process::Identity};

/// The environment variable with the attempt's folder. The program's processes inherit the
/// variable, which marks them as processes of the trial.
pub const DIR_VAR: &str = "BESOM_RUN_DIR";
/// The prefix of Besom's own environment variables.
pub const VAR_PREFIX: &str = "BESOM_";
/// The file with the [`Spec`] that the shim runs. A process claims the spec by renaming the file to
/// [`CLAIMED`]. The shim that starts the program does so, or a restarted agent that finds a spec
/// which no shim has claimed.
pub const SPEC: &str = "spec.json";
/// The name of the spec's file after a process has claimed it.
pub const CLAIMED: &str = "spec.claimed.json";
/// The file with the [`Processes`] that run.
pub const PROCESSES: &str = "process.json";
/// The file with the [`Exit`] of the program.
pub const EXIT: &str = "exit.json";
/// The file of parameters for a program that wants them as a file.
pub const PARAMS: &str = "params.json";
/// The parameters in the form that W&B's client reads.
pub const WANDB_PARAMS: &str = "wandb-params.yaml";
/// The file with the program's unchanged standard output.
pub const STDOUT: &str = "stdout";
/// The file with the program's unchanged standard error.
pub const STDERR: &str = "stderr";
/// The folder of the journals: files `<writer>.<stream>`, which hold only frames.
pub use proto::folder::JOURNAL;

/// The program that a shim runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Variables that the shim adds to the agent's own environment. The program inherits no other
    /// variable that begins with `BESOM_`.
    pub env: Vec<(String, String)>,
    /// The cgroup for the program, if the node gives one.
    pub cgroup: Option<Cgroup>,
    /// The path of the file that holds the agent's [`Identity`].
    pub agent_lock: PathBuf,
    /// How long the trial may go on without an agent, in milliseconds.
    pub orphan_after_ms: u64,
}

/// The processes that run a trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Processes {
    /// The shim.
    pub shim: Identity,
    /// The program, if it lived long enough to be identified.
    pub program: Option<Identity>,
}

/// How a program ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// The exit code, if the program ended by itself.
    pub code: Option<i32>,
    /// The signal, if one ended the program.
    pub signal: Option<i32>,
    /// The reason why the program could not be started.
    pub start_error: Option<String>,
    /// Whether the shim ended the program because no agent was alive for too long.
    #[serde(default)]
    pub orphaned: bool,
}

impl Exit {
    /// Returns whether SIGTERM ended the program, or ended the child of a shell that exits with 128
    /// + 15.
    pub fn is_by_term(&self) -> bool {
        const TERM: i32 = 15;
        self.signal == Some(TERM) || self.code == Some(128 + TERM)
    }
}

/// Reads one of the files. Returns `None` if it does not exist.
///
/// # Errors
/// Fails if the file cannot be read or parsed.
pub fn read<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes one of the files, so that a reader sees the whole new file or the previous one. Only the
/// file's owner can read it, because a spec holds a token. The file is not synced: after a power
/// loss no process is left that the file could describe.
///
/// # Errors
/// Fails if the disk fails.
pub fn write<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    let draft = path.with_extension("tmp");
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(&serde_json::to_vec(value)?)?;
    fs::rename(&draft, path)
}

/// Claims the spec by renaming it. Returns `None` if another process has claimed it.
///
/// # Errors
/// Fails if the spec cannot be read.
pub fn claim(dir: &Path) -> io::Result<Option<Spec>> {
    match fs::rename(dir.join(SPEC), dir.join(CLAIMED)) {
        Ok(()) => read(&dir.join(CLAIMED)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the cgroup that the spec names, whether or not a process has claimed the spec.
pub fn cgroup(dir: &Path) -> Option<Cgroup> {
    let named = |name| read::<Spec>(&dir.join(name)).ok().flatten();
    named(CLAIMED).or_else(|| named(SPEC))?.cgroup
}
