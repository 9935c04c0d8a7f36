//! Does the controller's background work, and handles problems of its disk and data folder. Also
//! checks and backs up the data folder.

pub(crate) mod backup;
pub(crate) mod fsck;
pub(in crate::app) mod full;
pub(in crate::app) mod fullness;
pub(in crate::app) mod loss;
pub(in crate::app) mod lost;
pub(in crate::app) mod purge;
pub(crate) mod step;
