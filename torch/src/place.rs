//! Which device a trial computes on. The agent says which GPUs a trial may use by
//! CUDA_VISIBLE_DEVICES, which CUDA obeys by itself; what remains is to notice when GPUs were given
//! and this program cannot use them.

use tch::{Cuda, Device};

/// Where a program computes.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The first visible GPU, else the CPU.
    pub device: Device,
    /// Why a GPU that the agent gave to this trial stays idle; worth a warning, since the node pays
    /// for it.
    pub idle: Option<String>,
}

/// The first GPU that this process may use, else the CPU. Loads CUDA when libtorch has it.
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
    fn a_gpu_that_was_given_but_cannot_be_used_is_noticed() {
        assert!(choose(Some("GPU-8f1d"), false).idle.is_some_and(|why| why.contains("GPU-8f1d")));
        for none in [None, Some(""), Some(" "), Some("-1")] {
            assert_eq!(choose(none, false), Place { device: Device::Cpu, idle: None });
        }
        assert_eq!(choose(Some("GPU-8f1d"), true).device, Device::Cuda(0));
    }
}
