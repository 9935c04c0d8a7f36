//! Groups the problems by family, with the parts that several families share. `problem::all` calls
//! the families. This module itself evaluates nothing.

pub(crate) mod finite;
pub(crate) mod learners;
pub(crate) mod losses;
pub(crate) mod many;
pub(crate) mod mixed;
pub(crate) mod models;
pub(crate) mod shapes;
pub(crate) mod smooth;
pub(crate) mod tables;
