//! The file of live attempts: what a restarted agent adopts. Written before a shim is started and
//! after an end was reported, so that no trial is ever forgotten. Holds no process ids: those are
//! in each attempt's own folder.

use std::{
    collections::BTreeMap,
    fmt, io,
    path::{Path, PathBuf},
};

use proto::v1::RunAttempt;
use serde::{Deserialize, Serialize};

use crate::trial::spec;

/// One attempt of one run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Attempt {
    /// The run.
    pub run: String,
    /// The attempt's number, from 1.
    pub number: u32,
}

impl Attempt {
    /// The attempt's folder below the agent's.
    pub fn folder(&self, data: &Path) -> PathBuf {
        data.join("runs").join(&self.run).join(self.number.to_string())
    }

    /// As the wire has it.
    pub fn to_wire(&self) -> RunAttempt {
        RunAttempt { run: self.run.clone(), attempt: self.number }
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (attempt {})", self.run, self.number)
    }
}

/// What must be known of an attempt to go on with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// Which.
    pub attempt: Attempt,
    /// UUIDs of its GPUs; empty for a CPU slot.
    pub devices: Vec<String>,
    /// Its processes are gone and only its end is still to be told: its slot may be another trial's
    /// by now.
    #[serde(default)]
    pub has_left: bool,
    /// Name of the sweep's metric, for people.
    pub metric: String,
    /// How long it may run, in milliseconds from its start.
    pub timeout_ms: Option<u64>,
    /// Wall clock at its start in milliseconds, for people.
    pub started_ms: i64,
    /// What [`crate::processes::cgroup::memory_kills`] said at its start.
    pub memory_kills: Option<u64>,
}

/// Everything that an agent holds.
#[derive(Debug)]
pub struct Holdings {
    path: PathBuf,
    live: BTreeMap<Attempt, Holding>,
}

impl Holdings {
    /// Reads the file in an agent's data folder, or begins a new one.
    ///
    /// # Errors
    /// When it is there but cannot be read: going on would forget what it names.
    pub fn open(data: &Path) -> io::Result<Self> {
        let path = data.join("holdings.json");
        let list: Vec<Holding> = spec::read(&path)?.unwrap_or_default();
        let live = list.into_iter().map(|holding| (holding.attempt.clone(), holding)).collect();
        Ok(Self { path, live })
    }

    /// What is held.
    pub fn iter(&self) -> impl Iterator<Item = &Holding> {
        self.live.values()
    }

    /// One of them.
    pub fn get(&self, attempt: &Attempt) -> Option<&Holding> {
        self.live.get(attempt)
    }

    /// Adds one; it is on disk when this returns.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn add(&mut self, holding: Holding) -> io::Result<()> {
        self.live.insert(holding.attempt.clone(), holding);
        self.save()
    }

    /// The processes of one are gone. On disk with the next that is added, which is the first that
    /// may take its slot.
    pub fn left(&mut self, attempt: &Attempt) {
        if let Some(holding) = self.live.get_mut(attempt) {
            holding.has_left = true;
        }
    }

    /// Takes one out.
    ///
    /// # Errors
    /// When the disk refuses: the next start then finds an attempt that is over, which does no
    /// harm.
    pub fn remove(&mut self, attempt: &Attempt) -> io::Result<()> {
        self.live.remove(attempt);
        self.save()
    }

    fn save(&self) -> io::Result<()> {
        spec::write(&self.path, &self.live.values().collect::<Vec<_>>())
    }
}
