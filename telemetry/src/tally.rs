//! Counts what a tree of processes uses while processes start and end. The kernel keeps counters
//! for each process. When a process ends, its counters are added to those of the process that waits
//! for it, or they are lost. So the growth of a plain sum is wrong: if the counters of one process
//! are lost, the sum falls, which hides the work of all other processes.

use std::{
    collections::{HashMap, VecDeque},
    fs,
};

use rustix::param;

use crate::{
    machine::MIB,
    process::{Root, Stat, descendants, table, uptime},
};

/// The resources that a tree of processes uses.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Usage {
    pub(crate) processes: u64,
    pub(crate) threads: u64,
    pub(crate) resident_mib: f64,
    /// The CPU time that the tree has used since the previous look, in seconds.
    pub(crate) busy_seconds: f64,
    /// The time since the previous look, in seconds.
    pub(crate) seconds: f64,
    /// The data that the tree has read from storage since the first look, in MiB.
    pub(crate) read_mib: f64,
    /// The data that the tree has written to storage since the first look, in MiB.
    pub(crate) written_mib: f64,
}

/// The value of one counter of one process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counter {
    /// The part that the process itself has used.
    own: u64,
    /// The part that was used by the ended descendants that the process has waited for.
    ended: u64,
}

/// The values of one process at one look.
#[derive(Clone, Copy, Debug)]
struct Seen {
    parent: i32,
    /// The start time, which distinguishes the process from a later process with the same pid.
    start: u64,
    cpu: Counter,
    read: Counter,
    written: Counter,
}

type Tree = HashMap<i32, Seen>;

/// A counter of what one tree of processes uses from one look to the next.
#[derive(Debug)]
pub(crate) struct Tally {
    root: Root,
    before: Tree,
    at: f64,
    read: u64,
    written: u64,
}

impl Tally {
    /// Takes the first look at the tree, from which counting starts.
    pub(crate) fn new(root: Root) -> Self {
        Self { root, before: look(root).0, at: uptime(), read: 0, written: 0 }
    }

    /// Looks at the tree again and returns what the tree has used.
    pub(crate) fn look(&mut self) -> Usage {
        let ((after, mut usage), now) = (look(self.root), uptime());
        let busy = growth(&self.before, &after, |seen| seen.cpu);
        self.read += growth(&self.before, &after, |seen| seen.read);
        self.written += growth(&self.before, &after, |seen| seen.written);
        usage.busy_seconds = busy as f64 / param::clock_ticks_per_second() as f64;
        usage.seconds = now - self.at;
        usage.read_mib = self.read as f64 / MIB;
        usage.written_mib = self.written as f64 / MIB;
        (self.before, self.at) = (after, now);
        usage
    }
}

/// Returns by how much a counter of the whole tree has grown between two looks.
///
/// When a process has ended, the process that waited for it has received at least the count that
/// the earlier look saw. That count was included at the earlier look. So this function subtracts it
/// from the growth of the nearest ancestor whose `ended` has grown by at least that count. If there
/// is no such ancestor, no process in the tree has waited for the ended process, and there is
/// nothing to subtract.
fn growth(before: &Tree, after: &Tree, counter: impl Fn(&Seen) -> Counter) -> u64 {
    let same = |pid: &i32| {
        let (old, new) = (before.get(pid)?, after.get(pid)?);
        (old.start == new.start).then(|| counter(old))
    };
    let mut own = 0;
    let mut ended = HashMap::new();
    for (pid, seen) in after {
        let (old, new) = (same(pid).unwrap_or_default(), counter(seen));
        own += new.own.saturating_sub(old.own);
        ended.insert(*pid, new.ended.saturating_sub(old.ended));
    }
    for pid in from_the_top(before) {
        if same(&pid).is_some() {
            continue;
        }
        let gone = before[&pid];
        let had = counter(&gone).own + counter(&gone).ended;
        let mut ancestor = gone.parent;
        while let Some(seen) = before.get(&ancestor) {
            let room = same(&ancestor).and(ended.get_mut(&ancestor)).filter(|room| **room >= had);
            if let Some(room) = room {
                *room -= had;
                break;
            }
            ancestor = seen.parent;
        }
    }
    own + ended.values().sum::<u64>()
}

/// Returns the processes of a tree, parents before children.
fn from_the_top(tree: &Tree) -> Vec<i32> {
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    let mut open = VecDeque::new();
    for (pid, seen) in tree {
        if tree.contains_key(&seen.parent) {
            children.entry(seen.parent).or_default().push(*pid);
        } else {
            open.push_back(*pid);
        }
    }
    let mut order = Vec::with_capacity(tree.len());
    while let Some(pid) = open.pop_front() {
        order.push(pid);
        open.extend(children.get(&pid).into_iter().flatten());
    }
    order
}

