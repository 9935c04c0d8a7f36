//! Chooses the device that a trial computes on. The agent sets CUDA_VISIBLE_DEVICES to the GPUs
//! that a trial may use, and CUDA obeys it without help. This module notices when a trial has GPUs
//! that this program cannot use.

use tch::{Cuda, Device};

/// The device that a program computes on.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The first visible GPU, else the CPU.
    pub device: Device,
    /// The reason why this program cannot use a GPU that the agent assigned; `None` if no assigned
    /// GPU is idle. It deserves a warning, since an idle GPU is wasted.
    pub idle: Option<String>,
}

/// Chooses the first GPU that this process may use, else the CPU. Loads CUDA if libtorch has it.
pub fn place() -> Place {
    choose(std::env::var("CUDA_VISIBLE_DEVICES").ok().as_deref(), Cuda::is_available())
}

fn choose(visible: Option<&str>, cuda: bool) -> Place {
    if cuda {
        return Place { device: Device::Cuda(0), idle: None };
    }
    let given = visible.map(str::trim).filter(|given| !given.is_empty() && *given != "-1");
    Place {
        device: Device::Cpu,
        idle: given.map(|given| {
            format!(
                "CUDA_VISIBLE_DEVICES names `{given}`, but this program was built with a \
                libtorch without CUDA, or the driver is too old for it"
            )
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assigned_gpu_that_cannot_be_used_is_noticed() {
        assert!(choose(Some("GPU-8f1d"), false).idle.is_some_and(|why| why.contains("GPU-8f1d")));
        for none in [None, Some(""), Some(" "), Some("-1")] {
            assert_eq!(choose(none, false), Place { device: Device::Cpu, idle: None });
        }
        assert_eq!(choose(Some("GPU-8f1d"), true).device, Device::Cuda(0));
    }
}
