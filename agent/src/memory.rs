//! Whether the kernel killed for lack of memory. Only what can be proved counts: the counter of our own cgroup, which is
//! also the trials' own. Called by `trial.rs`.

use std::{fs, path::PathBuf};

/// How often the kernel has killed a process of our cgroup (version 2) for lack of memory; `None` where it does not say.
pub fn kills() -> Option<u64> {
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let events = fs::read_to_string(PathBuf::from("/sys/fs/cgroup").join(path).join("memory.events")).ok()?;
    count(&events)
}

fn count(events: &str) -> Option<u64> {
    events.lines().find_map(|line| line.strip_prefix("oom_kill "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_is_found_by_its_whole_name() {
        assert_eq!(count("low 0\noom 5\noom_kill 3\noom_group_kill 1\n"), Some(3));
        assert_eq!(count("low 0\n"), None);
    }
}
