//! Finds the orphans of killed shims, and reaps dead ones. A shim is the parent of every orphan of
//! its trial. When a shim is killed, its orphans become children of the agent, if the agent is a
//! subreaper. So every child of such an agent is a shim or an orphan of a killed shim, even if it
//! has cleared its environment. A restarted agent is no ancestor of the shims that it adopts, so
//! the orphans of these shims go to another process.

use std::{
    collections::{BTreeSet, HashMap},
    io,
    process::{self, Child},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rustix::process::{Pid, WaitOptions, getpid, set_child_subreaper, waitpid};
use telemetry::process::{Stat, table};

/// A record of the shims that this process has started. The default value records no shims and
/// finds no orphans.
#[derive(Clone, Debug, Default)]
pub struct Reaper {
    shims: Option<Arc<Mutex<BTreeSet<i32>>>>,
}

impl Reaper {
    /// Makes this process a subreaper, so that it becomes the parent of the orphans of killed
    /// shims. If this process has children already, or is process 1, it may also get orphans of
    /// other programs. The process could not tell these orphans apart, so the function returns the
    /// default value.
    pub fn install() -> Self {
        let me = getpid();
        let children = table().values().any(|stat| stat.parent == me.as_raw_pid());
        if children || me == Pid::INIT || set_child_subreaper(Some(me)).is_err() {
            return Self::default();
        }
        Self { shims: Some(Arc::default()) }
    }

    /// Starts a shim by calling `start`, and records it, so that the shim never counts as an
    /// orphan.
    ///
    /// # Errors
    /// Fails if `start` fails.
    pub fn start(&self, start: impl FnOnce() -> io::Result<Child>) -> io::Result<Child> {
        let shims = self.lock();
        let child = start()?;
        if let Some(mut shims) = shims {
            shims.insert(child.id().cast_signed());
        }
        Ok(child)
    }

    /// Removes a shim from the record, after it has ended and was reaped.
    pub fn ended(&self, shim: u32) {
        if let Some(mut shims) = self.lock() {
            shims.remove(&shim.cast_signed());
        }
    }

    /// Returns the children of this process in `table` that are not shims. Reaps the dead ones.
    pub fn orphans(&self, table: &HashMap<i32, Stat>) -> Vec<i32> {
        let Some(shims) = self.lock() else { return Vec::new() };
        let me = process::id().cast_signed();
        let ours = table.iter().filter(|(pid, stat)| stat.parent == me && !shims.contains(pid));
        let (dead, alive): (Vec<_>, Vec<_>) = ours.partition(|(_, stat)| stat.is_dead());
        for pid in dead.into_iter().filter_map(|(pid, _)| Pid::from_raw(*pid)) {
            // Another thread may have reaped the dead child at the same moment.
            let _ = waitpid(Some(pid), WaitOptions::NOHANG);
        }
        alive.into_iter().map(|(pid, _)| *pid).collect()
    }

    fn lock(&self) -> Option<MutexGuard<'_, BTreeSet<i32>>> {
        self.shims.as_ref().map(|shims| shims.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
