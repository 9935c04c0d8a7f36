//! The processes of trials: found, counted, ended and reaped, all of them.

pub mod cgroup;
pub mod process;
pub mod reaper;
pub mod tree;
