//! The proof that a trial has left its slot: none of its processes lives, and none has memory on
//! its GPUs. What does not leave keeps the slot, however long that takes: the next trial would find
//! a GPU that is full. Run by `trial.rs` after every end.

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
/// How long it may take until people are told: a driver takes some time to clean up after a killed
/// process.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many process numbers people are told.
const MOST_NAMED: usize = 8;

/// What becomes of the slot of a trial that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Occupancy {
    /// Something of the trial is still there.
    Taken,
    /// It has been for too long: what it is, for people.
    SetAside(String),
    /// It is free.
    Free,
}

/// Whether a GPU can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What the GPU is known by.
    pub uuid: String,
    /// Why it cannot, for people.
    pub trouble: Option<String>,
}

/// The GPUs of this node: whether they answer, and who has memory on them. One for all trials of an
/// agent.
#[derive(Clone)]
pub struct Gpus(Arc<Mutex<Box<dyn Meter + Send>>>);

impl Gpus {
    /// Asks this meter.
    pub fn new(meter: impl Meter + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Box::new(meter))))
    }

    /// What each of these GPUs says for itself.
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
        // Only the runtime's end could keep the answer back.
        tokio::task::spawn_blocking(ask).await.unwrap_or_default()
    }

    /// The processes that have memory on one of these GPUs. None without a question when there are
    /// no GPUs.
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
    /// UUIDs of its GPUs.
    pub devices: Vec<String>,
    /// Who has memory on them.
    pub gpus: Gpus,
    /// Its shim has seen the end of all its processes.
    pub proved: bool,
}

impl Clearance {
    /// Looks once; what is still there, for people. When nothing is, the trial's cgroup goes too.
    pub async fn look(&self) -> Option<String> {
        let this = self.clone();
        // Only the runtime's end could keep the answer back; nothing is started any more then.
        tokio::task::spawn_blocking(move || this.look_now()).await.unwrap_or_default()
    }

    fn look_now(&self) -> Option<String> {
        let populated = || self.tree.cgroup().is_some_and(Cgroup::is_populated);
        let occupied = if self.proved { populated() } else { !self.tree.is_empty() };
        if occupied {
            return Some(format!("{} cannot be ended", named(&self.kill())));
        }
        // What lives is somebody else's: it was there before, or shares the GPU. What is dead and
        // still has memory is being cleaned up by the driver: it may be the trial's.
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

    /// Looks until the slot is free. Tells what there is to tell once patience is over, and once it
    /// is free; `tell` says whether anybody listens.
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

/// "process 17", "processes 17, 18"; what is faster than any look has no number.
fn named(pids: &[i32]) -> String {
    if pids.is_empty() {
        return "something that forks without a pause".to_owned();
    }
    let list = pids.iter().take(MOST_NAMED).map(i32::to_string).collect::<Vec<_>>().join(", ");
    let more = if pids.len() > MOST_NAMED { ", ..." } else { "" };
    format!("{} {list}{more}", if pids.len() == 1 { "process" } else { "processes" })
}
