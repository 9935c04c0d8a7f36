//! Serves runs.

use record::{Row, stream::StreamName};
use serde_json::{Map, Value as Json, json};
use sweeps::lifecycle::run::State;
use tokio_stream::StreamExt as _;
use tonic::async_trait;

use super::{
    collection, files,
    forms::{text, time},
    history, people,
};
use crate::{
    api::wandb::{
        config,
        error::Fault,
        graphql::{Answer, Asked, Object},
        lines,
        link::Link,
        names,
        session::Session,
    },
    app::{
        files::artifacts,
        read::{lines as ends, views::RunView},
    },
};

/// A run.
pub(super) struct Run(pub(super) RunView);

impl Run {
    async fn last(&self, session: &Session, stream: StreamName) -> Result<Option<Row>, Fault> {
        let id = self.0.run.id.clone();
        Ok(ends::last(session.app(), &session.caller, id, stream).await?)
    }

    async fn count(&self, session: &Session, stream: StreamName) -> Result<Answer, Fault> {
        let id = self.0.run.id.clone();
        Ok(ends::count(session.app(), &session.caller, id, stream).await?.into())
    }

    fn started_ms(&self) -> i64 {
        self.0.run.created_ms
    }

    async fn summary(&self, session: &Session) -> Result<String, Fault> {
        let mut summary: Map<String, Json> =
            serde_json::from_str(&self.0.summary_json).unwrap_or_default();
        let last = self.last(session, StreamName::History).await?;
        lines::complete(&mut summary, last.as_ref(), self.started_ms());
        Ok(Json::Object(summary).to_string())
    }

    /// Returns the versions of artifacts that the run has made, or those that it has used.
    async fn artifacts(
        &self,
        session: &Session,
        asked: &Asked<'_>,
        made: bool,
    ) -> Result<Answer, Fault> {
        let id = self.0.run.id.clone();
        let mut all = artifacts::of_run(session.app(), &session.caller, id).await?;
        let mut found = Vec::new();
        while let Some(of) = all.next().await {
            let of = of?;
            if of.made == made {
                found.push(Link::Artifact(Box::new(of.artifact)));
            }
        }
        Ok(collection::page(asked, found))
    }

    /// Returns those values that the client keeps about itself in the config which it asks for.
    fn client(&self, asked: &Asked<'_>) -> String {
        let mut client = config::client(&self.0);
        if let Some(keys) = asked.texts("keys") {
            client.retain(|key, _| keys.contains(key));
        }
        Json::Object(client).to_string()
    }

    /// Serves how far the run has been logged.
    async fn logged(&self, session: &Session, name: &str) -> Result<Option<Answer>, Fault> {
        let started_ms = self.started_ms();
        // The tail is a list with the last line, which is JSON in a text again.
        let tail = |line: Option<Json>| json!(line.map(|line| line.to_string()).as_slice());
        Ok(Some(match name {
            // All rows of a first attempt count, and the run has counted them.
            "historyLineCount" if self.0.run.attempt <= 1 => self.0.run.history.into(),
            "historyLineCount" => self.count(session, StreamName::History).await?,
            "eventsLineCount" => self.count(session, StreamName::System).await?,
            "logLineCount" => self.count(session, StreamName::Console).await?,
            "historyTail" => {
                let line = self.last(session, StreamName::History).await?;
                tail(line.map(|row| lines::write(&row, started_ms))).to_string().into()
            }
            "eventsTail" => {
                let line = self.last(session, StreamName::System).await?;
                tail(line.map(|row| lines::write_system(&row, started_ms))).to_string().into()
            }
            _ => return Ok(None),
        }))
    }
}

/// Returns the word of the client for the state of a run.
fn state(view: &RunView) -> &'static str {
    match view.run.state {
        State::Queued | State::Leased => "pending",
        State::Running if view.run.preempting => "preempting",
        State::Running => "running",
        State::Finished | State::Pruned => "finished",
        State::Preempted => "preempted",
        State::Failed => "failed",
        State::Crashed => "crashed",
        State::Stopped => "killed",
    }
}

#[async_trait]
impl Object for Run {
    fn kind(&self) -> &'static str {
        "Run"
    }

    async fn field(&self, session: &Session, asked: &Asked<'_>) -> Result<Option<Answer>, Fault> {
        let RunView { run, about, .. } = &self.0;
        let name = run.slug.as_deref().unwrap_or(run.id.as_str());
        let tags = || serde_json::from_str::<Json>(&run.tags).unwrap_or_default();
        Ok(Some(match asked.name {
            "id" => names::of_run(&run.id, &run.project).into(),
            "name" => name.into(),
            "displayName" => text(&run.name).unwrap_or_else(|| name.to_owned()).into(),
            "project" => Answer::Link(Link::Project(run.project.clone())),
            "projectId" => names::number(&run.project).into(),
            "notes" => text(&about.notes).into(),
            "description" => Answer::null(),
            "group" => text(&about.group).into(),
            "jobType" => text(&about.job_type).into(),
            "tags" => tags().into(),
            "state" => state(&self.0).into(),
            "config" => config::write(&self.0).into(),
            "wandbConfig" => self.client(asked).into(),
            "summaryMetrics" => self.summary(session).await?.into(),
            "sweepName" => {
                run.sweep.as_ref().or(about.joined.as_ref()).map(ToString::to_string).into()
            }
            "createdAt" => time(run.created_ms).into(),
            "heartbeatAt" => time(run.ended_ms.or(run.started_ms).unwrap_or(run.created_ms)).into(),
            "stopped" | "shouldStop" => run.stop_wanted.is_some().into(),
            "running" => run.state.is_live().into(),
            "failed" => matches!(run.state, State::Failed | State::Crashed).into(),
            "exitcode" => run.outcome.exit_code.into(),
            "readOnly" => false.into(),
            "user" => people::of_team(run.project.team()).into(),
            "commit" => Answer::null(),
            "files" => files::list(session, &run.id, asked).await?,
            "outputArtifacts" => self.artifacts(session, asked, true).await?,
            "inputArtifacts" => self.artifacts(session, asked, false).await?,
            "fileCount" => files::count(session, &run.id).await?.into(),
            "systemMetrics" => {
                let last = self.last(session, StreamName::System).await?;
                let line = last.map(|row| lines::write_system(&row, self.started_ms()));
                line.unwrap_or_else(|| json!({})).to_string().into()
            }
            name => match self.logged(session, name).await? {
                None => return history::field(session, &self.0, asked).await,
                logged => return Ok(logged),
            },
        }))
    }
}
