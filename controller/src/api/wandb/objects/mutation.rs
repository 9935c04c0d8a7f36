//! Serves the mutations.

use serde_json::json;
use tonic::async_trait;

use super::{files, sweeping};
use crate::{
    api::wandb::{
        config,
        error::Fault,
        graphql::{Answer, Asked, Object},
        link::Link,
        names,
        session::Session,
    },
    app::{
        files::signed,
        read::views::RunView,
        runs::{
            lookup::Named,
            upsert::{Upsert, Upserted, upsert},
        },
    },
};

/// The object at the root of every mutation.
pub(super) struct Mutation;

#[async_trait]
impl Object for Mutation {
    fn kind(&self) -> &'static str {
        "Mutation"
    }

    async fn field(&self, session: &Session, asked: &Asked<'_>) -> Result<Option<Answer>, Fault> {
        let input = asked.input();
        Ok(Some(match asked.name {
            "upsertBucket" => Answer::Object(Box::new(upsert_bucket(session, &input).await?)),
            "createRunFiles" => create_run_files(session, &input).await?,
            "upsertSweep" => sweeping::upsert(session, &input).await?,
            "createAgent" => sweeping::create_agent(session, &input).await?,
            "agentHeartbeat" => sweeping::heartbeat(session, &input).await?,
            _ => return Ok(None),
        }))
    }
}

/// Returns the run that the arguments of a mutation name.
fn named(input: &Asked<'_>, project: &str, name: &str) -> Named {
    Named {
        id: None,
        project: names::project(input.text("entityName"), input.text(project)),
        name: input.text(name).unwrap_or_default().to_owned(),
    }
}

/// The answer to the upsert of a run.
struct UpsertBucket {
    run: RunView,
    inserted: bool,
}

#[async_trait]
impl Object for UpsertBucket {
    fn kind(&self) -> &'static str {
        "UpsertBucketPayload"
    }

    async fn field(&self, _: &Session, asked: &Asked<'_>) -> Result<Option<Answer>, Fault> {
        Ok(Some(match asked.name {
            "bucket" => Answer::Link(Link::Run(Box::new(self.run.clone()))),
            "inserted" => self.inserted.into(),
            "serverSettings" => json!({ "serverMessages": [] }).into(),
            _ => return Ok(None),
        }))
    }
}

async fn upsert_bucket(session: &Session, input: &Asked<'_>) -> Result<UpsertBucket, Fault> {
    let text = |name: &str| input.text(name).map(str::to_owned);
    let run =
        Named { id: input.text("id").and_then(names::run), ..named(input, "modelName", "name") };
    let said = Upsert {
        run,
        title: text("displayName"),
        notes: text("notes"),
        group: text("groupName"),
        job_type: text("jobType"),
        tags: input.texts("tags"),
        config: input.json_text("config")?.map(config::read),
        shared: session.shared,
    };
    let Upserted { view, inserted } = upsert(session.app(), &session.caller, said).await?;
    Ok(UpsertBucket { run: view, inserted })
}

async fn create_run_files(session: &Session, input: &Asked<'_>) -> Result<Answer, Fault> {
    let named = named(input, "projectName", "runName");
    let of = signed::attempt(session.app(), &session.caller, named).await?;
    let paths = input.texts("files").unwrap_or_default();
    let files = files::uploads(session, &of, &paths)?;
    Ok(json!({ "runID": of.run.as_str(), "uploadHeaders": [], "files": files }).into())
}
