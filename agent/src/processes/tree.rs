//! All processes of one trial: found by its cgroup where it has one, and in every case by descent
//! and by a mark that they carry. Ends them, and proves that none is left. Used by the shim and by
//! the agent; never decides that something should end.

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

/// How often an ending tree is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long SIGKILL may take before a process counts as stuck in the kernel.
const KILL_PATIENCE: Duration = Duration::from_secs(10);
/// Pauses before looks that must all find nobody to prove that nobody is there. No rhythm: what
/// forks in one would be missed by all.
const PAUSES: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_millis(7),
    Duration::from_millis(19),
    Duration::from_millis(37),
];
/// How often one look lists the processes at most, on a machine where some are born all the time.
const LISTS: usize = 50;
/// How often one call kills what was born while it killed the others.
const KILL_PASSES: usize = 20;

/// The processes of one trial: whatever is in its cgroup, descends from its shim, or carries the
/// trial's mark in its environment, and the orphans of a shim that was killed.
#[derive(Clone, Debug)]
pub struct Tree {
    shim: Option<Identity>,
    /// What finds daemons and the orphans of a shim that an earlier agent has started.
    mark: Vec<u8>,
    cgroup: Option<Cgroup>,
    reaper: Reaper,
}

impl Tree {
    /// The tree below `shim`, of the trial whose attempt lives in `dir`. The shim itself is not
    /// part of it.
    pub fn new(shim: Option<Identity>, dir: &Path, reaper: &Reaper) -> Self {
        let mark = format!("{}={}", spec::DIR_VAR, dir.display()).into_bytes();
        Self { shim, mark, cgroup: spec::cgroup(dir), reaper: reaper.clone() }
    }

    /// The cgroup that the program was to be put into, if any.
    pub fn cgroup(&self) -> Option<&Cgroup> {
        self.cgroup.as_ref()
    }

    /// The processes that live now. Reads all of /proc: a matter of milliseconds, and only for a
    /// trial that ends.
    pub fn members(&self) -> Vec<Identity> {
        let (table, marked) = self.look();
        let shim = self.shim.as_ref().filter(|shim| shim.is_alive()).map(|shim| shim.pid);
        let orphans = if shim.is_none() { self.orphans(&table) } else { Vec::new() };
        let grouped = self.cgroup.as_ref().map(Cgroup::processes).unwrap_or_default();
        let roots = shim.into_iter().chain(orphans).chain(grouped).chain(marked);
        let spared = [shim.unwrap_or(0), process::id().cast_signed()];
        let members = descendants(&table, roots).into_iter().filter(|pid| !spared.contains(pid));
        // What is in the cgroup may have been born since.
        let stat = |pid| table.get(&pid).copied().or_else(|| Stat::read(pid));
        members.filter_map(|pid| Identity::seen(pid, stat(pid)?)).collect()
    }

    /// All processes of this machine, and those of them that carry the mark. Who is born while
    /// others are looked at is looked at too, until a list has nobody new: with whoever lives by
    /// then looked at, a line of short lives does not slip through.
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

    /// Orphans that have fallen to this process and may be this trial's: those that carry no other
    /// trial's mark.
    fn orphans(&self, table: &HashMap<i32, Stat>) -> Vec<i32> {
        let mut orphans = self.reaper.orphans(table);
        orphans.retain(|pid| marks(*pid).all(|mark| mark == self.mark));
        orphans
    }

    /// Asks every process of the tree to end; returns how many there were.
    pub fn terminate(&self) -> usize {
        let members = self.members();
        members.iter().for_each(Identity::terminate);
        members.len()
    }

    /// Kills every process of the tree, and what was born meanwhile. They may take a moment to be
    /// gone.
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

    /// Whether nothing lives. One look may miss a process that ends while its child is born, so
    /// there are several, and the kernel is asked of the cgroup, where it knows for sure. Blocks
    /// the thread for a moment.
    pub fn is_empty(&self) -> bool {
        let nobody = |pause| {
            thread::sleep(pause);
            self.members().is_empty()
        };
        !self.cgroup.as_ref().is_some_and(Cgroup::is_populated) && PAUSES.into_iter().all(nobody)
    }

    /// TERM, then KILL after `grace`, until nothing is left; says whether nothing is. Blocks the
    /// thread.
    pub fn end(&self, grace: Duration) -> bool {
        let (start, mut told) = (Instant::now(), HashSet::new());
        while start.elapsed() < grace {
            if self.is_empty() {
                return true;
            }
            // Each is told once, when it is first seen: what was just being born has not heard what
            // others heard.
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

/// The trials' marks that a process carries: one at most, unless somebody has made up more.
fn marks(pid: i32) -> impl Iterator<Item = Vec<u8>> {
    let environment = environment(pid);
    let entries = environment.split(|byte| *byte == 0);
    let marks = entries.filter(|entry| entry.starts_with(spec::DIR_VAR.as_bytes()));
    marks.map(<[u8]>::to_vec).collect::<Vec<_>>().into_iter()
}

/// Other people's environments cannot be read, and are not ours to end. A process whose first
/// thread has left shows its environment to those who ask another thread.
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

    /// Some see nobody: who is becoming another program has no environment for a moment.
    const LOOKS: usize = 200;

    #[test]
    fn a_line_of_short_lives_is_seen_and_ended() {
        let folder = tempfile::tempdir().unwrap();
        let (dir, script) = (folder.path(), folder.path().join("again.sh"));
        // Each lives for about a millisecond, and its successor has begun before it ends.
        fs::write(&script, "#!/bin/sh\n\"$0\" & exit\n").unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        Command::new(&script).env(spec::DIR_VAR, dir).status().unwrap();
        let tree = Tree::new(None, dir, &Reaper::default());
        let missed = (0..LOOKS).filter(|_| tree.members().is_empty()).count();
        let ended = tree.end(Duration::ZERO);
        thread::sleep(Duration::from_millis(100));
        let is_over = tree.members().is_empty();
        // Whatever was found: no line goes on behind this test.
        fs::remove_file(&script).unwrap();
        assert!(missed * 10 < LOOKS, "{missed} looks saw nobody");
        assert!(ended && is_over);
    }
}
