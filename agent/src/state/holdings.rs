//! Keeps the file of the attempts that the agent holds, which a restarted agent adopts. The agent
//! writes the file before it starts a shim, and after it has reported an end. So it never forgets a
//! trial. The file holds no process ids: each attempt's own folder has those.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use record::ids::Attempt;
use serde::{Deserialize, Serialize};

use crate::trial::spec;

/// Returns the folder of an attempt below the agent's folder.
pub fn folder(data: &Path, attempt: &Attempt) -> PathBuf {
    data.join("runs").join(attempt.run.as_str()).join(attempt.number.to_string())
}

/// The facts that a restarted agent needs to adopt an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// The attempt.
    pub attempt: Attempt,
    /// The UUIDs of its GPUs. Empty for a CPU slot.
    pub devices: Vec<String>,
    /// Whether the attempt has left its slot, so that only its report is missing. Another trial may
    /// have the slot by now.
    #[serde(default)]
    pub has_left: bool,
    /// The name of the sweep's metric, for people.
    pub metric: String,
    /// The longest time that it may run, in milliseconds from its start. `None`: no limit.
    pub timeout_ms: Option<u64>,
    /// The wall clock at its start, in milliseconds since 1970-01-01 UTC. After a restart, it gives
    /// the running time of a trial whose shim is gone.
    pub started_ms: i64,
    /// The value of [`crate::processes::cgroup::memory_kills`] at its start.
    pub memory_kills: Option<u64>,
}

/// All attempts that an agent holds.
#[derive(Debug)]
pub struct Holdings {
    path: PathBuf,
    live: BTreeMap<Attempt, Holding>,
}

impl Holdings {
    /// Reads the file in an agent's data folder, or begins a new one.
    ///
    /// # Errors
    /// Fails if the file exists but cannot be read. An agent that went on would forget the attempts
    /// in it.
    pub fn open(data: &Path) -> io::Result<Self> {
        let path = data.join("holdings.json");
        let list: Vec<Holding> = spec::read(&path)?.unwrap_or_default();
        let live = list.into_iter().map(|holding| (holding.attempt.clone(), holding)).collect();
        Ok(Self { path, live })
    }

    /// Returns the held attempts.
    pub fn iter(&self) -> impl Iterator<Item = &Holding> {
        self.live.values()
    }

    /// Returns one held attempt.
    pub fn get(&self, attempt: &Attempt) -> Option<&Holding> {
        self.live.get(attempt)
    }

    /// Adds an attempt. The file contains the attempt when this returns.
    ///
    /// # Errors
    /// Fails if the disk fails.
    pub fn add(&mut self, holding: Holding) -> io::Result<()> {
        self.live.insert(holding.attempt.clone(), holding);
        self.save()
    }

    /// Records that an attempt has left its slot. The record reaches the disk with the next change
    /// of the file. The next change comes early enough: before a new attempt takes the slot, it is
    /// added to the file.
    pub fn left(&mut self, attempt: &Attempt) {
        if let Some(holding) = self.live.get_mut(attempt) {
            holding.has_left = true;
        }
    }

    /// Removes an attempt.
    ///
    /// # Errors
    /// Fails if the disk fails. A restarted agent then adopts the attempt once more, and finds that
    /// none of its processes runs.
    pub fn remove(&mut self, attempt: &Attempt) -> io::Result<()> {
        self.live.remove(attempt);
        self.save()
    }

    fn save(&self) -> io::Result<()> {
        spec::write(&self.path, &self.live.values().collect::<Vec<_>>())
    }
}
