//! Reads what the GPUs do now, behind the trait [`Meter`]. `nvidia.rs` implements it for
//! NVIDIA; another accelerator needs one more implementation. The sampler calls it.

use std::fmt;

/// The environment variable in which a scheduler lists the GPUs of a job.
pub(crate) const VISIBLE_VAR: &str = "CUDA_VISIBLE_DEVICES";

/// The state of one GPU at one moment. A value that the GPU does not report is `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// The GPU's number on this node.
    pub index: u32,
    /// The GPU's UUID.
    pub uuid: String,
    /// The share of the driver's last measuring interval in which work ran on the GPU, 0 to 100.
    pub busy_percent: Option<f64>,
    /// The share of the driver's last measuring interval in which the GPU's memory was read or
    /// written, 0 to 100.
    pub memory_busy_percent: Option<f64>,
    /// The memory in use and the total memory, in bytes.
    pub memory_bytes: Option<(u64, u64)>,
    /// The temperature, in degrees Celsius.
    pub celsius: Option<f64>,
    /// The power that the GPU draws, in watts.
    pub watts: Option<f64>,
    /// The upper limit of the power that the GPU draws, in watts.
    pub limit_watts: Option<f64>,
}

/// A process that has memory on a GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resident {
    /// The GPU's UUID.
    pub uuid: String,
    /// The process's pid. The process may have ended already.
    pub pid: i32,
}

/// A source of readings.
pub trait Meter {
    /// Reads all GPUs. Returns an empty list if there are none.
    fn read(&mut self) -> Vec<Reading>;

    /// Returns the processes that have memory on any GPU. Returns an empty list if the source
    /// cannot find them out.
    fn residents(&mut self) -> Vec<Resident> {
        Vec::new()
    }

    /// Returns a text for people that says why a GPU which worked before cannot be used now.
    /// Returns `None` if the GPU answers, and if the source does not know.
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

/// The GPUs that a program may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Own {
    /// All GPUs of the node.
    All,
    /// These GPUs, in this order.
    Named(Vec<Entry>),
}

impl Own {
    /// Returns the GPUs that `CUDA_VISIBLE_DEVICES` assigns to this process.
    pub fn of_this_process() -> Self {
        Self::parse(std::env::var(VISIBLE_VAR).ok().as_deref())
    }

    /// Parses the value of `CUDA_VISIBLE_DEVICES`. `None` means that the variable is not set, and
    /// selects all GPUs.
    pub fn parse(visible: Option<&str>) -> Self {
        let Some(visible) = visible else { return Self::All };
        let entries = visible.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        Self::Named(entries.map(|entry| Entry(entry.to_owned())).collect())
    }

    /// Returns the GPUs with these UUIDs.
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

/// An entry of `CUDA_VISIBLE_DEVICES`: a number, the UUID of a GPU or a prefix of it, or the id of
/// an instance of a divided GPU (MIG).
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
