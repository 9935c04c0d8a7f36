//! Serves the mutations.

use serde_json::json;
use tonic::async_trait;

use super::{collecting, deleting, files, making, people, sweeping};
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
        files::signed,
        people::{caller::Right, permit},
        read::views::{self, RunView},
        rows::lines::summarize,
        runs::{
            lookup::Named,
            orders::{self, Given},
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
            "upsertModel" => create_project(session, &input)?,
            "stopRun" => {
                let id = input.text("id").and_then(names::run).ok_or_else(no_run)?;
                orders::stop(session.app(), &session.caller, id).await?;
                json!({ "success": true }).into()
            }
            "deleteRun" => deleting::run(session, &input).await?,
            "deleteFiles" => deleting::files(session, &input).await?,
            "updateRunState" => {
                let id = input.text("id").and_then(names::run).ok_or_else(no_run)?;
                let given = given(input.text("state").unwrap_or_default())?;
                orders::give_state(session.app(), &session.caller, id, given).await?;
                json!({ "success": true }).into()
            }
            "notifyScriptableRunAlert" => {
                let text = |name: &str| input.text(name).unwrap_or_default();
                let note = format!("{}: {} ({})", text("title"), text("text"), text("severity"));
                let run = named(&input, "projectName", "runName");
                orders::note(session.app(), &session.caller, run, note).await?;
                json!({ "success": true }).into()
            }
            "createArtifact" => making::create(session, &input).await?,
            "createArtifactManifest" => making::create_manifest(session, &input).await?,
            "updateArtifactManifest" => making::update_manifest(session, &input).await?,
            "createArtifactFiles" => making::create_files(session, &input).await?,
            "commitArtifact" => making::commit(session, &input).await?,
            "useArtifact" => making::use_one(session, &input).await?,
            "addAliases" => making::alias(session, &input, true).await?,
            "deleteAliases" => making::alias(session, &input, false).await?,
            "updateArtifact" => making::update(session, &input).await?,
            "linkArtifact" => making::link(session, &input).await?,
            "unlinkArtifact" => making::unlink(session, &input).await?,
            "deleteArtifact" => making::delete(session, &input).await?,
            "rewindRun" => {
                let message =
                    "no run goes back to an earlier step: resume it without `resume_from`";
                return Err(Fault::wrong(message));
            }
            "createTeam" | "createInvite" | "deleteInvite" | "createServiceAccount" => {
                return Err(people::unchanged());
            }
            "upsertSweep" => sweeping::upsert(session, &input).await?,
            "createAgent" => sweeping::create_agent(session, &input).await?,
            "agentHeartbeat" => sweeping::heartbeat(session, &input).await?,
            name => return collecting::field(session, name, &input).await,
        }))
    }
}

/// Reads a state that the client gives to a run.
fn given(state: &str) -> Result<Given, Fault> {
    match state.to_ascii_lowercase().as_str() {
        "pending" => Ok(Given::Pending),
        "failed" => Ok(Given::Failed),
        _ => Err(Fault::wrong(format!(
            "the state of a run becomes pending or failed, not `{state}`"
        ))),
    }
}

fn no_run() -> Fault {
    Fault::wrong("the argument `id` is no id of a run")
}

/// Answers as if a project had been created: a project exists once it has a run or a sweep.
fn create_project(session: &Session, input: &Asked<'_>) -> Result<Answer, Fault> {
    let said = names::project(input.text("entityName"), input.text("name"));
    let found = permit::project(&session.caller, Right::Log, &said)?;
    let project = found.ok_or_else(|| Fault::wrong(format!("you may not log to `{said}`")))?;
    let described = json!({
        "__typename": "Project",
        "id": names::id("Project", &[project.name(), project.team()]),
        "name": project.name(),
        "entityName": project.team(),
        "description": null,
        "access": "PRIVATE",
        "views": null,
    });
    Ok(json!({ "project": described, "model": described, "inserted": false }).into())
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
        sweep: text("sweep").filter(|sweep| !sweep.is_empty()).map(Into::into),
    };
    let (app, caller) = (session.app(), &session.caller);
    let Upserted { mut view, inserted } = upsert(app, caller, said).await?;
    if let Some(text) = input.text("summaryMetrics") {
        let row = lines::summary(text, app.clock().wall_ms());
        let row = row.ok_or_else(|| Fault::wrong("`summaryMetrics` is no JSON object"))?;
        let id = view.run.id.clone();
        summarize(app, caller, id.clone(), row).await?;
        if let Ok(changed) = views::get_run(app, caller, id).await {
            view = changed;
        }
    }
    Ok(UpsertBucket { run: view, inserted })
}

async fn create_run_files(session: &Session, input: &Asked<'_>) -> Result<Answer, Fault> {
    let named = named(input, "projectName", "runName");
    let of = signed::attempt(session.app(), &session.caller, named).await?;
    let paths = input.texts("files").unwrap_or_default();
    let files = files::uploads(session, &of, &paths)?;
    Ok(json!({ "runID": of.run.as_str(), "uploadHeaders": [], "files": files }).into())
}
