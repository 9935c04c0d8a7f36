//! Finds all processes of one trial: by its cgroup if it has one, and always by descent and by a
//! mark that they carry. The module can end these processes and prove that none is left. The shim
//! and the agent use the module, and they decide when a trial ends.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
    process, thread,
    time::{Duration, Instant},
};

use telemetry::process::{Stat, descendants, pids};

use super::{cgroup::Cgroup, process::Identity, reaper::Reaper};
use crate::trial::spec;

/// The time between two looks at a tree that is ending.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long SIGKILL may take before a process counts as stuck in the kernel.
const KILL_PATIENCE: Duration = Duration::from_secs(10);
/// The pauses before the looks of [`Tree::is_empty`], which must all find no process. The pauses
/// have no common rhythm: a process that forks in the rhythm of the looks would escape all of them.
const PAUSES: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_millis(7),
    Duration::from_millis(19),
    Duration::from_millis(37),
];
/// The most listings of /proc in one look. The limit bounds a look on a machine on which processes
/// are born all the time.
const LISTS: usize = 50;
/// The most passes of [`Tree::kill`]. Each pass kills the processes that were born during the pass
/// before.
const KILL_PASSES: usize = 20;

/// The processes of one trial. They are in its cgroup, descend from its shim, carry its mark in
/// their environment, or are orphans of its killed shim.
#[derive(Clone, Debug)]
pub struct Tree {
    shim: Option<Identity>,
    /// The trial's mark in the environment of its processes. The mark identifies daemons, and the
    /// orphans of a shim that an earlier agent has started.
    mark: Vec<u8>,
    cgroup: Option<Cgroup>,
    reaper: Reaper,
}

impl Tree {
    /// Makes the tree below `shim`, for the attempt whose folder is `dir`. The shim itself is not a
    /// part of the tree.
    pub fn new(shim: Option<Identity>, dir: &Path, reaper: &Reaper) -> Self {
        let mark = format!("{}={}", spec::DIR_VAR, dir.display()).into_bytes();
        Self { shim, mark, cgroup: spec::cgroup(dir), reaper: reaper.clone() }
    }

    /// Returns the cgroup that the attempt's spec names. `None` if it names none.
    pub fn cgroup(&self) -> Option<&Cgroup> {
        self.cgroup.as_ref()
    }

    /// Returns the processes of the tree that live now. Reads all of /proc, which takes
    /// milliseconds, so no caller does it while a trial simply runs.
    pub fn members(&self) -> Vec<Identity> {
        let (table, marked) = self.look();
        let shim = self.shim.as_ref().filter(|shim| shim.is_alive()).map(|shim| shim.pid);
        let orphans = if shim.is_none() { self.orphans(&table) } else { Vec::new() };
        let grouped = self.cgroup.as_ref().map(Cgroup::processes).unwrap_or_default();
        let roots = shim.into_iter().chain(orphans).chain(grouped).chain(marked);
        let spared = [shim.unwrap_or(0), process::id().cast_signed()];
        let members = descendants(&table, roots).into_iter().filter(|pid| !spared.contains(pid));
        // A process in the cgroup may have been born after the table was read.
        let stat = |pid| table.get(&pid).copied().or_else(|| Stat::read(pid));
        members.filter_map(|pid| Identity::seen(pid, stat(pid)?)).collect()
    }

    /// Returns all processes of this machine, and those of them that carry the mark. The method
    /// lists the processes again and again until a list has no new process, so it also sees
    /// processes that are born meanwhile. So a chain of short-lived processes seldom escapes a
    /// look.
    fn look(&self) -> (HashMap<i32, Stat>, Vec<i32>) {
        let (mut seen, mut table, mut marked) = (HashSet::new(), HashMap::new(), Vec::new());
        for _ in 0..LISTS {
            let news: Vec<i32> = pids().filter(|pid| seen.insert(*pid)).collect();
            if news.is_empty() {
                break;
            }
            for pid in news {
                table.extend(Stat::read(pid).map(|stat| (pid, stat)));
                marked.extend(marks(pid).any(|mark| mark == self.mark).then_some(pid));
            }
        }
        (table, marked)
    }

    /// Returns the orphans of this process that may belong to this trial: those that carry no other
    /// trial's mark.
    fn orphans(&self, table: &HashMap<i32, Stat>) -> Vec<i32> {
        let mut orphans = self.reaper.orphans(table);
        orphans.retain(|pid| marks(*pid).all(|mark| mark == self.mark));
        orphans
    }

