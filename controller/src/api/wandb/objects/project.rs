//! Serves projects.

use record::ids::ProjectId;
use tonic::async_trait;

use super::{collection, forms::time, people, search};
use crate::{
    api::wandb::{
        error::Fault,
        graphql::{Answer, Asked, Object},
        link::Link,
        names,
        session::Session,
    },
    app::{
        people::{caller::Right, things::Thing},
        read::{lists, projects, views},
        runs::lookup::Named,
    },
};

/// A project.
pub(super) struct Project(pub(super) ProjectId);

impl Project {
    async fn run(&self, session: &Session, asked: &Asked<'_>) -> Result<Answer, Fault> {
        let name = asked.text("name").unwrap_or_default().to_owned();
        let project = names::full(&self.0);
        let named = Named { id: None, project, name };
        let found = views::find_run(session.app(), &session.caller, named).await?;
        let run = |view| Answer::Link(Link::Run(Box::new(view)));
        Ok(found.map_or_else(Answer::null, run))
    }

    /// Returns the sweeps of the project, the newest first.
    async fn sweeps(&self, session: &Session) -> Result<Vec<Link>, Fault> {
        let mut all = lists::list_sweeps(session.app(), &session.caller, 0).await?;
        all.retain(|view| view.plan.project == self.0);
        Ok(all.into_iter().map(|view| Link::Sweep(Box::new(view))).collect())
    }

    async fn sweep(&self, session: &Session, asked: &Asked<'_>) -> Result<Answer, Fault> {
        let id = asked.text("sweepName").unwrap_or_default().into();
        let found = views::find_sweep(session.app(), &session.caller, &self.0, id).await?;
        let sweep = |view| Answer::Link(Link::Sweep(Box::new(view)));
        Ok(found.map_or_else(Answer::null, sweep))
    }
}

#[async_trait]
impl Object for Project {
    fn kind(&self) -> &'static str {
        "Project"
    }

    async fn field(&self, session: &Session, asked: &Asked<'_>) -> Result<Option<Answer>, Fault> {
        let (team, name) = (self.0.team(), self.0.name());
        let said = asked.text("name").unwrap_or_default();
        Ok(Some(match asked.name {
            "id" => names::id("Project", &[name, team]).into(),
            "internalId" => {
                names::id("ProjectInternalId", &[&names::number(&self.0).to_string()]).into()
            }
            "name" => name.into(),
            "entityName" => team.into(),
            "entity" => people::entity(session, Some(team)),
            "run" | "bucket" => self.run(session, asked).await?,
            "runs" => search::runs(session, asked, &self.0, None).await?,
            "runCount" => search::count(session, asked, &self.0).await?,
            "sweep" => self.sweep(session, asked).await?,
            "sweeps" => collection::page(asked, self.sweeps(session).await?),
            "totalSweeps" => self.sweeps(session).await?.len().into(),
            "createdAt" => {
                let created =
                    projects::created_ms(session.app(), &session.caller, self.0.clone()).await?;
                created.map(time).into()
            }
            "artifact" => collection::artifact_named(session, &self.0, said).await?,
            "artifactCollectionMembership" => {
                collection::membership_named(session, &self.0, said).await?
            }
            "artifactType" => {
                let is_said =
                    |link: &Link| matches!(link, Link::ArtifactType(_, kind) if kind == said);
                let found = collection::kinds(session, &self.0).await?.into_iter().find(is_said);
                found.map_or_else(Answer::null, Answer::Link)
            }
            "artifactTypes" => collection::page(asked, collection::kinds(session, &self.0).await?),
            "artifactCollection" => {
                let found = collection::find(session, &self.0, said).await?;
                found.map_or_else(Answer::null, |name| Answer::Link(Link::Collection(name)))
            }
            "artifactCollections" => {
                collection::page(asked, collection::collections(session, &self.0, None).await?)
            }
            "readOnly" => (!session.caller.may(Right::Log, &self.0, Thing::Project)).into(),
            "isBenchmark" => false.into(),
            "access" => "PRIVATE".into(),
            "user" => people::of_team(team).into(),
            "description" | "views" => Answer::null(),
            _ => return Ok(None),
        }))
    }
}
