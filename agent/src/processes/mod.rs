//! Finds, counts, ends and reaps all processes of trials.

pub mod cgroup;
pub mod process;
pub mod reaper;
pub mod tree;