    /// Sends SIGTERM to every process of the tree. Returns the number of these processes.
    pub fn terminate(&self) -> usize {
        let members = self.members();
        members.iter().for_each(Identity::terminate);
        members.len()
    }

    /// Kills every process of the tree, and processes that are born meanwhile. Killed processes may
    /// take a moment to disappear.
    pub fn kill(&self) {
        let mut known = HashSet::new();
        for _ in 0..KILL_PASSES {
            self.cgroup.iter().for_each(Cgroup::kill);
            let mut members = self.members();
            members.retain(|member| known.insert(member.clone()));
            if members.is_empty() {
                break;
            }
            members.iter().for_each(Identity::kill);
        }
    }

    /// Returns whether no process of the tree lives. One look may miss a process whose parent ends
    /// while the process is born, so the method looks several times. For the cgroup, one file of
    /// the kernel gives the exact answer. The method blocks the thread for a moment.
    pub fn is_empty(&self) -> bool {
        let nobody = |pause| {
            thread::sleep(pause);
            self.members().is_empty()
        };
        !self.cgroup.as_ref().is_some_and(Cgroup::is_populated) && PAUSES.into_iter().all(nobody)
    }

    /// Sends SIGTERM, and SIGKILL after `grace`, until no process is left. Stops trying if
    /// processes are left when `KILL_PATIENCE` has passed after the grace. Returns whether no
    /// process is left. Blocks the thread.
    pub fn end(&self, grace: Duration) -> bool {
        let (start, mut told) = (Instant::now(), HashSet::new());
        while start.elapsed() < grace {
            if self.is_empty() {
                return true;
            }
            // Each process gets SIGTERM once, when a look first finds it. So a process that is born
            // after the first signals gets its signal too.
            let members = self.members();
            members
                .into_iter()
                .filter(|member| told.insert(member.clone()))
                .for_each(|new| new.terminate());
            thread::sleep(LOOK_EVERY);
        }
        let start = Instant::now();
        loop {
            self.kill();
            let empty = self.is_empty();
            if empty || start.elapsed() > KILL_PATIENCE {
                return empty;
            }
            thread::sleep(LOOK_EVERY);
        }
    }
}

/// Returns the trials' marks that a process carries: at most one, unless a program has made up
/// more.
fn marks(pid: i32) -> impl Iterator<Item = Vec<u8>> {
    let environment = environment(pid);
    let entries = environment.split(|byte| *byte == 0);
    let marks = entries.filter(|entry| entry.starts_with(spec::DIR_VAR.as_bytes()));
    marks.map(<[u8]>::to_vec).collect::<Vec<_>>().into_iter()
}

/// Returns a process's environment. The result is empty if the environment cannot be read, as for
/// processes of other users. If the first thread of a process has ended, the environment is read
/// from another thread.
fn environment(pid: i32) -> Vec<u8> {
    let read = |path: PathBuf| fs::read(path.join("environ")).ok().filter(|text| !text.is_empty());
    let process = PathBuf::from(format!("/proc/{pid}"));
    let threads = || fs::read_dir(process.join("task")).into_iter().flatten().flatten();
    read(process.clone())
        .or_else(|| threads().find_map(|thread| read(thread.path())))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt as _, process::Command};

    use super::*;

    /// The number of looks that the test makes. A few find no process, because a process that
    /// executes a new program has no environment for a moment.
    const LOOKS: usize = 200;

    #[test]
    fn a_chain_of_short_lived_processes_is_found_and_ended() {
        let folder = tempfile::tempdir().unwrap();
        let (dir, script) = (folder.path(), folder.path().join("again.sh"));
        // Each process lives for about a millisecond, and its successor has begun before it ends.
        fs::write(&script, "#!/bin/sh\n\"$0\" & exit\n").unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        Command::new(&script).env(spec::DIR_VAR, dir).status().unwrap();
        let tree = Tree::new(None, dir, &Reaper::default());
        let missed = (0..LOOKS).filter(|_| tree.members().is_empty()).count();
        let ended = tree.end(Duration::ZERO);
        thread::sleep(Duration::from_millis(100));
        let is_over = tree.members().is_empty();
        // Remove the script first, so that no chain outlives this test.
        fs::remove_file(&script).unwrap();
        assert!(missed * 10 < LOOKS, "{missed} looks saw no process");
        assert!(ended && is_over);
    }
}
