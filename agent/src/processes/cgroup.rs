//! Manages control groups (cgroup v2). If the agent may create cgroups, each trial's program gets
//! one. A process in a cgroup cannot hide by changing its parent, session or environment.
//! `launch.rs` makes cgroups, `shim.rs` enters them, `tree.rs` empties them, and `release.rs`
//! removes them. The agent never relies on cgroups alone: many machines give it none, and a
//! privileged user can move a process out of one.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde::{Deserialize, Serialize};

/// One cgroup, by its path in the file system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cgroup(PathBuf);

impl Cgroup {
    /// Returns the cgroup that this process is in, or `None` if there is no cgroup v2.
    pub fn own() -> Option<Self> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
        locate(&mounts, &groups).map(Self)
    }

    /// Returns the cgroup's folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Moves this process into the cgroup, with all its threads. Processes that it starts
    /// afterwards are born in the cgroup.
    ///
    /// # Errors
    /// Fails if the kernel does not allow the move.
    pub fn enter(&self) -> io::Result<()> {
        fs::write(self.0.join("cgroup.procs"), "0")
    }

    /// Returns the processes in this cgroup and in the cgroups inside it.
    pub fn processes(&self) -> Vec<i32> {
        let list =
            |path: PathBuf| fs::read_to_string(path.join("cgroup.procs")).unwrap_or_default();
        let pids =
            |text: String| text.lines().filter_map(|line| line.parse().ok()).collect::<Vec<i32>>();
        self.tree().into_iter().map(list).flat_map(pids).collect()
    }

    /// Returns whether any process lives in this cgroup or in the cgroups inside it, as the kernel
    /// reports.
    pub fn is_populated(&self) -> bool {
        let events = fs::read_to_string(self.0.join("cgroup.events")).unwrap_or_default();
        events.lines().any(|line| line == "populated 1")
    }

    /// Kills all processes in the cgroup at once, even those that are being born. A kernel before
    /// 5.14 does not support this, and then the call does nothing.
    pub fn kill(&self) {
        let _ = fs::write(self.0.join("cgroup.kill"), "1");
    }

    /// Removes this cgroup and those inside it, if no process is left. A cgroup that does not exist
    /// is no error.
    ///
    /// # Errors
    /// Fails if a process is left.
    pub fn remove(&self) -> io::Result<()> {
        for path in self.tree().into_iter().rev() {
            match fs::remove_dir(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Returns how often the kernel has killed a process in the cgroup for lack of memory. `None`:
    /// the kernel does not count that for this cgroup.
    pub fn memory_kills(&self) -> Option<u64> {
        let events = fs::read_to_string(self.0.join("memory.events")).ok()?;
        events.lines().find_map(|line| line.strip_prefix("oom_kill "))?.trim().parse().ok()
    }

    /// Returns this cgroup and all inside it, the outer before the inner.
    fn tree(&self) -> Vec<PathBuf> {
        let (mut found, mut next) = (vec![self.0.clone()], 0);
        while let Some(path) = found.get(next) {
            let entries = fs::read_dir(path).into_iter().flatten().flatten();
            let inner = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
            let inner: Vec<PathBuf> = inner.map(|entry| entry.path()).collect();
            found.extend(inner);
            next += 1;
        }
        found
    }
}

/// Returns the path of a process's cgroup v2, from the kernel's lists of its mounts and cgroups.
fn locate(mounts: &str, groups: &str) -> Option<PathBuf> {
    let path = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    mounts.lines().filter(|line| line.contains(" - cgroup2 ")).find_map(|line| {
        let mut fields = line.split(' ').skip(3);
        let (root, point) = (fields.next()?, fields.next()?);
        // In a container, the path of a cgroup above the mounted one begins with `/..`, and this
        // process cannot reach it.
        let inside = Path::new(path).strip_prefix(root).ok()?;
        (!inside.starts_with("..")).then(|| Path::new(point).join(inside))
    })
}

/// Returns how often the kernel has killed a process in the agent's own cgroup for lack of memory.
/// `None`: the kernel does not count that.
pub fn memory_kills() -> Option<u64> {
    Cgroup::own()?.memory_kills()
}

/// The place where an agent makes cgroups for its trials: its own cgroup, under names that no other
/// agent uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delegation {
    own: Cgroup,
    prefix: String,
}

impl Delegation {
    /// Tests whether this agent can use cgroups. It makes a cgroup, lets a process of the agent's
    /// own `program` enter and leave it, and removes it. It also removes the cgroups that an
    /// earlier start of this `agent` has left, except those in use.
    ///
    /// # Errors
    /// Fails with the reason why the agent uses no cgroups, for people.
    pub fn find(program: &Path, agent: &str) -> Result<Self, String> {
        let own = Cgroup::own().ok_or("this machine has no cgroup v2")?;
        let delegation = Self { own, prefix: format!("besom-{agent}-") };
        let path = delegation.own.path().display();
        delegation.tidy();
        let trial = delegation
            .make("try")
            .map_err(|error| format!("this agent cannot make one in {path}: {error}"))?;
        let mut visit = Command::new(program);
        visit
            .arg("cgroup")
            .arg(trial.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let visited = visit.status();
        trial.remove().map_err(|error| format!("a cgroup in {path} cannot be removed: {error}"))?;
        match visited {
            Ok(status) if status.success() => Ok(delegation),
            _ => Err(format!("no process can be moved into a cgroup in {path}")),
        }
    }

    /// Makes a cgroup whose name is the agent's prefix and `name`.
    ///
    /// # Errors
    /// Fails if the kernel refuses, for example because there are too many cgroups or one of this
    /// name.
    pub fn make(&self, name: &str) -> io::Result<Cgroup> {
        let path = self.own.0.join(format!("{}{name}", self.prefix));
        fs::create_dir(&path)?;
        Ok(Cgroup(path))
    }

    fn tidy(&self) {
        let entries = fs::read_dir(&self.own.0).into_iter().flatten().flatten();
        let ours =
            entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&self.prefix));
        for left in ours {
            // The kernel refuses to remove a cgroup with processes. Such a cgroup belongs to a
            // trial that still runs.
            let _ = Cgroup(left.path()).remove();
        }
    }
}

