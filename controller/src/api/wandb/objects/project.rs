//! Serves projects.

use record::ids::ProjectId;
use tonic::async_trait;

use super::people;
use crate::{
    api::wandb::{
        error::Fault,
        graphql::{Answer, Asked, Object},
        link::Link,
        names,
        session::Session,
    },
    app::{people::caller::Right, read::views, runs::lookup::Named},
};

/// A project.
pub(super) struct Project(pub(super) ProjectId);

impl Project {
    async fn run(&self, session: &Session, asked: &Asked<'_>) -> Result<Answer, Fault> {
        let name = asked.text("name").unwrap_or_default().to_owned();
        let project = format!("{}/{}", self.0.team(), self.0.name());
        let named = Named { id: None, project, name };
        let found = views::find_run(session.app(), &session.caller, named).await?;
        let run = |view| Answer::Link(Link::Run(Box::new(view)));
        Ok(found.map_or_else(Answer::null, run))
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
        Ok(Some(match asked.name {
            "id" => names::id("Project", &[name, team]).into(),
            "internalId" => {
                names::id("ProjectInternalId", &[&names::number(&self.0).to_string()]).into()
            }
            "name" => name.into(),
            "entityName" => team.into(),
            "entity" => people::entity(session, Some(team)).into(),
            "run" | "bucket" => self.run(session, asked).await?,
            "sweep" => self.sweep(session, asked).await?,
            "readOnly" => (!session.caller.may(Right::Log, &self.0, None)).into(),
            "isBenchmark" => false.into(),
            "access" => "PRIVATE".into(),
            "description" | "views" | "user" => Answer::null(),
            _ => return Ok(None),
        }))
    }
}