/// Returns the tree as it is now, and the part of its usage that does not depend on an earlier
/// look.
fn look(root: Root) -> (Tree, Usage) {
    let table = table();
    let (top, below) = match root {
        Root::At(pid) => (pid, false),
        Root::Below(pid) => (pid, true),
    };
    let (mut tree, mut usage, mut pages) = (Tree::new(), Usage::default(), 0);
    for pid in descendants(&table, [top]) {
        let Some(stat) = table.get(&pid) else { continue };
        let outside = pid == top && below;
        tree.insert(pid, seen(pid, stat, outside));
        if !outside && !stat.is_dead() {
            usage.processes += 1;
            usage.threads += stat.threads;
            pages += stat.resident_pages;
        }
    }
    usage.resident_mib = pages as f64 * param::page_size() as f64 / MIB;
    (tree, usage)
}

fn seen(pid: i32, stat: &Stat, outside: bool) -> Seen {
    let (read, written) = transferred(pid);
    Seen {
        parent: stat.parent,
        start: stat.start,
        cpu: Counter { own: if outside { 0 } else { stat.ticks }, ended: stat.ended_ticks },
        // The kernel adds the bytes of ended children to the process's own number, so all bytes go
        // into `ended`.
        read: Counter { own: 0, ended: read },
        written: Counter { own: 0, ended: written },
    }
}

/// Returns the bytes that a process has read from storage and written to it. Both are 0 if the file
/// in /proc cannot be read.
fn transferred(pid: i32) -> (u64, u64) {
    let text = fs::read_to_string(format!("/proc/{pid}/io")).unwrap_or_default();
    let of = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.and_then(|number| number.parse().ok()).unwrap_or(0)
    };
    (of("read_bytes"), of("write_bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes a tree from tuples: pid, parent, own ticks, and ticks of the processes that it has
    /// waited for.
    fn tree(processes: &[(i32, i32, u64, u64)]) -> Tree {
        let none = Counter::default();
        let seen = |&(pid, parent, own, ended): &(i32, i32, u64, u64)| {
            (pid, Seen { parent, start: 0, cpu: Counter { own, ended }, read: none, written: none })
        };
        processes.iter().map(seen).collect()
    }

    fn busy(before: &[(i32, i32, u64, u64)], after: &[(i32, i32, u64, u64)]) -> u64 {
        growth(&tree(before), &tree(after), |seen| seen.cpu)
    }

    #[test]
    fn a_process_that_ends_between_two_looks_counts_once() {
        // The first look saw the child with 40 ticks; the child ended with 55.
        assert_eq!(busy(&[(1, 0, 5, 0), (2, 1, 40, 0)], &[(1, 0, 6, 55)]), 16);
        // No look saw the child.
        assert_eq!(busy(&[(1, 0, 5, 0)], &[(1, 0, 5, 30)]), 30);
        // The grandchild ended first, and the child waited for it. Then the child ended.
        assert_eq!(busy(&[(1, 0, 0, 0), (2, 1, 3, 0), (3, 2, 90, 0)], &[(1, 0, 0, 100)]), 7);
        // A new process counts with all its ticks, and with those of the processes that it has
        // waited for.
        assert_eq!(busy(&[(1, 0, 5, 0)], &[(1, 0, 5, 0), (2, 1, 8, 4)]), 12);
    }

    #[test]
    fn a_process_that_ends_elsewhere_hides_nobodys_work() {
        // Process 3 had used 900 ticks. Its parent 2 ended first, so a process outside the tree
        // waited for process 3.
        let before = [(1, 0, 0, 0), (2, 1, 1, 0), (3, 2, 900, 0), (4, 1, 10, 0)];
        assert_eq!(busy(&before, &[(1, 0, 0, 31), (4, 1, 60, 0)]), 80);
    }

    #[test]
    fn an_orphan_that_an_ancestor_waits_for_counts_once() {
        // Process 3 lost its parent 4 between the looks and ended as a child of 1, which adopts
        // orphans.
        let before = [(1, 0, 0, 0), (2, 1, 0, 0), (4, 2, 7, 0), (3, 4, 900, 0)];
        assert_eq!(busy(&before, &[(1, 0, 0, 910), (2, 1, 0, 0)]), 3);
    }

    #[test]
    fn a_pid_that_is_used_again_is_another_process() {
        let (before, mut after) =
            (tree(&[(1, 0, 0, 0), (2, 1, 500, 0)]), tree(&[(1, 0, 0, 500), (2, 1, 20, 0)]));
        after.get_mut(&2).unwrap().start = 77;
        assert_eq!(growth(&before, &after, |seen| seen.cpu), 20);
    }
}
