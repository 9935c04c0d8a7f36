//! Serves collections of artifacts, which are all versions of one name, and types of artifacts.

use record::{artifact::LATEST, ids::ProjectId};
use serde_json::json;
use tokio_stream::StreamExt as _;
use tonic::async_trait;

use super::forms::time;
use crate::{
    api::wandb::{
        error::Fault,
        graphql::{Answer, Asked, Object},
        link::{Link, Name, Page},
        names,
        session::Session,
    },
    app::{
        error::Error,
        files::{
            artifacts::{self, ArtifactView},
            versions::Wanted,
        },
    },
};

/// All versions of one name.
pub(super) struct Collection(pub(super) Name);

impl Collection {
    /// Returns the newest version; `None` if there is none.
    async fn newest(&self, session: &Session) -> Result<Option<ArtifactView>, Fault> {
        version(session, &self.0, LATEST).await
    }

    /// Returns all versions, the newest first.
    async fn versions(&self, session: &Session) -> Result<Vec<ArtifactView>, Fault> {
        listed(session, &self.0.project, &self.0.name).await
    }

    /// Returns the aliases of all versions.
    async fn aliases(&self, session: &Session) -> Result<Answer, Fault> {
        let mut aliases = Vec::new();
        for view in self.versions(session).await? {
            for alias in view.aliases {
                let id = names::id("ArtifactAlias", &[&alias, &self.0.name]);
                aliases.push(json!({
                    "__typename": "ArtifactAlias",
                    "id": id,
                    "alias": alias,
                    "artifactCollectionName": self.0.name,
                }));
            }
        }
        Ok(super::forms::connection(aliases).into())
    }
}

/// Finds a version by its number or an alias; `None` if there is none that the caller may see.
pub(super) async fn version(
    session: &Session,
    Name { project, name }: &Name,
    version: &str,
) -> Result<Option<ArtifactView>, Fault> {
    let wanted = Wanted {
        project: format!("{}/{}", project.team(), project.name()),
        name: name.clone(),
        version: version.to_owned(),
        ..Wanted::default()
    };
    match artifacts::get(session.app(), &session.caller, wanted).await {
        // A key for logging opens no artifacts. Its programs ask for them before they log one.
        Err(Error::Missing(_) | Error::Refused(..)) => Ok(None),
        found => Ok(Some(found?)),
    }
}

/// Finds a version by its name and its number or an alias, as in `model:v3`.
pub(super) async fn named(
    session: &Session,
    project: &ProjectId,
    said: &str,
) -> Result<Option<ArtifactView>, Fault> {
    let (name, alias) = said.split_once(':').unwrap_or((said, LATEST));
    version(session, &Name { project: project.clone(), name: name.to_owned() }, alias).await
}

/// Returns the versions of this name in the project, the newest first. An empty name means all
/// names.
pub(super) async fn listed(
    session: &Session,
    project: &ProjectId,
    name: &str,
) -> Result<Vec<ArtifactView>, Fault> {
    let said = format!("{}/{}", project.team(), project.name());
    let mut all = artifacts::list(session.app(), &session.caller, said, name.to_owned())?;
    let mut found = Vec::new();
    while let Some(view) = all.next().await {
        found.push(view?);
    }
    Ok(found)
}

/// Returns the collections of a project, of one type or of all.
pub(super) async fn collections(
    session: &Session,
    project: &ProjectId,
    kind: Option<&str>,
) -> Result<Vec<Link>, Fault> {
    let mut newest = listed(session, project, "").await?;
    newest.dedup_by(|one, other| one.version.name == other.version.name);
    newest.retain(|view| kind.is_none_or(|kind| kind == view.version.kind));
    let link = |view: ArtifactView| {
        Link::Collection(Name { project: project.clone(), name: view.version.name })
    };
    Ok(newest.into_iter().map(link).collect())
}

/// Returns the types of the artifacts of a project.
pub(super) async fn kinds(session: &Session, project: &ProjectId) -> Result<Vec<Link>, Fault> {
    let all = listed(session, project, "").await?;
    let mut kinds: Vec<String> = all.into_iter().map(|view| view.version.kind).collect();
    kinds.sort();
    kinds.dedup();
    Ok(kinds.into_iter().map(|kind| Link::ArtifactType(project.clone(), kind)).collect())
}

