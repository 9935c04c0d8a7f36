//! Processes, without ever taking one for another: a pid counts only together with its start time
//! and the boot that it belongs to. Called by the shim and by the agent; never decides that
//! something should end.

use std::{fs, future::Future, io, os::fd::OwnedFd, process, sync::OnceLock};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};
use serde::{Deserialize, Serialize};
use telemetry::process::Stat;

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
        Self::seen(pid, Stat::read(pid)?)
    }

    /// The process that was seen to have this pid; `None` for a zombie.
    pub fn seen(pid: i32, stat: Stat) -> Option<Self> {
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
            // The pid may have been used again between its start time was noted and now: look
            // again, with the pid held.
            Ok(fd) => Ok(self.is_alive().then_some(fd)),
            Err(Errno::SRCH) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Asks it to end. A stopped one is woken, or it could not obey.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
        self.wake();
    }

    /// Lets it go on, if somebody has stopped it.
    pub fn wake(&self) {
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

    /// Returns when the process has ended. A thread of the runtime's blocking pool sleeps in the
    /// kernel meanwhile: there are no more of them than running trials, and the end is noticed at
    /// once. Must be called inside a tokio runtime.
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

/// The kernel's id of this boot; empty where it tells none.
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
    fn no_other_process_is_taken_for_this_one() {
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
    fn a_zombie_is_over() {
        let mut child = process::Command::new("true").spawn().unwrap();
        let pid = child.id().cast_signed();
        while Identity::of(pid).is_some() {
            thread::sleep(Duration::from_millis(1));
        }
        child.wait().unwrap();
    }
}
