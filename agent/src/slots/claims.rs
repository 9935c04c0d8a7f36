//! Claims GPUs, so that each GPU belongs to one agent of this user at a time, unless agents share
//! it. Each GPU has a lock file. The lock file also names the folder of the last agent that had the
//! GPU alone, because trials may outlive their agent. The agent claims its GPUs once, when it
//! starts, before it calls the controller.

use std::{
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use record::ids::RunId;
use rustix::fs::{FlockOperation, flock};
use telemetry::gpus::Gpu;

use crate::{
    processes::{reaper::Reaper, tree::Tree},
    state::{
        folder::{make_private, open_lock, try_lock},
        holdings::{self, Holdings},
    },
    trial::spec::{self, Processes},
};

/// The locks of the claimed GPUs. Dropping this value releases the locks.
#[derive(Debug)]
pub struct Claims {
    _locks: Vec<File>,
}

/// Claims these GPUs for the agent whose folder is `data`. `locks` is the folder of the lock files,
/// which all agents of this user have in common. With `share`, other agents that share may claim
/// the same GPUs.
///
/// # Errors
/// Fails with a sentence for each GPU that cannot be claimed.
pub fn claim(gpus: &[Gpu], locks: &Path, data: &Path, share: bool) -> Result<Claims, Vec<String>> {
    let mut taken = Vec::new();
    let mut problems = Vec::new();
    for gpu in gpus {
        match claim_one(gpu, locks, data, share) {
            Ok(Ok(lock)) => taken.push(lock),
            Ok(Err(problem)) => problems.push(problem),
            Err(error) => problems.push(format!(
                "GPU {}: its lock in {} cannot be taken: {error}",
                gpu.index,
                locks.display()
            )),
        }
    }
    if problems.is_empty() { Ok(Claims { _locks: taken }) } else { Err(problems) }
}

fn claim_one(
    gpu: &Gpu,
    locks: &Path,
    data: &Path,
    share: bool,
) -> io::Result<Result<File, String>> {
    make_private(locks)?;
    let path = locks.join(format!("{}.lock", gpu.uuid));
    let mut lock = open_lock(&path)?;
    let had = if share {
        flock(&lock, FlockOperation::NonBlockingLockShared).is_ok()
    } else {
        try_lock(&lock)?
    };
    if !had {
        return Ok(Err(format!("GPU {} belongs to another agent on this node", gpu.index)));
    }
    let before: Option<PathBuf> = spec::read(&path).ok().flatten();
    if let Some(other) = before.filter(|other| other != data && !share)
        && let Some(run) = outliving(&other, &gpu.uuid)
    {
        return Ok(Err(format!(
            "GPU {} is still used by `{run}`, whose agent is gone: start that agent again (its \
            folder is {}), or wait until the trial is ended",
            gpu.index,
            other.display(),
        )));
    }
    if !share {
        lock.set_len(0)?;
        serde_json::to_writer(&mut lock, data)?;
        lock.flush()?;
    }
    Ok(Ok(lock))
}

/// Returns a run to which the dead agent whose folder is `data` gave this GPU, and which still has
/// processes.
fn outliving(data: &Path, uuid: &str) -> Option<RunId> {
    let holdings = Holdings::open(data).ok()?;
    let lives = |dir: PathBuf| {
        let processes: Option<Processes> = spec::read(&dir.join(spec::PROCESSES)).ok().flatten();
        processes.is_some_and(|processes| processes.shim.is_alive())
            || !Tree::new(None, &dir, &Reaper::default()).members().is_empty()
    };
    holdings
        .iter()
        .find(|holding| {
            holding.devices.iter().any(|device| device == uuid)
                && lives(holdings::folder(data, &holding.attempt))
        })
        .map(|holding| holding.attempt.run.clone())
}

#[cfg(test)]
mod tests {
    use record::ids::Attempt;

    use super::*;
    use crate::{processes::process::Identity, state::holdings::Holding};

    fn gpus() -> Vec<Gpu> {
        vec![Gpu { index: 3, uuid: "GPU-3".to_owned(), name: "H".to_owned() }]
    }

    #[test]
    fn one_agent_has_a_gpu_unless_both_share() {
        let home = tempfile::tempdir().unwrap();
        let (locks, a, b) =
            (home.path().join("gpus"), home.path().join("a"), home.path().join("b"));
        let first = claim(&gpus(), &locks, &a, false).unwrap();
        let problems = ["GPU 3 belongs to another agent on this node"];
        assert_eq!(claim(&gpus(), &locks, &b, false).unwrap_err(), problems);
        assert_eq!(claim(&gpus(), &locks, &b, true).unwrap_err(), problems);
        drop(first);
        let _shared = claim(&gpus(), &locks, &b, true).unwrap();
        let _too = claim(&gpus(), &locks, &a, true).unwrap();
        assert_eq!(claim(&gpus(), &locks, &a, false).unwrap_err(), problems);
    }

    #[test]
    fn a_trial_that_outlived_its_agent_keeps_its_gpu() {
        let home = tempfile::tempdir().unwrap();
        let (locks, a, b) =
            (home.path().join("gpus"), home.path().join("a"), home.path().join("b"));
        drop(claim(&gpus(), &locks, &a, false).unwrap());
        let attempt = Attempt::new("s-1", 1);
        let dir = holdings::folder(&a, &attempt);
        std::fs::create_dir_all(&dir).unwrap();
        let processes = Processes { shim: Identity::current().unwrap(), program: None };
        spec::write(&dir.join(spec::PROCESSES), &processes).unwrap();
        let devices = vec!["GPU-3".to_owned()];
        let holding = Holding {
            attempt,
            has_left: false,
            devices,
            metric: String::new(),
            timeout_ms: None,
            started_ms: 0,
            memory_kills: None,
        };
        Holdings::open(&a).unwrap().add(holding).unwrap();
        let problems = claim(&gpus(), &locks, &b, false).unwrap_err();
        assert!(problems[0].starts_with("GPU 3 is still used by `s-1`"), "{problems:?}");
        assert!(claim(&gpus(), &locks, &a, false).is_ok(), "the agent itself comes back");
    }
}
