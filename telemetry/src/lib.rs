//! Measures what a machine and a tree of processes use now: CPU, memory, disk, network and GPUs.
//! Each sample is a row of named numbers. The crate also lists the GPUs of the node. The agent
//! samples its trials with this crate. The SDK samples runs outside of sweeps and the trials of
//! function agents. The agent and the SDK store the rows as the stream "system". The crate reads
//! the kernel's files and NVML, and never writes anything. A sample never fails: its row leaves out
//! the numbers that the machine does not report. docs/system-metrics.md lists the names of the
//! numbers.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod gpus;
mod machine;
mod meter;
mod nvidia;
mod period;
pub mod process;
mod row;
mod sampler;
mod tally;

pub use meter::{Meter, Own, Reading, Resident};
pub use nvidia::{Nvidia, NvidiaMeter};
pub use period::{BadPeriod, PERIOD_VAR, Period};
pub use process::Root;
pub use row::Row;
pub use sampler::{Sampler, Sampling, start};
