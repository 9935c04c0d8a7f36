//! Prepares the cgroup in which the agent of a round runs. There are two kinds: in one, the agent
//! may make more cgroups, and in the other, it may not. On a machine that does not allow cgroups,
//! the test reports that it skips the first kind. The second kind works on every machine.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Once,
};

use tests::wait_for;

pub(super) struct Grounds {
    cgroup: Option<PathBuf>,
    /// Whether trials get cgroups of their own.
    pub(super) with_cgroups: bool,
}

impl Grounds {
    /// Prepares a cgroup of this kind. Returns `None` if this machine cannot provide it.
    pub(super) fn of(with_cgroups: bool) -> Option<Self> {
        static SAID: Once = Once::new();
        let cgroup = match make() {
            Ok(path) => Some(path),
            Err(why) if with_cgroups => {
                SAID.call_once(|| terminal::say(format_args!("SKIPPED: stops by cgroup: {why}")));
                return None;
            }
            Err(_) => None,
        };
        if let Some(cgroup) = cgroup.as_ref().filter(|_| !with_cgroups) {
            fs::write(cgroup.join("cgroup.max.descendants"), "0").unwrap();
        }
        Some(Self { cgroup, with_cgroups })
    }

    pub(super) fn cgroup(&self) -> Option<&Path> {
        self.cgroup.as_deref()
    }

    /// Returns the number of trials that have a cgroup now.
    pub(super) fn trials(&self) -> usize {
        let entries = self.cgroup.iter().flat_map(|path| fs::read_dir(path).unwrap().flatten());
        entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).count()
    }
}

fn make() -> Result<PathBuf, String> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let mount = mounts
        .lines()
        .find(|line| line.contains(" - cgroup2 "))
        .ok_or("no cgroup v2 is mounted")?;
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap();
    let own = groups
        .lines()
        .find_map(|line| line.strip_prefix("0::/"))
        .ok_or("this process has no cgroup v2")?;
    let point = mount.split(' ').nth(4).ok_or("a mount without a point")?;
    let path = Path::new(point).join(own).join(format!("besom-stops-{}", std::process::id()));
    fs::create_dir(&path).map_err(|error| format!("{} cannot be made: {error}", path.display()))?;
    Ok(path)
}

impl Drop for Grounds {
    fn drop(&mut self) {
        // A process counts as a member of its cgroup a moment longer than it is visible. So the
        // first tries to remove the cgroup may fail.
        let gone = |path: &PathBuf| wait_for("an empty cgroup", || fs::remove_dir(path).ok());
        self.cgroup.iter().filter(|_| !std::thread::panicking()).for_each(gone);
    }
}
