//! Reads facts about processes from /proc. The agent identifies processes with [`Stat`], and the
//! sampler adds up what a tree of processes uses. This module never signals or changes a process.

use std::{
    collections::{HashMap, HashSet},
    fs::{self, File},
    io::Read as _,
    str,
    time::Duration,
};

use rustix::{
    param::clock_ticks_per_second,
    time::{ClockId, clock_gettime},
};

/// The fields of /proc/PID/stat of one process.
#[derive(Clone, Copy, Debug)]
pub struct Stat {
    /// The state of the process as the kernel's letter: `R`, `S`, `Z`, ...
    pub state: u8,
    /// The parent's pid.
    pub parent: i32,
    /// The start time, in clock ticks since boot.
    pub start: u64,
    /// The CPU time of the process itself, in clock ticks.
    pub ticks: u64,
    /// The CPU time of the ended descendants that the process has waited for, in clock ticks.
    pub ended_ticks: u64,
    /// The number of threads.
    pub threads: u64,
    /// The number of resident pages of memory.
    pub resident_pages: u64,
}

/// Returns how long ago a process with this [`Stat::start`] started. The result does not depend on
/// the machine's wall clock.
pub fn age(start: u64) -> Duration {
    let started = start as f64 / clock_ticks_per_second() as f64;
    Duration::try_from_secs_f64(uptime() - started).unwrap_or_default()
}

/// Returns the time since the machine booted, in seconds.
pub(crate) fn uptime() -> f64 {
    let now = clock_gettime(ClockId::Boottime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}

impl Stat {
    /// Reads the process with this pid. Returns `None` if there is none, or if its line in /proc
    /// cannot be read.
    pub fn read(pid: i32) -> Option<Self> {
        // One call reads the whole line, because the buffer is longer than any such line. Speed
        // matters, because every start of a trial waits for this function.
        let mut line = [0; 1024];
        let length = File::open(format!("/proc/{pid}/stat")).ok()?.read(&mut line).ok()?;
        Self::parse(&line[..length])
    }

    /// Parses a line of /proc/PID/stat. The program's name is in parentheses and can contain any
    /// character, so the function counts the fields from the last closing parenthesis.
    fn parse(line: &[u8]) -> Option<Self> {
        let end = line.iter().rposition(|byte| *byte == b')')?;
        let mut fields = str::from_utf8(&line[end + 1..]).ok()?.split_ascii_whitespace();
        let state = *fields.next()?.as_bytes().first()?;
        let parent = fields.next()?.parse().ok()?;
        // From the third field after the name on, the line has only numbers. Some of them are
        // negative.
        let numbers: Vec<i64> =
            fields.skip(9).take(11).map(str::parse).collect::<Result<_, _>>().ok()?;
        let number = |at: usize| Some(u64::try_from(*numbers.get(at)?).unwrap_or(0));
        Some(Self {
            state,
            parent,
            start: number(8)?,
            ticks: number(0)? + number(1)?,
            ended_ticks: number(2)? + number(3)?,
            threads: number(6)?,
            resident_pages: number(10)?,
        })
    }

    /// Returns whether the process has ended: it is a zombie, or the kernel is removing it. If the
    /// first thread of a process has exited and other threads run, the process also has the state
    /// `Z`, but is alive.
    pub fn is_dead(self) -> bool {
        matches!(self.state, b'Z' | b'X') && self.threads <= 1
    }
}

/// Returns the pids of all processes that /proc shows. In a container, these may be only the
/// container's own processes.
pub fn pids() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// Returns all processes that /proc shows, by pid.
pub fn table() -> HashMap<i32, Stat> {
    pids().filter_map(|pid| Some((pid, Stat::read(pid)?))).collect()
}

/// Returns the processes in `roots` and all their descendants.
pub fn descendants(
    table: &HashMap<i32, Stat>,
    roots: impl IntoIterator<Item = i32>,
) -> HashSet<i32> {
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    for (pid, stat) in table {
        children.entry(stat.parent).or_default().push(*pid);
    }
    let mut open: Vec<i32> = roots.into_iter().collect();
    let mut members = HashSet::new();
    while let Some(pid) = open.pop() {
        if members.insert(pid) {
            open.extend(children.get(&pid).into_iter().flatten());
        }
    }
    members
}

/// The place where a tree of processes begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    /// The tree is this process and its descendants.
    At(i32),
    /// The tree is the descendants of this process without the process itself, which only waits for
    /// them.
    Below(i32),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let line =
            b"7 (a) b) S 3 7 7 0 -1 4194304 1 2 3 4 50 6 7 8 20 0 9 0 186985 17207296 3477 1 2 3";
        let stat = Stat::parse(line).unwrap();
        assert_eq!((stat.state, stat.parent, stat.start), (b'S', 3, 186_985));
        assert_eq!(
            (stat.ticks, stat.ended_ticks, stat.threads, stat.resident_pages),
            (56, 15, 9, 3477)
        );
        assert!(Stat::parse(b"7 (a) S 3 7").is_none());
    }

    #[test]
    fn a_process_lives_until_its_last_thread_has_left() {
        let of = |state: &str, threads: u32| {
            let line = format!("7 (a) {state} 3 7 7 0 -1 0 1 2 3 4 5 6 7 8 20 0 {threads} 0 1 1 1");
            Stat::parse(line.as_bytes()).unwrap().is_dead()
        };
        assert!(of("Z", 1) && of("X", 0));
        assert!(!of("S", 1) && !of("Z", 2), "the first thread has left, another one runs");
    }

    #[test]
    fn descendants_leave_out_other_processes() {
        let stat = Stat::parse(b"7 (a) S 3 7 7 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 1 1 1").unwrap();
        let of = |parent| Stat { parent, ..stat };
        let table = HashMap::from([(1, of(0)), (2, of(1)), (3, of(2)), (4, of(1)), (5, of(3))]);
        assert_eq!(descendants(&table, [2]), HashSet::from([2, 3, 5]));
    }
}
