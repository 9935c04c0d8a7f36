//! Identifies processes by pid, start time and boot together, so that a reused pid is never taken
//! for the old process. The shim and the agent use it. The module sends signals, but its callers
//! decide when a process should end.

use std::{fs, future::Future, io, os::fd::OwnedFd, process, sync::OnceLock};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};
use serde::{Deserialize, Serialize};
use telemetry::process::Stat;

/// The identity of one process. No other process has it, even after the pid was reused or the
/// machine was rebooted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// The process id.
    pub pid: i32,
    /// The start time, in clock ticks after the boot.
    pub start: u64,
    /// The kernel's id of the boot.
    pub boot: String,
}

impl Identity {
    /// Returns the identity of the process that has this pid now. `None` if there is no such
    /// process, or only a zombie.
    pub fn of(pid: i32) -> Option<Self> {
        Self::seen(pid, Stat::read(pid)?)
    }

    /// Returns the identity of the process with this pid, from its entry in /proc. `None` for a
    /// zombie.
    pub fn seen(pid: i32, stat: Stat) -> Option<Self> {
        (!stat.is_dead()).then(|| Self { pid, start: stat.start, boot: boot_id().to_owned() })
    }

    /// Returns the identity of this process itself.
    pub fn current() -> Option<Self> {
        Self::of(process::id().cast_signed())
    }

    /// Returns whether the process still runs. A zombie does not.
    pub fn is_alive(&self) -> bool {
        Self::of(self.pid).as_ref() == Some(self)
    }

    /// Returns a pidfd of this process, or `None` if the process is gone.
    fn pidfd(&self) -> io::Result<Option<OwnedFd>> {
        let Some(pid) = Pid::from_raw(self.pid) else { return Ok(None) };
        match pidfd_open(pid, PidfdFlags::empty()) {
            // The pid may have been reused after its start time was noted. This check comes after
            // the descriptor was opened. So if the process lives now, the descriptor refers to it.
            Ok(fd) => Ok(self.is_alive().then_some(fd)),
            Err(Errno::SRCH) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Sends SIGTERM. Also sends SIGCONT, because a stopped process could not react to SIGTERM.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
        self.wake();
    }

    /// Sends SIGCONT, so that a stopped process continues.
    pub fn wake(&self) {
        self.signal(Signal::CONT);
    }

    /// Sends a signal to this process, or to none if it is gone.
    fn signal(&self, signal: Signal) {
        if let Ok(Some(fd)) = self.pidfd() {
            // The process may be gone by now, and a process that is gone needs no signal.
            let _ = pidfd_send_signal(fd, signal);
        }
    }

    /// Kills this process at once.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }
}

/// A watch on the end of one process, which need not be a child of this process.
#[derive(Debug)]
pub struct Watch(OwnedFd);

impl Watch {
    /// Watches the process with this identity. Returns `None` if the process is gone.
    ///
    /// # Errors
    /// Fails if the kernel gives no descriptor.
    pub fn open(identity: &Identity) -> io::Result<Option<Self>> {
        identity.pidfd().map(|fd| fd.map(Self))
    }

    /// Watches a child of this process. The child was not reaped yet, so no other process can have
    /// its pid.
    ///
    /// # Errors
    /// Fails if the kernel gives no descriptor.
    pub fn child(child: &process::Child) -> io::Result<Self> {
        let pid = Pid::from_raw(child.id().cast_signed()).ok_or(io::ErrorKind::NotFound)?;
        Ok(Self(pidfd_open(pid, PidfdFlags::empty())?))
    }

    /// Returns a future that completes as soon as the process has ended. Until then a thread of the
    /// runtime's blocking pool sleeps in the kernel: one thread for each watched process. The
    /// method must be called inside a tokio runtime.
    pub fn ended(self) -> impl Future<Output = ()> + Send {
        let wait = tokio::task::spawn_blocking(move || {
            // Without a time limit, poll returns early only if a signal interrupts it.
            while let Err(Errno::INTR) = poll(&mut [PollFd::new(&self.0, PollFlags::IN)], None) {}
        });
        async move {
            // The wait fails only if the runtime shuts down.
            let _ = wait.await;
        }
    }
}

/// Returns the kernel's id of this boot, or an empty text if the kernel reports none.
fn boot_id() -> &'static str {
    static BOOT: OnceLock<String> = OnceLock::new();
    BOOT.get_or_init(|| {
        fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
    })
}

#[cfg(test)]
mod tests {
    use std::{thread, time::Duration};

    use super::*;

    #[test]
    fn an_identity_matches_no_other_process() {
        let me = Identity::current().unwrap();
        assert!(me.is_alive());
        assert!(
            !Identity { start: me.start + 1, ..me.clone() }.is_alive(),
            "same pid, another start"
        );
        assert!(
            !Identity { boot: "another".to_owned(), ..me }.is_alive(),
            "same pid and start, another boot"
        );
    }

    #[test]
    fn a_zombie_does_not_count_as_running() {
        let mut child = process::Command::new("true").spawn().unwrap();
        let pid = child.id().cast_signed();
        while Identity::of(pid).is_some() {
            thread::sleep(Duration::from_millis(1));
        }
        child.wait().unwrap();
    }
}
