//! Serves the agents of a sweep, W&B's and Besom's, as long as they are heard.

use record::ids::ProjectId;
use tonic::async_trait;

use super::{forms::time, search};
use crate::{
    api::wandb::{
        error::Fault,
        graphql::{Answer, Asked, Object},
        link::Link,
        names,
        session::Session,
    },
    app::{agents::heartbeat::AgentView, read::find},
};

/// An agent of a sweep.
pub(super) struct Agent {
    /// The agent.
    pub(super) view: AgentView,
    /// The project of the sweep.
    pub(super) project: ProjectId,
}

impl Agent {
    /// Returns when the agent got its first trial; if it has none yet, when it was heard last.
    async fn since_ms(&self, session: &Session) -> Result<i64, Fault> {
        let Self { view, project } = self;
        let search = search::of_agent(project, view.sweep.clone(), &view.agent)?;
        let (first, _) = find::page(session.app(), &session.caller, search, 0, 1).await?;
        Ok(first.first().map_or_else(|| self.heard_ms(session), |first| first.run.created_ms))
    }

    fn heard_ms(&self, session: &Session) -> i64 {
        let ago = i64::try_from(self.view.seen_ago.as_millis()).unwrap_or(i64::MAX);
        session.app().clock().wall_ms().saturating_sub(ago)
    }
}

#[async_trait]
impl Object for Agent {
    fn kind(&self) -> &'static str {
        "Agent"
    }

    async fn field(&self, session: &Session, asked: &Asked<'_>) -> Result<Option<Answer>, Fault> {
        let Self { view, project } = self;
        let search = || search::of_agent(project, view.sweep.clone(), &view.agent);
        Ok(Some(match asked.name {
            "id" => names::of_agent(&view.agent, &view.sweep, &view.host).into(),
            "name" => view.agent.clone().into(),
            "host" => view.host.clone().into(),
            "state" => "RUNNING".into(),
            "totalRuns" => {
                find::keys(session.app(), &session.caller, search()?).await?.len().into()
            }
            "createdAt" => time(self.since_ms(session).await?).into(),
            "heartbeatAt" => time(self.heard_ms(session)).into(),
            "runs" => Answer::Link(Link::Page(search::page(session, asked, search()?).await?)),
            _ => return Ok(None),
        }))
    }
}
