//! What a machine and a tree of processes use at this moment: CPU, memory, disk, network, GPUs, as
//! rows of named numbers, and which GPUs there are. The agent samples its trials with it, the SDK
//! its runs outside of sweeps; both store what comes out as the stream "system". Reads the kernel's
//! files and NVML; never writes anything, never fails: what a machine does not tell is left out.
//! Names of the numbers: docs/system-metrics.md.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod gpus;
mod machine;
mod meter;
mod nvidia;
mod period;
pub mod process;
mod sampler;
mod tally;

pub use meter::{Meter, NvidiaMeter, Own, Reading, Resident};
pub use period::{BadPeriod, PERIOD_VAR, Period};
pub use process::Root;
pub use sampler::{Row, Sampler, Sampling, start};
