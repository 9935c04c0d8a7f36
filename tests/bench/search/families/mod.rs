//! The problems by family, and what several families build with. Called by `problem::all`. Never
//! evaluates anything.

pub(crate) mod finite;
pub(crate) mod learners;
pub(crate) mod losses;
pub(crate) mod many;
pub(crate) mod mixed;
pub(crate) mod models;
pub(crate) mod shapes;
pub(crate) mod smooth;
