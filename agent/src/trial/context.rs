//! Defines the context that all trials of an agent share: the node's resources and the time limits.
//! The agent makes it once, when it starts.

use std::{path::PathBuf, time::Duration};

use super::{command::Node, samples::Sight};
use crate::{
    processes::{cgroup::Delegation, reaper::Reaper},
    slots::release::Gpus,
};

/// The context that all trials of an agent share.
#[derive(Debug)]
pub struct TrialContext {
    /// The node as commands see it.
    pub node: Node,
    /// The agent's data folder.
    pub data: PathBuf,
    /// The lock file that names the agent to its shims.
    pub agent_lock: PathBuf,
    /// The program that shims run: the agent's own.
    pub shim_program: PathBuf,
    /// How long a trial may go on without an agent.
    pub orphan_after: Duration,
    /// The time between SIGTERM and SIGKILL for a trial whose time is up.
    pub grace: Duration,
    /// Whether the node has GPUs. Then a trial without any gets an empty list of devices.
    pub gpu_node: bool,
    /// How running trials are sampled.
    pub sight: Sight,
    /// The place where each trial gets its own cgroup, if the node allows it.
    pub cgroups: Option<Delegation>,
    /// Tells shims from the orphans of killed shims.
    pub reaper: Reaper,
    /// The GPUs of the node, and the processes that have memory on them.
    pub gpus: Gpus,
}
