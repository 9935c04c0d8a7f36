//! Runs: how they begin, what they say of themselves, and which attempts make their history.

pub(in crate::app) mod about;
pub(crate) mod begin;
pub(crate) mod end;
pub(in crate::app) mod lineage;
pub(crate) mod lookup;
pub(in crate::app) mod names;
