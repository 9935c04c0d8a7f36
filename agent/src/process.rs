//! Processes, without ever taking one for another: a pid counts only together with its start time and the boot that it
//! belongs to. Finds and ends a trial's whole tree. Called by the shim and by the agent; never decides that something
//! should end.

use std::{
    collections::HashSet,
    fs,
    future::Future,
    io,
    os::fd::OwnedFd,
    path::Path,
    process,
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};
use serde::{Deserialize, Serialize};
use telemetry::process::{Stat, descendants, table};

/// How often an ending tree is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long SIGKILL may take before a process counts as stuck in the kernel.
const KILL_PATIENCE: Duration = Duration::from_secs(10);

/// One process and no other, even after its pid was used again or the machine was started anew.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// Process id.
    pub pid: i32,
    /// Start time in clock ticks since boot.
    pub start: u64,
    /// The kernel's id of the boot.
    pub boot: String,
}

impl Identity {
    /// The process that has this pid now; `None` when there is none, or only a zombie.
    pub fn of(pid: i32) -> Option<Self> {
        let stat = Stat::read(pid)?;
        (!stat.is_dead()).then(|| Self { pid, start: stat.start, boot: boot_id().to_owned() })
    }

    /// This very process.
    pub fn current() -> Option<Self> {
        Self::of(process::id().cast_signed())
    }

    /// Whether it still runs; a zombie does not.
    pub fn is_alive(&self) -> bool {
        Self::of(self.pid).as_ref() == Some(self)
    }

    /// A descriptor that stands for this process alone; `None` when it is gone.
    fn pidfd(&self) -> io::Result<Option<OwnedFd>> {
        let Some(pid) = Pid::from_raw(self.pid) else { return Ok(None) };
        match pidfd_open(pid, PidfdFlags::empty()) {
            // The pid may have been used again between its start time was noted and now: look again, with the pid held.
            Ok(fd) => Ok(self.is_alive().then_some(fd)),
            Err(Errno::SRCH) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Asks it to end. A stopped one is woken, or it could not obey.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
        self.signal(Signal::CONT);
    }

    /// Sends a signal to this process or to nobody.
    fn signal(&self, signal: Signal) {
        if let Ok(Some(fd)) = self.pidfd() {
            // It may be gone by now, which is what was wanted.
            let _ = pidfd_send_signal(fd, signal);
        }
    }

    /// Kills this process at once.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }
}

/// Waits for a process that need not be a child.
#[derive(Debug)]
pub struct Watch(OwnedFd);

impl Watch {
    /// Watches that process; `None` when it is gone.
    ///
    /// # Errors
    /// When the kernel hands out no descriptor.
    pub fn open(identity: &Identity) -> io::Result<Option<Self>> {
        identity.pidfd().map(|fd| fd.map(Self))
    }

    /// Watches a child that nobody has waited for yet, so that its pid is surely its own.
    ///
    /// # Errors
    /// When the kernel hands out no descriptor.
    pub fn child(child: &process::Child) -> io::Result<Self> {
        let pid = Pid::from_raw(child.id().cast_signed()).ok_or(io::ErrorKind::NotFound)?;
        Ok(Self(pidfd_open(pid, PidfdFlags::empty())?))
    }

    /// Returns when the process has ended. A thread of the runtime's blocking pool sleeps in the kernel meanwhile: there
    /// are no more of them than running trials, and the end is noticed at once. Must be called inside a tokio runtime.
    pub fn ended(self) -> impl Future<Output = ()> + Send {
        let wait = tokio::task::spawn_blocking(move || {
            // Without a time limit, poll returns early only when a signal interrupts it.
            while let Err(Errno::INTR) = poll(&mut [PollFd::new(&self.0, PollFlags::IN)], None) {}
        });
        async move {
            // Fails only when the runtime shuts down.
            let _ = wait.await;
        }
    }
}

/// All processes of one trial: whatever descends from its shim, and whatever carries the trial's mark in its
/// environment, which also finds daemons and the orphans of a shim that was killed.
#[derive(Clone, Debug)]
pub struct Tree {
    shim: Option<Identity>,
    mark: Vec<u8>,
}

impl Tree {
    /// The tree below `shim`, of the trial whose attempt lives in `dir`. The shim itself is not part of it.
    pub fn new(shim: Option<Identity>, dir: &Path) -> Self {
        Self { shim, mark: format!("{}={}", crate::spec::DIR_VAR, dir.display()).into_bytes() }
    }

    /// The processes that live now. Reads all of /proc: a matter of milliseconds, and only for a trial that ends.
    pub fn members(&self) -> Vec<Identity> {
        let table = table();
        let shim = self.shim.as_ref().filter(|shim| shim.is_alive()).map(|shim| shim.pid);
        let marked = table.keys().copied().filter(|pid| self.is_marked(*pid));
        let members = descendants(&table, shim.into_iter().chain(marked));
        let spared = [shim.unwrap_or(0), process::id().cast_signed()];
        let alive = |pid: i32| table.get(&pid).filter(|stat| !stat.is_dead() && !spared.contains(&pid));
        let identity =
            |pid| alive(pid).map(|stat| Identity { pid, start: stat.start, boot: boot_id().to_owned() });
        members.into_iter().filter_map(identity).collect()
    }

    fn is_marked(&self, pid: i32) -> bool {
        // Other people's environments cannot be read, and are not ours to end.
        let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else { return false };
        environment.split(|byte| *byte == 0).any(|entry| entry == self.mark)
    }

    /// Asks every process of the tree to end; returns how many there were.
    pub fn terminate(&self) -> usize {
        let members = self.members();
        members.iter().for_each(Identity::terminate);
        members.len()
    }

    /// Kills every process of the tree that lives now; returns how many there were. One that was being born meanwhile
    /// is caught by the next call.
    pub fn kill(&self) -> usize {
        let members = self.members();
        members.iter().for_each(Identity::kill);
        members.len()
    }

    /// TERM, then KILL after `grace`, until nothing is left; returns how many had to be killed. Blocks the thread.
    pub fn end(&self, grace: Duration) -> usize {
        let (start, mut told) = (Instant::now(), HashSet::new());
        loop {
            let members = self.members();
            if members.is_empty() || start.elapsed() >= grace {
                break;
            }
            // Each is told once, when it is first seen: what was just being born has not heard what others heard.
            members.into_iter().filter(|member| told.insert(member.clone())).for_each(|new| new.terminate());
            thread::sleep(LOOK_EVERY);
        }
        let killed = self.kill();
        let start = Instant::now();
        while self.kill() > 0 && start.elapsed() < KILL_PATIENCE {
            thread::sleep(LOOK_EVERY);
        }
        killed
    }
}

/// The kernel's id of this boot; empty where it tells none.
fn boot_id() -> &'static str {
    static BOOT: OnceLock<String> = OnceLock::new();
    BOOT.get_or_init(|| {
        fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_other_process_is_taken_for_this_one() {
        let me = Identity::current().unwrap();
        assert!(me.is_alive());
        assert!(!Identity { start: me.start + 1, ..me.clone() }.is_alive(), "same pid, another start");
        assert!(
            !Identity { boot: "another".to_owned(), ..me }.is_alive(),
            "same pid and start, another boot"
        );
    }

    #[test]
    fn a_zombie_is_over() {
        let mut child = process::Command::new("true").spawn().unwrap();
        let pid = child.id().cast_signed();
        while Identity::of(pid).is_some() {
            thread::sleep(Duration::from_millis(1));
        }
        child.wait().unwrap();
    }
}