/// Returns the page that a question asks for.
pub(super) fn page(asked: &Asked<'_>, items: Vec<Link>) -> Answer {
    Answer::Link(Link::Page(Page::of(items, asked.number("first"), asked.text("after"))))
}

fn link(view: ArtifactView) -> Link {
    Link::Artifact(Box::new(view))
}

fn member(view: ArtifactView) -> Answer {
    Answer::Link(Link::Membership(Box::new(view)))
}

#[async_trait]
impl Object for Collection {
    fn kind(&self) -> &'static str {
        "ArtifactSequence"
    }

    async fn field(&self, session: &Session, asked: &Asked<'_>) -> Result<Option<Answer>, Fault> {
        let Name { project, name } = &self.0;
        Ok(Some(match asked.name {
            "id" => names::of_collection(&self.0).into(),
            "name" => name.clone().into(),
            "project" => Answer::Link(Link::Project(project.clone())),
            "state" => "READY".into(),
            "description" => Answer::null(),
            "tags" => super::forms::connection(Vec::new()).into(),
            "createdAt" => {
                let first = self.versions(session).await?.pop();
                first.map(|view| time(view.version.created_ms)).into()
            }
            "updatedAt" => {
                let newest = self.newest(session).await?;
                newest.map(|view| time(view.version.created_ms)).into()
            }
            "defaultArtifactType" => {
                let newest = self.newest(session).await?;
                newest.map_or_else(Answer::null, |view| {
                    Answer::Link(Link::ArtifactType(project.clone(), view.version.kind))
                })
            }
            "latestArtifact" => {
                let newest = self.newest(session).await?;
                newest.map_or_else(Answer::null, |view| Answer::Link(link(view)))
            }
            "artifacts" => {
                let mut versions = self.versions(session).await?;
                // With an order, a sign stands before its name, and `-` means the newest first.
                if asked.text("order").is_some_and(|order| !order.starts_with('-')) {
                    versions.reverse();
                }
                page(asked, versions.into_iter().map(link).collect())
            }
            "artifactMembership" => {
                let alias = asked.text("aliasName").unwrap_or(LATEST);
                let found = version(session, &self.0, alias).await?;
                found.map_or_else(Answer::null, member)
            }
            "aliases" => self.aliases(session).await?,
            "digestAlgorithm" => "MANIFEST_MD5".into(),
            _ => return Ok(None),
        }))
    }
}

/// Returns the place of a version in its collection; null if there is no such version.
pub(super) async fn membership(
    session: &Session,
    project: &ProjectId,
    said: &str,
) -> Result<Answer, Fault> {
    Ok(named(session, project, said).await?.map_or_else(Answer::null, member))
}

/// All artifacts of one type in a project.
pub(super) struct ArtifactType {
    /// The project.
    pub(super) project: ProjectId,
    /// The type.
    pub(super) kind: String,
}

#[async_trait]
impl Object for ArtifactType {
    fn kind(&self) -> &'static str {
        "ArtifactType"
    }

    async fn field(&self, session: &Session, asked: &Asked<'_>) -> Result<Option<Answer>, Fault> {
        let Self { project, kind } = self;
        Ok(Some(match asked.name {
            "id" => names::id("ArtifactType", &[kind, project.name(), project.team()]).into(),
            "name" => kind.clone().into(),
            "description" => Answer::null(),
            "createdAt" => {
                let all = listed(session, project, "").await?;
                let of_kind = all.iter().filter(|view| view.version.kind == *kind);
                of_kind.map(|view| view.version.created_ms).min().map(time).into()
            }
            "artifactCollection" => {
                let name = asked.text("name").unwrap_or_default().to_owned();
                let name = Name { project: project.clone(), name };
                let found = version(session, &name, LATEST).await?;
                let of_kind = found.is_some_and(|view| view.version.kind == *kind);
                if of_kind { Answer::Link(Link::Collection(name)) } else { Answer::null() }
            }
            "artifactCollections" => page(asked, collections(session, project, Some(kind)).await?),
            "artifact" => {
                let found = named(session, project, asked.text("name").unwrap_or_default());
                found.await?.map_or_else(Answer::null, |view| Answer::Link(link(view)))
            }
            _ => return Ok(None),
        }))
    }
}
