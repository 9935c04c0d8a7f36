//! What the controller does without being asked, and how it takes care of its folder.

pub(crate) mod backup;
pub(crate) mod fsck;
pub(in crate::app) mod full;
pub(in crate::app) mod fullness;
pub(in crate::app) mod loss;
pub(in crate::app) mod lost;
pub(crate) mod step;
