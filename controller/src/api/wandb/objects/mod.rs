//! Holds the objects of the graph: which fields each has, and from where in `app` they come. A file
//! has the objects of one noun.

mod agent;
mod artifact;
mod collecting;
mod collection;
mod deleting;
mod files;
mod forms;
mod history;
mod making;
mod mutation;
mod people;
mod project;
mod query;
mod run;
mod schema;
mod search;
mod sweep;
mod sweeping;

use self::{
    agent::Agent,
    artifact::{Artifact, Membership},
    collection::{ArtifactType, Collection},
    files::Entry,
    forms::Connection,
    mutation::Mutation,
    project::Project,
    query::Query,
    run::Run,
    sweep::Sweep,
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
            Link::Artifact(view) => Box::new(Artifact(*view)),
            Link::Member(member) => Box::new(Artifact(member.view)),
            Link::Membership(member) => Box::new(Membership(*member)),
            Link::Collection(name) => Box::new(Collection(name)),
            Link::ArtifactType(project, kind) => Box::new(ArtifactType { project, kind }),
            Link::Agent(view, project) => Box::new(Agent { view: *view, project }),
            Link::Entry(listed) => Box::new(Entry(*listed)),
            Link::Page(page) => Box::new(Connection(page)),
        }
    }
}
