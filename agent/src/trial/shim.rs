//! Runs the small process between an agent and a trial's program, so that neither the agent's death
//! nor its restart touches the program. The shim has its own session and is the parent of every
//! orphan of the tree. The shim directs the program's console to files, and writes the exit status
//! to a file. The agent starts it as `agent shim DIR`. The shim has no async runtime and no
//! connection to another program.

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

/// The longest time between two checks whether the agent is alive.
const AGENT_LOOK_EVERY: Duration = Duration::from_secs(5);
/// The time between SIGTERM and SIGKILL for processes whose agent is gone, or that an ended program
/// has left behind.
const GRACE: Duration = Duration::from_secs(10);

/// Runs the trial whose attempt's folder is `dir`, until its end.
pub fn main(dir: &Path) -> ExitCode {
    match run(dir) {
        Ok(()) => ExitCode::SUCCESS,
        // No process would read an error message. The agent notices that the exit status is
        // missing, or itself looks for processes that are left.
        Err(_) => ExitCode::FAILURE,
    }
}

fn run(dir: &Path) -> io::Result<()> {
    // Leave the terminal's session, so that Ctrl-C reaches only the agent. `setsid` fails only for
    // a process that leads a process group already.
    let _ = setsid();
    // A node that goes away may send SIGTERM to every process. The agent decides when the program
    // ends, and the shim must outlive the program. So the shim catches SIGTERM. The shim does not
    // ignore SIGTERM, because the program would inherit the ignored signal.
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
    // Processes that the program left behind may still hold a GPU. The shim exits with 0 only if
    // none of them lives.
    if is_alone() || end(&tree) { Ok(()) } else { Err(io::ErrorKind::ResourceBusy.into()) }
}

/// Ends the processes that the program has left. Returns whether none of them lives. A look at
/// /proc can miss processes that fork without a pause, but the kernel's list of children cannot.
fn end(tree: &Tree) -> bool {
    tree.end(GRACE);
    let start = Instant::now();
    while !is_alone() && start.elapsed() < GRACE {
        tree.kill();
    }
    is_alone()
}

/// Reaps dead children and returns whether no child is left. All orphans become children of the
/// shim. So without children, no process that the program has started lives.
fn is_alone() -> bool {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some(_)) => {}
            other => return matches!(other, Err(rustix::io::Errno::CHILD)),
        }
    }
}

/// Starts the program in its cgroup. The shim enters the cgroup, so that the program is born in it.
/// After that the shim leaves the cgroup, because the shim must survive when the cgroup is killed.
/// If the shim may not enter, the agent finds the program only by descent and mark, as on nodes
/// without cgroups.
fn start(dir: &Path, spec: &Spec) -> io::Result<i32> {
    let home = spec.cgroup.as_ref().and_then(|_| Cgroup::own());
    if let (Some(cgroup), Some(_)) = (&spec.cgroup, &home) {
        let _ = cgroup.enter();
    }
    let started = spawn_program(dir, spec);
    if let Some(home) = home {
        // A process that could enter the cgroup can leave it: both moves need the same permission,
        // on the common ancestor of the two cgroups.
        let _ = home.enter();
    }
    started
}

/// Starts the program in its own process group. The program's console goes to files that are opened
/// for appending.
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

/// A thread that ends the tree when no agent has been alive for too long. Without this thread, an
/// abandoned trial would occupy its GPU for ever.
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

/// Returns whether the agent lives. The shim reads which process holds the lock and does not try to
/// take the lock. While the shim had the lock, no agent could start.
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

/// Kills a shim that has only just started, and all processes below it. The agent gives the attempt
/// back, so none of its processes may go on.
pub fn abandon(mut shim: std::process::Child, dir: &Path, reaper: &Reaper) {
    // The shim is killed first, so that it starts nothing more. The shim may also have ended by
    // itself.
    let _ = shim.kill();
    let _ = shim.wait();
    reaper.ended(shim.id());
    Tree::new(None, dir, reaper).end(Duration::ZERO);
}

/// Returns a path to the program file that this agent runs. The path leads to the same file even
/// after an upgrade has replaced the program.
pub fn own_program() -> PathBuf {
    PathBuf::from("/proc/self/exe")
}
