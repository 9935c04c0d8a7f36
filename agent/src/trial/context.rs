//! Defines the context that all trials of an agent share: the node's resources and the time limits.
//! The agent makes the context once, when it starts.

use std::{path::PathBuf, time::Duration};

use super::{command::Node, samples::Sight};
use crate::{
    processes::{cgroup::Delegation, reaper::Reaper},
    slots::release::Gpus,
};

/// The context that all trials of an agent share.
#[derive(Debug)]
pub struct TrialContext {
    /// The facts about the node that commands depend on.
    pub node: Node,
    /// The agent's data folder.
    pub data: PathBuf,
    /// The lock file that names the agent to its shims.
    pub agent_lock: PathBuf,
    /// The file of the program that is started as a shim: the agent's own.
    pub shim_program: PathBuf,
    /// How long a trial may run without a living agent.
    pub orphan_after: Duration,
    /// The time between SIGTERM and SIGKILL for a trial whose time is up.
    pub grace: Duration,
    /// Whether the agent has found GPUs. If it has, a trial without GPUs gets an empty
    /// `CUDA_VISIBLE_DEVICES`.
    pub gpu_node: bool,
    /// The settings of sampling.
    pub sight: Sight,
    /// The place where each trial gets its own cgroup, if the node allows it.
    pub cgroups: Option<Delegation>,
    /// The record of shims, which distinguishes them from the orphans of killed shims.
    pub reaper: Reaper,
    /// The GPUs of the node, and the processes that have memory on them.
    pub gpus: Gpus,
}
