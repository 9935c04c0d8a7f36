//! Groups the problems by family, with the parts that several families share. `problem::all` calls
//! it. It never evaluates anything.

pub(crate) mod finite;
pub(crate) mod learners;
pub(crate) mod losses;
pub(crate) mod many;
pub(crate) mod mixed;
pub(crate) mod models;
pub(crate) mod shapes;
pub(crate) mod smooth;
