//! Serves collections of artifacts, which are all versions of one name or a portfolio, and types of
//! artifacts.

use record::{artifact::LATEST, ids::ProjectId};
use serde_json::json;
use tokio_stream::StreamExt as _;
use tonic::async_trait;

use super::forms::{connection, tags, time};
use crate::{
    api::wandb::{
        error::Fault,
        graphql::{Answer, Asked, Object},
        link::{Link, Member, Name, Page},
        names,
        session::Session,
    },
    app::{
        error::Error,
        files::{
            artifacts,
            collections::{self, Described, Which},
            links,
            versions::Wanted,
        },
    },
};

/// All versions of one name, or those in a portfolio.
pub(super) struct Collection(pub(super) Name);

impl Collection {
    /// Returns the newest version; `None` if there is none.
    async fn newest(&self, session: &Session) -> Result<Option<Member>, Fault> {
        member(session, &self.0, LATEST).await
    }

    /// Returns all versions, the newest first.
    async fn members(&self, session: &Session) -> Result<Vec<Member>, Fault> {
        let Name { project, name, portfolio } = &self.0;
        match portfolio {
            true => linked(session, project, name).await,
            false => listed(session, project, name).await,
        }
    }

    /// Returns the aliases of all versions.
    async fn aliases(&self, session: &Session) -> Result<Answer, Fault> {
        let mut aliases = Vec::new();
        for member in self.members(session).await? {
            for alias in member.aliases {
                let id = names::id("ArtifactAlias", &[&alias, &self.0.name]);
                aliases.push(json!({
                    "__typename": "ArtifactAlias",
                    "id": id,
                    "alias": alias,
                    "artifactCollectionName": self.0.name,
                }));
            }
        }
        Ok(connection(aliases).into())
    }
}

/// Finds a version in a collection by its number or an alias; `None` if there is none that the
/// caller may see.
async fn member(
    session: &Session,
    Name { project, name, portfolio }: &Name,
    version: &str,
) -> Result<Option<Member>, Fault> {
    if *portfolio {
        let (app, caller) = (session.app(), &session.caller);
        let (project, name, version) = (project.clone(), name.clone(), version.to_owned());
        return Ok(links::find(app, caller, project, name, version).await?.map(Member::linked));
    }
    let wanted = Wanted {
        project: names::full(project),
        name: name.clone(),
        version: version.to_owned(),
        ..Wanted::default()
    };
    match artifacts::get(session.app(), &session.caller, wanted).await {
        // A key for logging opens no artifacts. Its programs ask for them before they log one.
        Err(Error::Missing(_) | Error::Refused(..)) => Ok(None),
        found => Ok(Some(Member::own(found?))),
    }
}

