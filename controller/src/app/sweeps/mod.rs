//! Handles sweeps: their configuration, their trials, and what the search learns from them.

pub(crate) mod check;
pub(in crate::app) mod constraints;
pub(crate) mod edit;
pub(crate) mod enqueue;
pub(crate) mod explain;
pub(in crate::app) mod explained;
pub(crate) mod extend;
pub(in crate::app) mod known;
pub(crate) mod manage;
pub(crate) mod plan;
pub(in crate::app) mod planning;
pub(crate) mod proposals;
pub(crate) mod replay;
pub(in crate::app) mod stored;
pub(in crate::app) mod suggest;
pub(in crate::app) mod warm_start;
