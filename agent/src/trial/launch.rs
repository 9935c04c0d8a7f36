//! Starts a trial: its folder, its cgroup and its shim. The module also finds the shim of a trial
//! that an earlier start of the agent has begun, and removes an attempt's files. `trial/mod.rs`
//! calls it.

use std::{fs, io, path::Path, process::Child, time::Duration};

use proto::{folder::NAME as RUN_FILE, v1::Start};
use tokio::time::{Instant, sleep};

use super::{
    command,
    context::TrialContext,
    outcome::Unstartable,
    shim,
    spec::{self, Processes, Spec},
};
use crate::{
    output::shipper,
    processes::{
        cgroup::Cgroup,
        process::{Identity, Watch},
    },
    state::folder,
};

/// How long an adopting agent waits for the file that a shim writes when it has started its
/// program, and the time between two looks.
const SHIM_PATIENCE: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The number of file descriptors that are kept free while a shim starts. The agent needs them
/// afterwards, to watch the new process, or to find and end it.
const SPARE_FILES: usize = 3;

/// Makes the attempt's folder and starts its shim. Fails with [`Unstartable`] if that is not
/// possible. After a failure no process of the attempt runs.
pub(crate) fn launch(
    dir: &Path,
    start: &Start,
    devices: &[String],
    context: &TrialContext,
) -> Result<(Child, Watch), Unstartable> {
    let command = command::build(start, dir, context.gpu_node.then_some(devices), &context.node)?;
    let trouble =
        |what: &str, error: io::Error| Unstartable::new(format!("cannot {what}: {error}"));
    let files = || -> io::Result<()> {
        // An attempt that was given back may come again under the same number.
        forget(dir)?;
        folder::make_private(&dir.join(spec::JOURNAL))?;
        for (path, content) in &command.files {
            fs::write(path, content)?;
        }
        let agent_lock = context.agent_lock.clone();
        let orphan_after_ms = u64::try_from(context.orphan_after.as_millis()).unwrap_or(u64::MAX);
        let (argv, env, cgroup) =
            (command.argv.clone(), command.env.clone(), make_cgroup(start, context));
        let spec = Spec { argv, env, cgroup, agent_lock, orphan_after_ms };
        spec::write(&dir.join(spec::SPEC), &spec)
    };
    files().map_err(|error| trouble(&format!("write to {}", dir.display()), error))?;
    let spare =
        (0..SPARE_FILES).map(|_| fs::File::open("/dev/null")).collect::<io::Result<Vec<_>>>();
    let spare = spare.map_err(|error| trouble("start a process", error))?;
    let child = context.reaper.start(|| shim::spawn(&context.shim_program, dir));
    let child = child.map_err(|error| trouble("start a process", error))?;
    drop(spare);
    match Watch::child(&child) {
        Ok(watch) => Ok((child, watch)),
        Err(error) => {
            shim::abandon(child, dir, &context.reaper);
            Err(trouble("watch a process", error))
        }
    }
}

/// Makes a cgroup for the trial, if the node gives one.
fn make_cgroup(start: &Start, context: &TrialContext) -> Option<Cgroup> {
    context.cgroups.as_ref()?.make(&format!("{}-{}", start.run, start.attempt)).ok()
}

/// Removes the files that the agent, the shim and the SDK keep in an attempt's folder, and the
/// attempt's cgroup. Files of the program itself stay. Removes the folder too if nothing is left in
/// it. Fails if a file stays that a later start in this folder would take for its own.
pub(crate) fn forget(dir: &Path) -> io::Result<()> {
    // These errors are ignored: a later start uses neither the cgroup nor the contents.
    let _ = spec::cgroup(dir).map(|cgroup| cgroup.remove());
    let _ = shipper::forget(dir);
    let mut removed = unless_missing(fs::remove_dir_all(dir.join(spec::JOURNAL)));
    for name in [
        spec::SPEC,
        spec::CLAIMED,
        spec::PROCESSES,
        spec::EXIT,
        spec::PARAMS,
        spec::WANDB_PARAMS,
        spec::STDOUT,
        spec::STDERR,
        RUN_FILE,
    ] {
        removed = removed.and(unless_missing(fs::remove_file(dir.join(name))));
    }
    let _ = fs::remove_dir(dir);
    if let Some(run) = dir.parent() {
        let _ = fs::remove_dir(run);
    }
    removed
}

fn unless_missing(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// The state of an adopted attempt's shim.
pub(crate) enum Shim {
    /// No shim has started the program, and none ever will.
    Unborn,
    /// The shim is gone. The identity is `None` if it is not known.
    Gone(Option<Identity>),
    /// The shim runs.
    Alive(Identity, Watch),
}

/// Returns the state of the shim of an attempt that an earlier start of the agent has begun. Fails
/// if the folder cannot be read, so that the state is unknown.
pub(crate) async fn find_shim(dir: &Path) -> io::Result<Shim> {
    // Only the process that claims the spec may start the program. A shim that comes later finds no
    // spec and starts nothing.
    if spec::claim(dir)?.is_some() {
        return Ok(Shim::Unborn);
    }
    let patience = Instant::now() + SHIM_PATIENCE;
    loop {
        if let Some(processes) = spec::read::<Processes>(&dir.join(spec::PROCESSES))? {
            let watch = Watch::open(&processes.shim)?;
            return Ok(match watch {
                Some(watch) => Shim::Alive(processes.shim, watch),
                None => Shim::Gone(Some(processes.shim)),
            });
        }
        if dir.join(spec::EXIT).exists()
            || !dir.join(spec::CLAIMED).exists()
            || Instant::now() > patience
        {
            return Ok(Shim::Gone(None));
        }
        sleep(LOOK_EVERY).await;
    }
}
