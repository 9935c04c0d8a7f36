//! Proves that a trial has left its slot: none of its processes lives, and none has memory on its
//! GPUs. A process that does not leave keeps the slot, however long that takes, since the next
//! trial would find a full GPU. `trial.rs` runs it after every end.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use telemetry::Meter;
use tokio::time::{Instant, sleep};

use crate::processes::{cgroup::Cgroup, process::Identity, tree::Tree};

/// The first and the longest pause between two looks at a slot that is not free.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// How long a slot may stay occupied until people are told. A driver takes some time to clean up
/// after a killed process.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most process numbers in a message.
const MOST_NAMED: usize = 8;

/// The state of the slot of a trial that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Occupancy {
    /// Something of the trial is still there.
    Taken,
    /// Something of the trial has been there for too long. The text says what it is, for people.
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

/// The GPUs of this node: whether they answer, and which processes have memory on them. All trials
/// of an agent share one value.
#[derive(Clone)]
pub struct Gpus(Arc<Mutex<Box<dyn Meter + Send>>>);

impl Gpus {
    /// Uses this meter.
    pub fn new(meter: impl Meter + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Box::new(meter))))
    }

    /// Asks each of these GPUs whether it can be used.
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
        // This fails only if the runtime ends.
        tokio::task::spawn_blocking(ask).await.unwrap_or_default()
    }

    /// Returns the processes that have memory on one of these GPUs. Without GPUs it asks nothing.
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

/// The clearance of one slot.
#[derive(Clone, Debug)]
pub struct Clearance {
    /// The processes of the trial.
    pub tree: Tree,
    /// The UUIDs of the slot's GPUs.
    pub devices: Vec<String>,
    /// The GPUs of the node.
    pub gpus: Gpus,
    /// Whether the trial's shim has seen the end of all its processes.
    pub proved: bool,
}

impl Clearance {
    /// Looks once, and returns what is still there, for people. If nothing is, it also removes the
    /// trial's cgroup.
    pub async fn look(&self) -> Option<String> {
        let this = self.clone();
        // This fails only if the runtime ends. Then nothing is started any more.
        tokio::task::spawn_blocking(move || this.look_now()).await.unwrap_or_default()
    }

    fn look_now(&self) -> Option<String> {
        let populated = || self.tree.cgroup().is_some_and(Cgroup::is_populated);
        let occupied = if self.proved { populated() } else { !self.tree.is_empty() };
        if occupied {
            return Some(format!("{} cannot be ended", named(&self.kill())));
        }
        // A live process belongs to another owner: it was there before, or shares the GPU. The
        // driver is still cleaning up after a dead process that has memory. It may be the trial's.
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

    /// Looks until the slot is free. Calls `tell` once when its patience is over, and once when the
    /// slot is free. `tell` returns whether anything receives the news.
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

/// Returns "process 17" or "processes 17, 18". Processes that end before every look have no number.
fn named(pids: &[i32]) -> String {
    if pids.is_empty() {
        return "a process that forks without a pause".to_owned();
    }
    let list = pids.iter().take(MOST_NAMED).map(i32::to_string).collect::<Vec<_>>().join(", ");
    let more = if pids.len() > MOST_NAMED { ", ..." } else { "" };
    format!("{} {list}{more}", if pids.len() == 1 { "process" } else { "processes" })
}
