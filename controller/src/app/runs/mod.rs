//! Handles runs: how they begin and end, what they report about themselves, and which attempts make
//! up their history.

pub(in crate::app) mod about;
pub(crate) mod begin;
pub(crate) mod edit;
pub(crate) mod edited;
pub(crate) mod end;
pub(in crate::app) mod lineage;
pub(crate) mod lookup;
pub(in crate::app) mod names;
pub(crate) mod orders;
pub(crate) mod upsert;
