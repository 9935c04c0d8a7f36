//! Finds the processes of this machine in /proc by their command lines and environments. This
//! module does not use the agent's own ways of finding processes, because those are under test. The
//! tests that stop and kill processes use this module.

use std::{fs, path::Path};

pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process};

/// Returns every living process: its id, and its arguments with a zero byte after each. Dead
/// processes have no arguments and are left out.
///
/// # Panics
/// Panics without /proc.
pub fn command_lines() -> impl Iterator<Item = (i32, String)> {
    let entries = fs::read_dir("/proc").expect("/proc is there").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid: i32| {
        // Reads the command line of any thread, because the first thread may have left.
        let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten();
        let mut lines = threads.filter_map(|thread| fs::read(thread.path().join("cmdline")).ok());
        let line = lines.find(|line| !line.is_empty())?;
        Some((pid, String::from_utf8_lossy(&line).into_owned()))
    })
}

/// Returns the shims of the agents that work in this folder, or in one below it.
pub fn shims(data: &Path) -> Vec<i32> {
    let is_shim = |line: &str| {
        let folder = line.strip_prefix("agent\0shim\0").and_then(|rest| rest.split('\0').next());
        folder.is_some_and(|folder| Path::new(folder).starts_with(data))
    };
    command_lines().filter(|(_, line)| is_shim(line)).map(|(pid, _)| pid).collect()
}

/// Returns every process that has this folder in its arguments or its environment: an agent, its
/// shims and their trials.
///
/// # Panics
/// Panics without /proc.
pub fn of_node(data: &Path) -> Vec<i32> {
    let data = data.to_string_lossy();
    // The folder `agent-1` does not mark a process that has only `agent-10`.
    let is_of_name = |letter: char| letter.is_alphanumeric() || "-_.".contains(letter);
    let marks = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        text.split(&*data).skip(1).any(|rest| !rest.starts_with(is_of_name))
    };
    let environ = |pid: i32| fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    let found =
        command_lines().filter(|(pid, line)| marks(line.as_bytes()) || marks(&environ(*pid)));
    found.map(|(pid, _)| pid).collect()
}

/// Sends a signal to all of these processes; returns how many of them received it.
pub fn signal(signal: Signal, pids: &[i32]) -> usize {
    let sent = |pid: &i32| Pid::from_raw(*pid).is_some_and(|pid| kill_process(pid, signal).is_ok());
    pids.iter().filter(|pid| sent(pid)).count()
}
