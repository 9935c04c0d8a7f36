//! What all trials of an agent share: what the node has and how long things may take. Made once,
//! when the agent starts.

use std::{path::PathBuf, time::Duration};

use super::{command::Node, samples::Sight};
use crate::{
    processes::{cgroup::Delegation, reaper::Reaper},
    slots::release::Gpus,
};

/// What every trial of an agent shares.
#[derive(Debug)]
pub struct TrialContext {
    /// What commands find.
    pub node: Node,
    /// The agent's data folder.
    pub data: PathBuf,
    /// Names the agent to its shims.
    pub agent_lock: PathBuf,
    /// The program that is a shim when told so: the agent itself.
    pub shim_program: PathBuf,
    /// How long a trial may go on without an agent.
    pub orphan_after: Duration,
    /// What a trial gets between SIGTERM and SIGKILL when its time is over.
    pub grace: Duration,
    /// The node has GPUs: a trial without any is told that it has none.
    pub gpu_node: bool,
    /// How samples of running trials are taken.
    pub sight: Sight,
    /// Where each trial gets a cgroup of its own, if the node allows it.
    pub cgroups: Option<Delegation>,
    /// Tells shims from what killed shims have left.
    pub reaper: Reaper,
    /// Who has memory on the node's GPUs.
    pub gpus: Gpus,
}
