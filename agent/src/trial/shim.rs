//! The small process that stands between an agent and a trial's program, so that neither an agent's
//! death nor its restart touches the program: its own session, parent of every orphan of the tree,
//! console to files, exit status to a file. Started by the agent as `agent shim DIR`. Starts no
//! runtime, forwards nothing, talks to nobody.

use std::{
    env, fs, io,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, WaitOptions, WaitStatus, getpid, set_child_subreaper, setsid, wait};
use signal_hook::{consts::SIGTERM, flag};

use super::spec::{self, Exit, Processes, Spec};
use crate::processes::{cgroup::Cgroup, process::Identity, reaper::Reaper, tree::Tree};

/// How often a shim looks whether its agent is there.
const AGENT_LOOK_EVERY: Duration = Duration::from_secs(5);
/// What processes get to end by themselves, when the agent is gone or the program has left them
/// behind.
const GRACE: Duration = Duration::from_secs(10);

/// Runs the trial whose attempt lives in `dir`, to its end.
pub fn main(dir: &Path) -> ExitCode {
    match run(dir) {
        Ok(()) => ExitCode::SUCCESS,
        // Nobody listens: the agent finds the folder without an exit status, or looks itself for
        // what is left.
        Err(_) => ExitCode::FAILURE,
    }
}

fn run(dir: &Path) -> io::Result<()> {
    // Away from the terminal, so that Ctrl-C reaches the agent alone. Fails only for one who leads
    // a group already.
    let _ = setsid();
    // A node that is taken away may tell every process on it. The agent speaks to the program; the
    // shim stays until that has ended. Not ignored but heard, since the program would inherit
    // deafness.
    let _ = flag::register(SIGTERM, Arc::default());
    set_child_subreaper(Some(getpid()))?;
    let Some(spec) = spec::claim(dir)? else { return Ok(()) };
    let program = match start(dir, &spec) {
        Ok(pid) => pid,
        Err(error) => {
            let exit = Exit { start_error: Some(error.to_string()), ..Exit::default() };
            return spec::write(&dir.join(spec::EXIT), &exit);
        }
    };
    let shim = Identity::current().ok_or(io::ErrorKind::NotFound)?;
    let processes = Processes { shim: shim.clone(), program: Identity::of(program) };
    spec::write(&dir.join(spec::PROCESSES), &processes)?;
    let tree = Tree::new(Some(shim), dir, &Reaper::default());
    let orphaned = Arc::new(AtomicBool::new(false));
    let watch = Orphanage { tree: tree.clone(), spec, orphaned: Arc::clone(&orphaned) };
    thread::Builder::new().name("orphanage".to_owned()).spawn(move || watch.stand())?;

    let status = wait_for(program)?;
    let exit = Exit {
        code: status.exit_status(),
        signal: status.terminating_signal(),
        start_error: None,
        orphaned: orphaned.load(Ordering::Acquire),
    };
    spec::write(&dir.join(spec::EXIT), &exit)?;
    // Whatever the program left behind may still hold a GPU. Ending well says that nothing of it
    // lives.
    if is_alone() || end(&tree) { Ok(()) } else { Err(io::ErrorKind::ResourceBusy.into()) }
}

/// Ends what the program has left; says whether nothing of it lives. Looks miss what forks without
/// a pause: the kernel does not.
fn end(tree: &Tree) -> bool {
    tree.end(GRACE);
    let start = Instant::now();
    while !is_alone() && start.elapsed() < GRACE {
        tree.kill();
    }
    is_alone()
}

/// Whether no child is left, after the dead have been taken off the kernel's table. All orphans
/// fall to a shim, so nothing that the program has started lives then, whatever it did to hide.
fn is_alone() -> bool {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some(_)) => {}
            other => return matches!(other, Err(rustix::io::Errno::CHILD)),
        }
    }
}

/// Starts the program in its cgroup. The shim goes in, so that the program is born there, and out
/// again: it must outlive what is killed there. Where it may not, the program is held by descent
/// and mark alone, as on nodes without cgroups.
fn start(dir: &Path, spec: &Spec) -> io::Result<i32> {
    let home = spec.cgroup.as_ref().and_then(|_| Cgroup::own());
    if let (Some(cgroup), Some(_)) = (&spec.cgroup, &home) {
        let _ = cgroup.enter();
    }
    let started = spawn_program(dir, spec);
    if let Some(home) = home {
        // Whoever could go in can go out: both need the same permission, for what is above the two.
        let _ = home.enter();
    }
    started
}

/// Starts the program in a process group of its own, its console in files that only grow.
fn spawn_program(dir: &Path, spec: &Spec) -> io::Result<i32> {
    let console = |name| fs::OpenOptions::new().append(true).create(true).open(dir.join(name));
    let (name, arguments) = spec.argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(name);
    for (key, _) in env::vars_os() {
        if key.as_encoded_bytes().starts_with(spec::VAR_PREFIX.as_bytes()) {
            command.env_remove(key);
        }
    }
    let child = command
        .args(arguments)
        .envs(spec.env.iter().map(|(key, value)| (key, value)))
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(console(spec::STDOUT)?)
        .stderr(console(spec::STDERR)?)
        .spawn()?;
    // The handle is dropped without a wait: `wait_for` reaps this child and every orphan alike.
    Ok(child.id().cast_signed())
}

/// Reaps every child until the program itself has ended.
fn wait_for(program: i32) -> io::Result<WaitStatus> {
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if Pid::as_raw(Some(pid)) == program => return Ok(status),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Ends the tree when no agent has been there for too long: its node's slot and GPU would be held
/// for ever.
struct Orphanage {
    tree: Tree,
    spec: Spec,
    orphaned: Arc<AtomicBool>,
}

impl Orphanage {
    fn stand(&self) {
        let limit = Duration::from_millis(self.spec.orphan_after_ms);
        let mut seen = Instant::now();
        while seen.elapsed() < limit {
            thread::sleep(AGENT_LOOK_EVERY.min(limit / 4));
            if agent_lives(&self.spec.agent_lock) {
                seen = Instant::now();
            }
        }
        self.orphaned.store(true, Ordering::Release);
        self.tree.end(GRACE);
    }
}

/// Reads who holds the lock instead of trying it: a try that succeeds for a moment would turn a
/// starting agent away.
fn agent_lives(lock: &Path) -> bool {
    spec::read::<Identity>(lock).ok().flatten().is_some_and(|agent| agent.is_alive())
}

/// Starts a shim for the attempt in `dir`. `program` is the agent's own file.
///
/// # Errors
/// When no process can be started.
pub fn spawn(program: &Path, dir: &Path) -> io::Result<std::process::Child> {
    Command::new(program)
        .arg0("agent")
        .arg("shim")
        .arg(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

/// Kills a shim that has only just been started, and whatever it has started: the attempt is given
/// back, so nothing of it may go on.
pub fn abandon(mut shim: std::process::Child, dir: &Path, reaper: &Reaper) {
    // First the shim, so that it starts nothing more. It may have ended by itself, which is as
    // good.
    let _ = shim.kill();
    let _ = shim.wait();
    reaper.ended(shim.id());
    Tree::new(None, dir, reaper).end(Duration::ZERO);
}

/// The agent's own file, as it was when it was started: an upgrade meanwhile changes nothing.
pub fn own_program() -> PathBuf {
    PathBuf::from("/proc/self/exe")
}
