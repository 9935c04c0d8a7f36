//! Names the objects that other objects have as fields. An object returns a link to another one, so
//! that the files of objects need not know each other.

use record::ids::ProjectId;

use crate::app::read::views::{RunView, SweepView};

/// A link to an object.
#[derive(Clone, Debug)]
pub(super) enum Link {
    /// A project.
    Project(ProjectId),
    /// A run.
    Run(Box<RunView>),
    /// A sweep.
    Sweep(Box<SweepView>),
    /// Several objects, as the client lists them.
    Connection(Vec<Link>),
}
