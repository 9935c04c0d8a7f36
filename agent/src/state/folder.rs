//! Manages the agent's data folder: the agent's identity, and the lock that keeps a second agent
//! out. A restarted agent takes the same folder and so the same identity.

use std::{
    env,
    fs::{self, DirBuilder, File},
    io::{self, Write as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use record::ids::SweepId;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use terminal::{Exit, Failure};

use crate::{processes::process::Identity, trial::spec};

/// The file that holds a [`Who`].
const IDENTITY: &str = "identity.json";
/// The most agents without `--data` that can run on a node for one sweep.
const MOST_AGENTS: usize = 64;

/// The identity of an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// The agent's id, stable over restarts.
    pub agent: String,
    /// A number that rises with every start, and whenever a running agent has lost a trial.
    pub incarnation: u64,
}

/// An agent's folder, which is locked while this value lives.
#[derive(Debug)]
pub struct Folder {
    /// The absolute path.
    pub path: PathBuf,
    /// The agent that has the folder.
    pub who: Who,
    _lock: File,
}

impl Folder {
    /// Locks the folder that `--data` names. Without `--data`, locks the first default folder of
    /// this sweep that no live agent has.
    ///
    /// # Errors
    /// Fails with a [`Failure`] if the folder cannot be taken.
    pub fn take(named: Option<&Path>, sweep: &SweepId) -> Result<Self, Failure> {
        if let Some(path) = named {
            let path = std::path::absolute(path).map_err(|error| refused(path, &error))?;
            return Self::lock(&path).map_err(|error| refused(&path, &error))?.ok_or_else(|| {
                Failure::new(Exit::Input, format!("another agent works in {}", path.display()))
                    .hint("name another folder with --data, or none")
            });
        }
        let agents = state_folder()?.join("agents");
        for number in 1..=MOST_AGENTS {
            let name = if number == 1 { sweep.to_string() } else { format!("{sweep}-{number}") };
            let path = agents.join(name);
            if let Some(folder) = Self::lock(&path).map_err(|error| refused(&path, &error))? {
                return Ok(folder);
            }
        }
        Err(Failure::new(
            Exit::Refused,
            format!("{MOST_AGENTS} agents of this sweep run on this node already"),
        )
        .hint("one agent serves many slots: --slots N"))
    }

    /// Locks the folder and raises the incarnation. Returns `None` if another live agent has the
    /// folder.
    fn lock(path: &Path) -> io::Result<Option<Self>> {
        make_private(path)?;
        let lock_path = lock_file(path);
        let mut lock = open_lock(&lock_path)?;
        if !try_lock(&lock)? {
            return Ok(None);
        }
        // Shims read which process holds the lock. Shims never try to take the lock.
        lock.set_len(0)?;
        serde_json::to_writer(&mut lock, &Identity::current())?;
        lock.flush()?;
        let who = next_incarnation(path)?;
        Ok(Some(Self { path: path.to_owned(), who, _lock: lock }))
    }

    /// Returns the kind of this folder's file system if it is a network file system. On such a file
    /// system a sync and a lock guarantee less, and agents on several nodes would mix their state.
    pub fn remote_filesystem(&self) -> Option<&'static str> {
        let kind = rustix::fs::statfs(&self.path).ok()?.f_type;
        remote(kind)
    }

    /// Returns the path of the lock file, which names this process.
    pub fn lock_path(&self) -> PathBuf {
        lock_file(&self.path)
    }
}

/// Returns the name of a network file system, by the kernel's numbers (statfs(2) and
/// linux/magic.h).
fn remote(kind: i64) -> Option<&'static str> {
    match kind {
        0x6969 => Some("NFS"),
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => Some("SMB"),
        0x0bd0_0bd0 => Some("Lustre"),
        0x4750_4653 => Some("GPFS"),
        0x00c3_6400 => Some("CephFS"),
        0x1983_0326 => Some("BeeGFS"),
        0x5346_414f | 0x6b41_4653 => Some("AFS"),
        _ => None,
    }
}

fn lock_file(path: &Path) -> PathBuf {
    path.join("agent.lock")
}

/// Opens a lock file and leaves its content as it is.
pub(crate) fn open_lock(path: &Path) -> io::Result<File> {
    File::options().read(true).write(true).create(true).truncate(false).open(path)
}

/// Takes the exclusive lock on a lock file if it is free. Returns whether it was free.
pub(crate) fn try_lock(file: &File) -> io::Result<bool> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Makes the folder if it is missing. Only its owner may enter a new folder, because specs hold
/// tokens.
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Returns the folder for the state of all agents of this user. Fails if neither `XDG_STATE_HOME`
/// nor `HOME` names a folder.
pub(crate) fn state_folder() -> Result<PathBuf, Failure> {
    let absolute =
        |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .map(|state| state.join("besom"))
        .ok_or_else(|| {
            Failure::new(
                Exit::Input,
                "neither XDG_STATE_HOME nor HOME names a folder for the agent's data",
            )
            .hint("name one with --data")
        })
}

/// Reads the identity in the folder and raises its incarnation.
fn next_incarnation(data: &Path) -> io::Result<Who> {
    let mut who = match spec::read::<Who>(&data.join(IDENTITY))? {
        Some(who) => who,
        None => Who { agent: new_id()?, incarnation: 0 },
    };
    who.incarnation += 1;
    save(data, &who)?;
    Ok(who)
}

/// Writes the identity to the folder and syncs the file, because two starts must never use the same
/// incarnation.
pub(crate) fn save(data: &Path, who: &Who) -> io::Result<()> {
    let path = data.join(IDENTITY);
    spec::write(&path, who)?;
    File::open(path)?.sync_all()
}

/// Makes an agent's id: twelve random hexadecimal digits from the kernel.
fn new_id() -> io::Result<String> {
    let uuid = fs::read_to_string("/proc/sys/kernel/random/uuid")?;
    Ok(uuid.chars().filter(char::is_ascii_hexdigit).take(12).collect())
}

fn refused(path: &Path, error: &io::Error) -> Failure {
    Failure::new(
        Exit::Input,
        format!("cannot use {} as the agent's folder: {error}", path.display()),
    )
    .hint("name another folder with --data")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(folder: &Path) -> Result<Folder, Failure> {
        Folder::take(Some(folder), &SweepId::from("s"))
    }

    #[test]
    fn a_folder_on_a_network_file_system_is_recognized() {
        assert_eq!([0x6969, 0xfe53_4d42, 0xef53].map(remote), [Some("NFS"), Some("SMB"), None]);
        let here = tempfile::tempdir().unwrap();
        assert_eq!(take(here.path()).unwrap().remote_filesystem(), None);
    }

    #[test]
    fn a_restart_keeps_the_agents_identity_and_a_second_agent_is_kept_out() {
        let home = tempfile::tempdir().unwrap();
        let first = take(home.path()).unwrap();
        assert_eq!(take(home.path()).unwrap_err().exit, Exit::Input);
        let who = first.who.clone();
        drop(first);
        let second = take(home.path()).unwrap();
        assert_eq!(second.who, Who { agent: who.agent, incarnation: who.incarnation + 1 });
        let holder: Identity = spec::read(&second.lock_path()).unwrap().unwrap();
        assert!(holder.is_alive());
    }
}
