//! Control groups (cgroup v2): where the agent may make some, each trial's program gets one, and
//! then nothing that it starts can hide: whatever its parent, session or environment. Made by
//! `trial.rs`, entered by `shim.rs`, emptied by `tree.rs`. Never the only way: a machine that gives
//! none is a normal machine, and a process can be moved out by who may.

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
    /// The one that this process is in; `None` where there is no cgroup v2.
    pub fn own() -> Option<Self> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
        locate(&mounts, &groups).map(Self)
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Moves this process in, with all its threads. What it starts from then on is born there.
    ///
    /// # Errors
    /// When that is not allowed.
    pub fn enter(&self) -> io::Result<()> {
        fs::write(self.0.join("cgroup.procs"), "0")
    }

    /// The processes in it and in those that they made inside of it.
    pub fn processes(&self) -> Vec<i32> {
        let list =
            |path: PathBuf| fs::read_to_string(path.join("cgroup.procs")).unwrap_or_default();
        let pids =
            |text: String| text.lines().filter_map(|line| line.parse().ok()).collect::<Vec<i32>>();
        self.tree().into_iter().map(list).flat_map(pids).collect()
    }

    /// Whether any process lives in it, or in those inside of it: the kernel's own word.
    pub fn is_populated(&self) -> bool {
        let events = fs::read_to_string(self.0.join("cgroup.events")).unwrap_or_default();
        events.lines().any(|line| line == "populated 1")
    }

    /// Kills all of them at once, even those that are being born. Kernels before 5.14 cannot:
    /// nothing happens then.
    pub fn kill(&self) {
        let _ = fs::write(self.0.join("cgroup.kill"), "1");
    }

    /// Removes it, and those inside of it, if no process is left.
    ///
    /// # Errors
    /// When one is. One that is gone is removed.
    pub fn remove(&self) -> io::Result<()> {
        for path in self.tree().into_iter().rev() {
            match fs::remove_dir(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// How often the kernel has killed something in it for lack of memory; `None` where it does not
    /// count that here.
    pub fn memory_kills(&self) -> Option<u64> {
        let events = fs::read_to_string(self.0.join("memory.events")).ok()?;
        events.lines().find_map(|line| line.strip_prefix("oom_kill "))?.trim().parse().ok()
    }

    /// Itself and all inside of it, the outer before the inner.
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

/// The path of a process's cgroup v2, from what the kernel says of its mounts and of its cgroups.
fn locate(mounts: &str, groups: &str) -> Option<PathBuf> {
    let path = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    mounts.lines().filter(|line| line.contains(" - cgroup2 ")).find_map(|line| {
        let mut fields = line.split(' ').skip(3);
        let (root, point) = (fields.next()?, fields.next()?);
        // A cgroup above what is mounted, as seen from inside of a container, begins with `/..` and
        // cannot be reached.
        let inside = Path::new(path).strip_prefix(root).ok()?;
        (!inside.starts_with("..")).then(|| Path::new(point).join(inside))
    })
}

/// How often the kernel has killed something in the agent's own cgroup for lack of memory; `None`
/// where it does not say.
pub fn memory_kills() -> Option<u64> {
    Cgroup::own()?.memory_kills()
}

/// Where an agent makes cgroups for its trials: in its own, under names that no other agent uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delegation {
    own: Cgroup,
    prefix: String,
}

impl Delegation {
    /// Finds out by doing it: makes a cgroup, has a process of the agent's own `program` go in and
    /// out, removes it. Removes what an earlier start of this `agent` has left, but for those that
    /// are in use.
    ///
    /// # Errors
    /// Why there are to be none, for people.
    pub fn find(program: &Path, agent: &str) -> Result<Self, String> {
        let own = Cgroup::own().ok_or("this machine has no cgroup v2")?;
        let delegation = Self { own, prefix: format!("besom-{agent}-") };
        let path = delegation.own.path().display();
        delegation.tidy();
        let trial = delegation
            .make("try")
            .map_err(|error| format!("none can be made in {path}: {error}"))?;
        let mut visit = Command::new(program);
        visit
            .arg("cgroup")
            .arg(trial.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let visited = visit.status();
        trial
            .remove()
            .map_err(|error| format!("what is made in {path} cannot be removed: {error}"))?;
        match visited {
            Ok(status) if status.success() => Ok(delegation),
            _ => Err(format!("no process can be moved in {path}")),
        }
    }

    /// Makes one.
    ///
    /// # Errors
    /// When that is not possible: there may be too many, or one of this name.
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
            // One with processes cannot be removed: it belongs to a trial that goes on.
            let _ = Cgroup(left.path()).remove();
        }
    }
}

/// What `agent cgroup PATH` does: goes in and out again, as a shim does.
///
/// # Errors
/// When one of that is not allowed.
pub fn visit(path: &Path) -> io::Result<()> {
    let home = Cgroup::own().ok_or(io::ErrorKind::NotFound)?;
    Cgroup(path.to_owned()).enter()?;
    home.enter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_cgroup_is_found_wherever_the_tree_is_mounted() {
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