/// Finds a version by the name of an artifact or a portfolio, and by its number or an alias there,
/// as in `model:v3`.
pub(super) async fn named(
    session: &Session,
    project: &ProjectId,
    said: &str,
) -> Result<Option<Member>, Fault> {
    let (name, alias) = said.split_once(':').unwrap_or((said, LATEST));
    if let Some(found) = find(session, project, name).await? {
        return member(session, &found, alias).await;
    }
    // It may be an old name, of which only the numbers are known.
    for portfolio in [true, false] {
        let old = Name { project: project.clone(), name: name.to_owned(), portfolio };
        if let Some(found) = member(session, &old, alias).await? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Finds the collection with this name; `None` if there is none that the caller may see.
pub(super) async fn find(
    session: &Session,
    project: &ProjectId,
    name: &str,
) -> Result<Option<Name>, Fault> {
    let is_portfolio = !linked(session, project, name).await?.is_empty();
    let of = |portfolio| Name { project: project.clone(), name: name.to_owned(), portfolio };
    if !name.is_empty() && is_portfolio {
        return Ok(Some(of(true)));
    }
    Ok(member(session, &of(false), LATEST).await?.map(|_| of(false)))
}

/// Returns what people say about a collection, under its present name; `None` if the caller may not
/// see the collection.
async fn said(session: &Session, of: &Name) -> Result<Option<Described>, Fault> {
    let which = Which { project: of.project.clone(), name: of.name.clone() };
    match collections::get(session.app(), &session.caller, which).await {
        // A key for logging opens no artifacts. Its programs ask for them before they log one.
        Err(Error::Missing(_) | Error::Refused(..)) => Ok(None),
        found => Ok(Some(found?)),
    }
}

/// Finds the collection that the client knows by an id; `None` if there is none that the caller may
/// see. The id has the name that the collection had when the client got the id.
pub(super) async fn by_id(session: &Session, id: &str) -> Result<Option<Name>, Fault> {
    let Some(old) = names::collection(id) else { return Ok(None) };
    let now = said(session, &old).await?.map_or(old.name, |said| said.name);
    find(session, &old.project, &now).await
}

/// Returns the versions of this name in the project, the newest first. An empty name means all
/// names.
async fn listed(session: &Session, project: &ProjectId, name: &str) -> Result<Vec<Member>, Fault> {
    let (said, name) = (names::full(project), name.to_owned());
    let mut all = artifacts::list(session.app(), &session.caller, said, name)?;
    let mut found = Vec::new();
    while let Some(view) = all.next().await {
        found.push(Member::own(view?));
    }
    Ok(found)
}

/// Returns the versions in this portfolio of the project, the newest first. An empty name means all
/// portfolios.
async fn linked(session: &Session, project: &ProjectId, name: &str) -> Result<Vec<Member>, Fault> {
    let (app, caller) = (session.app(), &session.caller);
    let found = links::list(app, caller, project.clone(), name.to_owned()).await?;
    Ok(found.into_iter().map(Member::linked).collect())
}

/// Returns the newest version of each name and of each portfolio of a project.
async fn newest_of_each(session: &Session, project: &ProjectId) -> Result<Vec<Member>, Fault> {
    let mut all = listed(session, project, "").await?;
    all.extend(linked(session, project, "").await?);
    all.dedup_by(|one, other| one.of == other.of);
    Ok(all)
}

/// Returns the collections of a project, of one type or of all.
pub(super) async fn collections(
    session: &Session,
    project: &ProjectId,
    kind: Option<&str>,
) -> Result<Vec<Link>, Fault> {
    let mut all = newest_of_each(session, project).await?;
    all.retain(|member| kind.is_none_or(|kind| kind == member.view.version.kind));
    Ok(all.into_iter().map(|member| Link::Collection(member.of)).collect())
}

/// Returns the types of the artifacts of a project.
pub(super) async fn kinds(session: &Session, project: &ProjectId) -> Result<Vec<Link>, Fault> {
    let all = newest_of_each(session, project).await?;
    let mut kinds: Vec<String> = all.into_iter().map(|member| member.view.version.kind).collect();
    kinds.sort();
    kinds.dedup();
    Ok(kinds.into_iter().map(|kind| Link::ArtifactType(project.clone(), kind)).collect())
}

/// Returns the page that a question asks for.
pub(super) fn page(asked: &Asked<'_>, items: Vec<Link>) -> Answer {
    Answer::Link(Link::Page(Page::of(items, asked.number("first"), asked.text("after"))))
}

fn artifact(member: Member) -> Answer {
    Answer::Link(Link::Artifact(Box::new(member.view)))
}

fn membership(member: Member) -> Answer {
    Answer::Link(Link::Membership(Box::new(member)))
}

/// Returns the version with this name; null if there is none.
pub(super) async fn artifact_named(
    session: &Session,
    project: &ProjectId,
    said: &str,
) -> Result<Answer, Fault> {
    Ok(named(session, project, said).await?.map_or_else(Answer::null, artifact))
}

/// Returns the place of the version with this name; null if there is none.
pub(super) async fn membership_named(
    session: &Session,
    project: &ProjectId,
    said: &str,
) -> Result<Answer, Fault> {
    Ok(named(session, project, said).await?.map_or_else(Answer::null, membership))
}

#[async_trait]
impl Object for Collection {
    fn kind(&self) -> &'static str {
        if self.0.portfolio { names::PORTFOLIO } else { names::SEQUENCE }
    }

    async fn field(&self, session: &Session, asked: &Asked<'_>) -> Result<Option<Answer>, Fault> {
        let Name { project, name, .. } = &self.0;
        Ok(Some(match asked.name {
            "id" => names::of_collection(&self.0).into(),
            "name" => name.clone().into(),
            "project" => Answer::Link(Link::Project(project.clone())),
            "state" => "READY".into(),
            "description" => said(session, &self.0).await?.and_then(|said| said.description).into(),
            "tags" => {
                let said = said(session, &self.0).await?;
                connection(tags(said.map(|said| said.tags).unwrap_or_default())).into()
            }
            "createdAt" => {
                let first = self.members(session).await?.pop();
                first.map(|member| time(member.since_ms)).into()
            }
            "updatedAt" => {
                let newest = self.newest(session).await?;
                newest.map(|member| time(member.since_ms)).into()
            }
            "defaultArtifactType" => {
                let newest = self.newest(session).await?;
                newest.map_or_else(Answer::null, |member| {
                    Answer::Link(Link::ArtifactType(project.clone(), member.view.version.kind))
                })
            }
            "latestArtifact" => self.newest(session).await?.map_or_else(Answer::null, artifact),
            "artifacts" => {
                let mut members = self.members(session).await?;
                // With an order, a sign stands before its name, and `-` means the newest first.
                if asked.text("order").is_some_and(|order| !order.starts_with('-')) {
                    members.reverse();
                }
                let link = |member| Link::Member(Box::new(member));
                page(asked, members.into_iter().map(link).collect())
            }
            "artifactMembership" => {
                let alias = asked.text("aliasName").unwrap_or(LATEST);
                member(session, &self.0, alias).await?.map_or_else(Answer::null, membership)
            }
            "aliases" => self.aliases(session).await?,
            "digestAlgorithm" => "MANIFEST_MD5".into(),
            _ => return Ok(None),
        }))
    }
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
        let said = asked.text("name").unwrap_or_default();
        Ok(Some(match asked.name {
            "id" => names::id("ArtifactType", &[kind, project.name(), project.team()]).into(),
            "name" => kind.clone().into(),
            "description" => Answer::null(),
            "createdAt" => {
                let all = listed(session, project, "").await?;
                let of_kind = all.iter().filter(|member| member.view.version.kind == *kind);
                of_kind.map(|member| member.since_ms).min().map(time).into()
            }
            "artifactCollection" | "artifactSequence" => {
                let found = named(session, project, said).await?;
                let fits = |member: &Member| {
                    member.view.version.kind == *kind
                        && !(member.of.portfolio && asked.name == "artifactSequence")
                };
                found
                    .filter(fits)
                    .map_or_else(Answer::null, |member| Answer::Link(Link::Collection(member.of)))
            }
            "artifactCollections" => page(asked, collections(session, project, Some(kind)).await?),
            "artifact" => artifact_named(session, project, said).await?,
            _ => return Ok(None),
        }))
    }
}
