//! Names the objects that other objects have as fields. An object returns a link to another one, so
//! that the files of objects need not know each other.

use record::ids::ProjectId;

use crate::app::{
    agents::heartbeat::AgentView,
    files::{artifacts::ArtifactView, entries::Listed, links::Linked},
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
    /// A version of an artifact, as a member of a collection.
    Member(Box<Member>),
    /// The place of a version in a collection.
    Membership(Box<Member>),
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

/// The name of an artifact or of a portfolio in a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// The project.
    pub(super) project: ProjectId,
    /// The name.
    pub(super) name: String,
    /// Whether it is a portfolio.
    pub(super) portfolio: bool,
}

impl Name {
    /// Returns the own name of a version.
    pub(super) fn own(view: &ArtifactView) -> Self {
        let version = &view.version;
        let (project, name) = (version.project.clone(), version.name.clone());
        Self { project, name, portfolio: false }
    }
}

/// A version in a collection.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// The version.
    pub(super) view: ArtifactView,
    /// The collection.
    pub(super) of: Name,
    /// The number of the version in the collection.
    pub(super) number: u64,
    /// The aliases of the version in the collection.
    pub(super) aliases: Vec<String>,
    /// When the version came into the collection, in milliseconds since the epoch.
    pub(super) since_ms: i64,
}

impl Member {
    /// Makes a version a member of its own name.
    pub(super) fn own(view: ArtifactView) -> Self {
        let version = &view.version;
        Self {
            of: Name::own(&view),
            number: version.version,
            aliases: view.aliases.clone(),
            since_ms: version.created_ms,
            view,
        }
    }

    /// Makes a version a member of a portfolio.
    pub(super) fn linked(Linked { view, link, aliases }: Linked) -> Self {
        let (project, name, number) = (link.project, link.name, link.version);
        let of = Name { project, name, portfolio: true };
        Self { view, of, number, aliases, since_ms: link.created_ms }
    }
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
