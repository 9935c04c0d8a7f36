//! Lists the badly behaved trainers of tests/programs/zoo.rs, and finds their living processes.
//! This module ends no process.

use std::collections::BTreeMap;

use tests::processes::command_lines;

/// A badly behaved trainer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beast {
    pub(super) name: &'static str,
    /// The number of processes that carry its tag once it has started.
    pub(super) processes: usize,
}

/// All badly behaved trainers.
pub(super) const BEASTS: [Beast; 12] = [
    Beast { name: "obedient", processes: 1 },
    Beast { name: "setsid", processes: 2 },
    Beast { name: "daemon", processes: 2 },
    Beast { name: CLEARED, processes: 2 },
    Beast { name: "deaf", processes: 2 },
    Beast { name: "stopped", processes: 2 },
    Beast { name: "wrapper", processes: 2 },
    Beast { name: "pipeline", processes: 3 },
    Beast { name: "ranks", processes: 5 },
    Beast { name: "respawner", processes: 2 },
    Beast { name: "bomb", processes: 5 },
    Beast { name: "leaderless", processes: 1 },
];

/// The trainer with a process that carries no mark. Without a cgroup, the agent recognises this
/// process only by its parents.
pub(super) const CLEARED: &str = "cleared";

/// Returns the processes whose command line carries this tag, by "run:attempt:beast". Dead
/// processes have no command line.
pub(super) fn living(tag: &str) -> BTreeMap<String, Vec<i32>> {
    let mut living: BTreeMap<String, Vec<i32>> = BTreeMap::new();
    for (pid, line) in command_lines() {
        let Some((_, rest)) = line.split_once(tag) else { continue };
        let end = rest.find(['\0', '\'', '"']).unwrap_or(rest.len());
        // A tag with fewer parts belongs to the program before it has become a beast.
        if rest[..end].matches(':').count() == 2 {
            living.entry(rest[..end].to_owned()).or_default().push(pid);
        }
    }
    living
}
