//! The GPUs of this node. Another accelerator is one more implementation of [`Inventory`]. A node without a driver is a normal
//! node: nothing here fails, what cannot be used is named. Asked by the agent when it starts.

use std::fmt;

use crate::nvidia::{Driver, VISIBLE_VAR, is_named};

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

impl fmt::Display for Gpu {
    /// "GPU 3 (GPU-0123...)".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GPU {} ({})", self.index, self.uuid)
    }
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
        let driver = match Driver::load() {
            Ok(driver) => driver,
            Err(why) => return none(&why),
        };
        let count = match driver.count() {
            Ok(0) => return none("NVML knows none"),
            Ok(count) => count,
            Err(why) => return none(&why),
        };
        let mut found = Found::default();
        for index in 0..count {
            match driver.look_at(index) {
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

/// Keeps to the GPUs that the environment leaves us: a scheduler has given the others to somebody else.
fn restrict(mut found: Found, visible: Option<&str>) -> Found {
    let Some(visible) = visible.filter(|_| !found.gpus.is_empty()) else { return found };
    let wanted: Vec<&str> = visible.split(',').map(str::trim).filter(|entry| !entry.is_empty()).collect();
    let before = found.gpus.len();
    found.gpus.retain(|gpu| wanted.iter().any(|entry| is_named(entry, gpu.index, &gpu.uuid)));
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
