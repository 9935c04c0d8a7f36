//! Serves sweeps.

use ::sweeps::lifecycle::sweep::{Closing, State};
use tonic::async_trait;

use super::{forms::time, search};
use crate::{
    api::wandb::{
        error::Fault,
        graphql::{Answer, Asked, Object},
        link::{Link, Page},
        names,
        session::Session,
    },
    app::{
        agents::heartbeat,
        read::views::{self, SweepView},
    },
};

/// A sweep.
pub(super) struct Sweep(pub(super) SweepView);

impl Sweep {
    async fn agents(&self, session: &Session) -> Result<Vec<Link>, Fault> {
        let SweepView { sweep, plan, .. } = &self.0;
        let (app, caller) = (session.app(), &session.caller);
        let all = heartbeat::list(app, caller, Some(sweep.id.clone())).await?;
        let link = |view| Link::Agent(Box::new(view), plan.project.clone());
        Ok(all.into_iter().map(link).collect())
    }
}

/// Returns the word of the client for the state of a sweep. A sweep that wants no new trial is
/// finished for the client, even if trials still run.
fn state(view: &SweepView) -> &'static str {
    match view.progress.state {
        State::Cancelled => "CANCELED",
        State::Finished => "FINISHED",
        _ if view.progress.closing == Some(Closing::Stopped) => "FINISHED",
        State::Paused => "PAUSED",
        State::Running => "RUNNING",
        State::Pending => "PENDING",
    }
}

#[async_trait]
impl Object for Sweep {
    fn kind(&self) -> &'static str {
        "Sweep"
    }

    async fn field(&self, session: &Session, asked: &Asked<'_>) -> Result<Option<Answer>, Fault> {
        let SweepView { sweep, plan, progress, started_ms, .. } = &self.0;
        let last_ms = progress.ended_ms.or(*started_ms).unwrap_or(sweep.created_ms);
        Ok(Some(match asked.name {
            "id" => names::id("Sweep", &[sweep.id.as_str()]).into(),
            "name" => sweep.id.as_str().into(),
            "displayName" => self.0.name().into(),
            "description" => plan.config.description.clone().into(),
            "method" => plan.method().into(),
            "state" => state(&self.0).into(),
            "config" => sweep.yaml.clone().into(),
            "createdAt" => time(sweep.created_ms).into(),
            "updatedAt" | "heartbeatAt" => time(last_ms).into(),
            "bestLoss" => progress.best_value.into(),
            "runCount" => progress.next_trial.into(),
            // Only a grid has a known number of runs: other sweeps may go on.
            "runCountExpected" => {
                plan.bound(progress.cap).filter(|_| plan.method() == "grid").into()
            }
            "runs" => search::runs(session, asked, &plan.project, Some(sweep.id.clone())).await?,
            "agents" => {
                let agents = self.agents(session).await?;
                Answer::Link(Link::Page(Page::only(agents)))
            }
            "agent" => {
                let name = asked.text("agentName").unwrap_or_default();
                let is_named =
                    |link: &Link| matches!(link, Link::Agent(view, _) if view.agent == name);
                let found = self.agents(session).await?.into_iter().find(is_named);
                found.map_or_else(Answer::null, Answer::Link)
            }
            "priorRuns" => {
                let runs = views::prior_runs(session.app(), &session.caller, sweep.id.clone());
                let link = |view| Link::Run(Box::new(view));
                Answer::Link(Link::Page(Page::only(runs.await?.into_iter().map(link).collect())))
            }
            "project" => Answer::Link(Link::Project(plan.project.clone())),
            "earlyStopJobRunning" => false.into(),
            "controller" | "scheduler" => Answer::null(),
            _ => return Ok(None),
        }))
    }
}
