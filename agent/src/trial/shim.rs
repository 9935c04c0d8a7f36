//! Runs the small process between an agent and a trial's program, so that neither the agent's death
//! nor its restart touches the program. The shim has its own session, is the parent of every orphan
//! of the tree, and writes the console and the exit status to files. The agent starts it as `agent
//! shim DIR`. It starts no runtime, forwards nothing, and talks to no other program.

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

/// The time between two checks whether the agent is there.
const AGENT_LOOK_EVERY: Duration = Duration::from_secs(5);
/// The grace for processes to end by themselves when the agent is gone or the program has left them
/// behind.
const GRACE: Duration = Duration::from_secs(10);

/// Runs the trial whose attempt lives in `dir`, to its end.
pub fn main(dir: &Path) -> ExitCode {
    match run(dir) {
        Ok(()) => ExitCode::SUCCESS,
        // No process reads an error message. The agent finds the folder without an exit status, or
        // looks itself for processes that are left.
        Err(_) => ExitCode::FAILURE,
    }
}

fn run(dir: &Path) -> io::Result<()> {
    // Leave the terminal's session, so that Ctrl-C reaches only the agent. This fails only for a
    // process that leads a group already.
    let _ = setsid();
    // A node that goes away may send SIGTERM to every process. The agent speaks to the program, and
    // the shim stays until the program has ended. It handles the signal instead of ignoring it,
    // since the program would inherit that it is ignored.
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
    // Processes that the program left behind may still hold a GPU. Success says that none of them
    // lives.
    if is_alone() || end(&tree) { Ok(()) } else { Err(io::ErrorKind::ResourceBusy.into()) }
}

/// Ends the processes that the program has left. Returns whether none of them lives. A look can
/// miss processes that fork without a pause, but the kernel cannot.
fn end(tree: &Tree) -> bool {
    tree.end(GRACE);
    let start = Instant::now();
    while !is_alone() && start.elapsed() < GRACE {
        tree.kill();
    }
    is_alone()
}

/// Reaps dead children and returns whether no child is left. All orphans become children of the
/// shim. So no process that the program has started lives then, whatever it did to hide.
fn is_alone() -> bool {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some(_)) => {}
            other => return matches!(other, Err(rustix::io::Errno::CHILD)),
        }
    }
}

/// Starts the program in its cgroup. The shim goes in, so that the program is born there, and out
/// again, since it must outlive the processes that are killed there. If it may not go in, the
/// program is found only by descent and mark, as on nodes without cgroups.
fn start(dir: &Path, spec: &Spec) -> io::Result<i32> {
    let home = spec.cgroup.as_ref().and_then(|_| Cgroup::own());
    if let (Some(cgroup), Some(_)) = (&spec.cgroup, &home) {
        let _ = cgroup.enter();
    }
    let started = spawn_program(dir, spec);
    if let Some(home) = home {
        // A process that could go in can go out: both need the same permission, on the common
        // ancestor of the two.
        let _ = home.enter();
    }
    started
}

/// Starts the program in its own process group, with its console in files that only grow.
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

/// Ends the tree when no agent has been there for too long. Otherwise it would hold its slot and
/// GPU for ever.
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

/// Returns whether the agent lives. It reads which process holds the lock and does not try to take
/// it: a success would turn a starting agent away.
fn agent_lives(lock: &Path) -> bool {
    spec::read::<Identity>(lock).ok().flatten().is_some_and(|agent| agent.is_alive())
}

/// Starts a shim for the attempt in `dir`. `program` is the agent's own file.
///
/// # Errors
/// Fails if no process can be started.
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

/// Kills a shim that has only just started, and everything that it has started. The attempt is
/// given back, so nothing of it may go on.
pub fn abandon(mut shim: std::process::Child, dir: &Path, reaper: &Reaper) {
    // The shim is killed first, so that it starts nothing more. It may have ended by itself
    // already.
    let _ = shim.kill();
    let _ = shim.wait();
    reaper.ended(shim.id());
    Tree::new(None, dir, reaper).end(Duration::ZERO);
}

/// Returns the agent's own file as it was at the start, so an upgrade meanwhile changes nothing.
pub fn own_program() -> PathBuf {
    PathBuf::from("/proc/self/exe")
}
