//! The GPUs of this node. The only file that knows NVML; another accelerator is one more implementation of
//! [`Inventory`]. A node without a driver is a normal node: nothing here fails, what cannot be used is named.

use std::ffi::OsStr;

use nvml_wrapper::{Nvml, error::NvmlError};

/// What the driver's package installs; the name without a number comes with development files only.
const LIBRARY: &str = "libnvidia-ml.so.1";
/// How schedulers tell a job which GPUs are its own.
const VISIBLE_VAR: &str = "CUDA_VISIBLE_DEVICES";

/// One GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpu {
    /// Its number on this node, as `nvidia-smi` counts.
    pub index: u32,
    /// What it is known by, whatever the order of enumeration.
    pub uuid: String,
    /// For people.
    pub name: String,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The GPUs that can be used, by index.
    pub gpus: Vec<Gpu>,
    /// Why there are none, if there are none: "NVML is not installed".
    pub reason: String,
    /// What was left out, one sentence each.
    pub notes: Vec<String>,
}

/// Where GPUs come from.
pub trait Inventory {
    /// Looks at the node.
    fn find(&self) -> Found;
}

/// NVIDIA's management library, loaded at run time.
#[derive(Clone, Copy, Debug)]
pub struct Nvidia;

impl Inventory for Nvidia {
    fn find(&self) -> Found {
        let nvml = match Nvml::builder().lib_path(OsStr::new(LIBRARY)).init() {
            Ok(nvml) => nvml,
            Err(NvmlError::LibloadingError(_)) => return none("NVML is not installed"),
            Err(error) => return none(&format!("NVML says: {error}")),
        };
        let count = match nvml.device_count() {
            Ok(0) => return none("NVML knows none"),
            Ok(count) => count,
            Err(error) => return none(&format!("NVML says: {error}")),
        };
        let mut found = Found::default();
        for index in 0..count {
            match look_at(&nvml, index) {
                Ok(gpu) => found.gpus.push(gpu),
                Err(why) => found.notes.push(format!("GPU {index} is left out: {why}")),
            }
        }
        if found.gpus.is_empty() {
            found.reason = "none can be used".to_owned();
        }
        restrict(found, std::env::var(VISIBLE_VAR).ok().as_deref())
    }
}

fn none(reason: &str) -> Found {
    Found { reason: reason.to_owned(), ..Found::default() }
}

fn look_at(nvml: &Nvml, index: u32) -> Result<Gpu, String> {
    let device = nvml.device_by_index(index).map_err(|error| error.to_string())?;
    // Boards without MIG do not know the question.
    if device.mig_mode().is_ok_and(|mode| mode.current != 0) {
        return Err("it is divided (MIG), which is not supported".to_owned());
    }
    let uuid = device.uuid().map_err(|error| error.to_string())?;
    Ok(Gpu { index, uuid, name: device.name().unwrap_or_else(|_| "GPU".to_owned()) })
}

/// Keeps to the GPUs that the environment leaves us: a scheduler has given the others to somebody else.
fn restrict(mut found: Found, visible: Option<&str>) -> Found {
    let Some(visible) = visible.filter(|_| !found.gpus.is_empty()) else { return found };
    let wanted: Vec<&str> = visible.split(',').map(str::trim).filter(|entry| !entry.is_empty()).collect();
    let before = found.gpus.len();
    found.gpus.retain(|gpu| {
        let named = |entry: &&str| {
            entry.parse() == Ok(gpu.index) || (entry.starts_with("GPU-") && gpu.uuid.starts_with(*entry))
        };
        wanted.iter().any(named)
    });
    if found.gpus.is_empty() {
        found.reason = format!("{VISIBLE_VAR} leaves none of {before}");
    } else if found.gpus.len() < before {
        found.notes.push(format!("{VISIBLE_VAR} leaves {} of {before} GPUs", found.gpus.len()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Found {
        let gpu = |index| Gpu { index, uuid: format!("GPU-{index}abc"), name: "H".to_owned() };
        Found { gpus: vec![gpu(0), gpu(1), gpu(2)], ..Found::default() }
    }

    #[test]
    fn a_schedulers_choice_is_obeyed() {
        let indices =
            |visible| restrict(three(), visible).gpus.iter().map(|gpu| gpu.index).collect::<Vec<_>>();
        assert_eq!(indices(None), [0, 1, 2]);
        assert_eq!(indices(Some("2, 0")), [0, 2]);
        assert_eq!(indices(Some("GPU-1")), [1]);
        assert_eq!(indices(Some("")), [0_u32; 0]);
        assert_eq!(restrict(three(), Some("7")).reason, "CUDA_VISIBLE_DEVICES leaves none of 3");
    }

    #[test]
    fn a_node_without_a_driver_is_no_failure() {
        let found = Nvidia.find();
        assert!(!found.gpus.is_empty() || !found.reason.is_empty());
    }
}
