//! Holds the objects of the graph: which fields each has, and from where in `app` they come. A file
//! has the objects of one noun.

mod files;
mod forms;
mod mutation;
mod people;
mod project;
mod query;
mod run;
mod sweep;
mod sweeping;

use self::{
    forms::Connection, mutation::Mutation, project::Project, query::Query, run::Run, sweep::Sweep,
};
use super::{
    graphql::{Graph, Object},
    link::Link,
};

/// All objects.
pub(super) struct Objects;

impl Graph for Objects {
    fn query(&self) -> &dyn Object {
        &Query
    }

    fn mutation(&self) -> &dyn Object {
        &Mutation
    }

    fn open(&self, link: Link) -> Box<dyn Object> {
        match link {
            Link::Project(id) => Box::new(Project(id)),
            Link::Run(view) => Box::new(Run(*view)),
            Link::Sweep(view) => Box::new(Sweep(*view)),
            Link::Connection(items) => Box::new(Connection(items)),
        }
    }
}
