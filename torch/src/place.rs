//! Chooses the device that a trial computes on. The agent sets CUDA_VISIBLE_DEVICES to the GPUs of
//! a trial, and CUDA obeys this variable without help. This module detects when a trial has GPUs
//! that its program cannot use.

use tch::{Cuda, Device};

/// The device that a program computes on.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The first GPU of the trial, or the CPU if the program can use no GPU.
    pub device: Device,
    /// The reason why this program cannot use the GPUs that the agent assigned. `None` if the
    /// program can use them, or if the agent assigned none. A trainer should print this as a
    /// warning, because the assigned GPU does nothing.
    pub idle: Option<String>,
}

/// Chooses the first GPU that CUDA_VISIBLE_DEVICES leaves to this program, or the CPU if the
/// program can use no GPU. Loads CUDA if libtorch has it.
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
