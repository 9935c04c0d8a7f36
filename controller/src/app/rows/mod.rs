//! Handles the rows of runs: how they arrive, what is kept of them, and what follows from them.

pub(in crate::app) mod compaction;
pub(in crate::app) mod digest;
pub(crate) mod ingest;
pub(crate) mod lines;
pub(crate) mod metrics;
pub(in crate::app) mod pieces;
pub(in crate::app) mod range;
pub(in crate::app) mod rung_costs;
pub(in crate::app) mod stopping;
pub(in crate::app) mod summaries;
pub(in crate::app) mod unmerged;
pub(in crate::app) mod value;
