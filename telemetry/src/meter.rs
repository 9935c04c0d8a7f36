//! What GPUs do at this moment, behind a trait: NVIDIA's here, another accelerator is one more
//! implementation. Asked by the sampler.

use std::fmt;

use crate::nvidia::{Driver, VISIBLE_VAR};

/// One GPU at one moment. What it does not tell is `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// Its number on this node.
    pub index: u32,
    /// What it is known by.
    pub uuid: String,
    /// Share of the time in which something ran on it, 0 to 100.
    pub busy_percent: Option<f64>,
    /// Share of the time in which its memory was read or written, 0 to 100.
    pub memory_busy_percent: Option<f64>,
    /// Memory in use and all of it, in bytes.
    pub memory_bytes: Option<(u64, u64)>,
    /// Temperature.
    pub celsius: Option<f64>,
    /// Power that it draws.
    pub watts: Option<f64>,
    /// Power that it may draw.
    pub limit_watts: Option<f64>,
}

/// A process that has memory on a GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resident {
    /// What the GPU is known by.
    pub uuid: String,
    /// The process; it may be dead already.
    pub pid: i32,
}

/// Where readings come from.
pub trait Meter {
    /// All GPUs now; none where there are none.
    fn read(&mut self) -> Vec<Reading>;

    /// The processes that have memory on any of them now; none where nobody can tell.
    fn residents(&mut self) -> Vec<Resident> {
        Vec::new()
    }

    /// Why a GPU that was there cannot be used now, for people; `None` while it answers, and where
    /// nobody can tell.
    fn trouble(&mut self, _uuid: &str) -> Option<String> {
        None
    }
}

impl<M: Meter + ?Sized> Meter for Box<M> {
    fn read(&mut self) -> Vec<Reading> {
        (**self).read()
    }

    fn residents(&mut self) -> Vec<Resident> {
        (**self).residents()
    }

    fn trouble(&mut self, uuid: &str) -> Option<String> {
        (**self).trouble(uuid)
    }
}

/// NVIDIA's management library, loaded at the first reading.
#[derive(Debug, Default)]
pub struct NvidiaMeter {
    driver: Option<Option<Driver>>,
}

impl NvidiaMeter {
    fn driver(&mut self) -> Option<&Driver> {
        self.driver.get_or_insert_with(|| Driver::load().ok()).as_ref()
    }
}

impl Meter for NvidiaMeter {
    fn read(&mut self) -> Vec<Reading> {
        self.driver().map(Driver::readings).unwrap_or_default()
    }

    fn residents(&mut self) -> Vec<Resident> {
        // The driver counts processes as the machine does: in a container that counts its own, its
        // numbers are others'.
        if !counts_as_the_machine() {
            return Vec::new();
        }
        self.driver().map(Driver::residents).unwrap_or_default()
    }

    fn trouble(&mut self, uuid: &str) -> Option<String> {
        let trouble = match self.driver() {
            Some(driver) => driver.trouble(uuid),
            None => Some("NVML cannot be loaded any more".to_owned()),
        };
        if trouble.is_some() {
            // It sees that a GPU is back only when it is loaded anew, by all who use it in this
            // process.
            self.driver = None;
        }
        trouble
    }
}

/// Whether this process lives in the machine's first namespace of process numbers, which the kernel
/// gives this number.
fn counts_as_the_machine() -> bool {
    std::fs::read_link("/proc/self/ns/pid").is_ok_and(|link| link.as_os_str() == "pid:[4026531836]")
}

/// Which GPUs are a program's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Own {
    /// All that there are.
    All,
    /// These, in this order.
    Named(Vec<Entry>),
}

impl Own {
    /// What the environment leaves to this process.
    pub fn of_this_process() -> Self {
        Self::parse(std::env::var(VISIBLE_VAR).ok().as_deref())
    }

    /// The value of `CUDA_VISIBLE_DEVICES`; without one all GPUs are the process's own.
    pub fn parse(visible: Option<&str>) -> Self {
        let Some(visible) = visible else { return Self::All };
        let entries = visible.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        Self::Named(entries.map(|entry| Entry(entry.to_owned())).collect())
    }

    /// The GPUs with these UUIDs.
    pub fn with_uuids(uuids: Vec<String>) -> Self {
        Self::Named(uuids.into_iter().map(Entry).collect())
    }

    pub(crate) fn has(&self, index: u32, uuid: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named(entries) => entries.iter().any(|entry| entry.stands_for(index, uuid)),
        }
    }
}

/// An entry of `CUDA_VISIBLE_DEVICES`: a number, the UUID of a GPU or a beginning of it, or the id
/// of an instance of a divided GPU (MIG).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry(String);

impl Entry {
    pub(crate) fn stands_for(&self, index: u32, uuid: &str) -> bool {
        let kind = ["GPU-", "MIG-"].iter().any(|kind| self.0.starts_with(kind));
        self.0.parse() == Ok(index) || (kind && uuid.starts_with(&self.0))
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
