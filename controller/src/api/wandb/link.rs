//! Names the objects that other objects have as fields. An object returns a link to another one, so
//! that the files of objects need not know each other.

use record::ids::ProjectId;

use crate::app::{
    agents::heartbeat::AgentView,
    files::{artifacts::ArtifactView, entries::Listed},
    read::views::{RunView, SweepView},
};

/// A link to an object.
#[derive(Clone, Debug)]
pub(super) enum Link {
    /// A project.
    Project(ProjectId),
    /// A run.
    Run(Box<RunView>),
    /// A sweep.
    Sweep(Box<SweepView>),
    /// A version of an artifact.
    Artifact(Box<ArtifactView>),
    /// The place of a version in its collection.
    Membership(Box<ArtifactView>),
    /// All versions of one name.
    Collection(Name),
    /// All artifacts of one type.
    ArtifactType(ProjectId, String),
    /// An agent of a sweep in this project.
    Agent(Box<AgentView>, ProjectId),
    /// A file of a version.
    Entry(Box<Listed>),
    /// Several objects, as the client lists them.
    Page(Page),
}

/// The name of an artifact in a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// The project.
    pub(super) project: ProjectId,
    /// The name.
    pub(super) name: String,
}

/// Some of several objects, as the client lists them.
#[derive(Clone, Debug, Default)]
pub(super) struct Page {
    /// The objects, each with a text with which the client asks for those behind it.
    pub(super) items: Vec<(String, Link)>,
    /// Whether there are more behind these.
    pub(super) more: bool,
    /// How many there are on all pages; `None` if nobody has counted.
    pub(super) total: Option<u64>,
}

impl Page {
    /// Makes the only page of these objects.
    pub(super) fn only(items: Vec<Link>) -> Self {
        let total = Some(items.len() as u64);
        let items = items.into_iter().map(|item| (String::new(), item)).collect();
        Self { items, more: false, total }
    }

    /// Makes the page of these objects that the client asks for: at most `first` of them, behind
    /// the one with the text `after`.
    pub(super) fn of(items: Vec<Link>, first: Option<u64>, after: Option<&str>) -> Self {
        let total = items.len();
        let start = after.and_then(|after| after.parse().ok()).unwrap_or(0_usize).min(total);
        let most = first.map_or(total, |first| usize::try_from(first).unwrap_or(total));
        let numbered = items.into_iter().enumerate().skip(start).take(most);
        let items: Vec<(String, Link)> =
            numbered.map(|(at, item)| ((at + 1).to_string(), item)).collect();
        Self { more: start + items.len() < total, total: Some(total as u64), items }
    }
}
