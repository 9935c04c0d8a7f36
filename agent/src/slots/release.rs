//! Proves that a trial has left its slot: none of its processes lives, and none has memory on its
//! GPUs. A process that does not leave keeps the slot for any length of time, because the next
//! trial would find a full GPU. `trial/mod.rs` checks this after every end of a trial.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use telemetry::Meter;
use tokio::time::{Instant, sleep};

use crate::processes::{cgroup::Cgroup, process::Identity, tree::Tree};

/// The first and the longest pause between two checks of a slot that is not free. The pause
/// doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// How long a slot may stay occupied after its trial's end before it is set aside. A GPU's driver
/// takes some time to clean up after a killed process.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most process numbers in a message.
const MOST_NAMED: usize = 8;

/// The state of the slot of a trial that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Occupancy {
    /// A process, GPU memory or the cgroup of the trial remains.
    Taken,
    /// A process, GPU memory or the cgroup of the trial has remained for too long. The text says
    /// what remains, for people.
    SetAside(String),
    /// The slot is free.
    Free,
}

/// Whether a GPU can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The GPU's UUID.
    pub uuid: String,
    /// The reason why it cannot be used, for people. `None` if it can.
    pub trouble: Option<String>,
}

/// A view of this node's GPUs: whether they answer, and which processes have memory on them. All
/// trials of an agent share one value.
#[derive(Clone)]
pub struct Gpus(Arc<Mutex<Box<dyn Meter + Send>>>);

impl Gpus {
    /// Makes a view that reads the GPUs with this meter.
    pub fn new(meter: impl Meter + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Box::new(meter))))
    }

    /// Checks for each of these GPUs whether it can be used.
    pub async fn ask(&self, devices: &[String]) -> Vec<Answer> {
        if devices.is_empty() {
            return Vec::new();
        }
        let (meter, devices) = (Arc::clone(&self.0), devices.to_vec());
        let ask = move || {
            let mut meter = meter.lock().unwrap_or_else(PoisonError::into_inner);
            let answer = |uuid: String| Answer { trouble: meter.trouble(&uuid), uuid };
            devices.into_iter().map(answer).collect()
        };
        // The call fails only if the runtime ends or the meter panics.
        tokio::task::spawn_blocking(ask).await.unwrap_or_default()
    }

    /// Returns the processes that have memory on one of these GPUs. Without GPUs it does not call
    /// the driver.
    fn residents(&self, devices: &[String]) -> Vec<i32> {
        if devices.is_empty() {
            return Vec::new();
        }
        let mut residents = self.0.lock().unwrap_or_else(PoisonError::into_inner).residents();
        residents.retain(|resident| devices.contains(&resident.uuid));
        residents.into_iter().map(|resident| resident.pid).collect()
    }
}

impl fmt::Debug for Gpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gpus")
    }
}

/// The check whether an ended trial has left its slot.
#[derive(Clone, Debug)]
pub struct Clearance {
    /// The processes of the trial.
    pub tree: Tree,
    /// The UUIDs of the slot's GPUs.
    pub devices: Vec<String>,
    /// The GPUs of the node.
    pub gpus: Gpus,
    /// Whether the trial's shim has seen all processes of the trial end.
    pub proved: bool,
}

impl Clearance {
    /// Checks once, and kills processes that remain. Returns a description of what remains, for
    /// people. `None`: the slot is free, and the trial's cgroup has been removed.
    pub async fn look(&self) -> Option<String> {
        let this = self.clone();
        // The call fails only if the runtime ends, and then the agent starts no more trials.
        tokio::task::spawn_blocking(move || this.look_now()).await.unwrap_or_default()
    }

    fn look_now(&self) -> Option<String> {
        let populated = || self.tree.cgroup().is_some_and(Cgroup::is_populated);
        let occupied = if self.proved { populated() } else { !self.tree.is_empty() };
        if occupied {
            return Some(format!("{} cannot be ended", named(&self.kill())));
        }
        // No process of the trial lives here. So a live process with GPU memory belongs to another
        // program. A dead process with GPU memory may be the trial's: the driver is still cleaning
        // up after it.
        let mut residents = self.gpus.residents(&self.devices);
        residents.retain(|pid| Identity::of(*pid).is_none());
        if !residents.is_empty() {
            return Some(format!("{} still has GPU memory", named(&residents)));
        }
        match self.tree.cgroup().map_or(Ok(()), Cgroup::remove) {
            Ok(()) => None,
            Err(error) => Some(format!("its cgroup cannot be removed: {error}")),
        }
    }

    fn kill(&self) -> Vec<i32> {
        let members = self.tree.members();
        self.tree.kill();
        members.into_iter().map(|member| member.pid).collect()
    }

    /// Checks until the slot is free. Calls `tell` once if the slot is still occupied after
    /// `PATIENCE`, and once when the slot is free. If the first call of `tell` returns `false`,
    /// the agent is gone, and the check ends.
    pub async fn wait(self, tell: impl AsyncFn(Occupancy) -> bool) {
        let (begun, mut told, mut pause) = (Instant::now(), false, FIRST_PAUSE);
        loop {
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            match self.look().await {
                None => {
                    tell(Occupancy::Free).await;
                    return;
                }
                Some(what) if !told && begun.elapsed() > PATIENCE => {
                    told = true;
                    if !tell(Occupancy::SetAside(what)).await {
                        return;
                    }
                }
                Some(_) => {}
            }
        }
    }
}

/// Returns "process 17" or "processes 17, 18". The list is empty if processes remain but each one
/// ends before it can be listed.
fn named(pids: &[i32]) -> String {
    if pids.is_empty() {
        return "a process that forks without a pause".to_owned();
    }
    let list = pids.iter().take(MOST_NAMED).map(i32::to_string).collect::<Vec<_>>().join(", ");
    let more = if pids.len() > MOST_NAMED { ", ..." } else { "" };
    format!("{} {list}{more}", if pids.len() == 1 { "process" } else { "processes" })
}
