//! Sweeps: their configuration, their trials, what they have taught.

pub(in crate::app) mod constraints;
pub(crate) mod explain;
pub(in crate::app) mod known;
pub(crate) mod manage;
pub(crate) mod plan;
pub(in crate::app) mod planning;
pub(crate) mod replay;
pub(in crate::app) mod suggest;
pub(in crate::app) mod warm_start;