/// Runs `agent cgroup PATH`: goes into the cgroup and out again, as a shim does.
///
/// # Errors
/// Fails if there is no cgroup v2, or if the kernel does not allow one of the two moves.
pub fn visit(path: &Path) -> io::Result<()> {
    let home = Cgroup::own().ok_or(io::ErrorKind::NotFound)?;
    Cgroup(path.to_owned()).enter()?;
    home.enter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agents_own_cgroup_is_found_wherever_the_tree_is_mounted() {
        let mounts = |root: &str, point: &str| {
            format!(
                "30 23 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n41 31 0:38 \
                {root} {point} rw,relatime - cgroup2 cgroup2 rw\n"
            )
        };
        let unified = mounts("/", "/sys/fs/cgroup");
        for (mounts, groups, want) in [
            (
                unified.as_str(),
                "0::/user.slice/a.scope\n",
                Some("/sys/fs/cgroup/user.slice/a.scope"),
            ),
            (
                &mounts("/", "/sys/fs/cgroup/unified"),
                "4:memory:/x\n0::/\n",
                Some("/sys/fs/cgroup/unified/"),
            ),
            (&mounts("/docker/1", "/sys/fs/cgroup"), "0::/docker/1/a\n", Some("/sys/fs/cgroup/a")),
            (&mounts("/docker/1", "/sys/fs/cgroup"), "0::/elsewhere\n", None),
            (&unified, "0::/../outside\n", None),
            (&unified, "4:memory:/x\n", None),
            ("23 1 0:1 / / rw - ext4 /dev/vda rw\n", "0::/\n", None),
        ] {
            assert_eq!(locate(mounts, groups), want.map(PathBuf::from), "{groups}");
        }
    }

    #[test]
    fn memory_kills_are_found_by_their_whole_name() {
        let folder = tempfile::tempdir().unwrap();
        let cgroup = Cgroup(folder.path().to_owned());
        assert_eq!(cgroup.memory_kills(), None);
        let events = folder.path().join("memory.events");
        fs::write(&events, "low 0\noom 5\noom_kill 3\noom_group_kill 1\n").unwrap();
        assert_eq!(cgroup.memory_kills(), Some(3));
        fs::write(&events, "low 0\n").unwrap();
        assert_eq!(cgroup.memory_kills(), None);
    }
}
