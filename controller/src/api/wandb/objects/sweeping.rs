//! Serves the mutations with which the client creates sweeps and works on them.

use ::sweeps::config::NO_PROGRAM;
use record::ids::SweepId;
use serde_json::{Map, Value as Json, json};
use tonic::async_trait;

use crate::{
    api::wandb::{
        error::Fault,
        graphql::{Answer, Asked, Object},
        link::Link,
        names,
        session::Session,
    },
    app::{
        agents::{
            foreign::{self, Poll},
            messages::Start,
        },
        read::views::SweepView,
        sweeps::{
            edit::{Edit, edit},
            manage::{self, NewSweep, Wish},
            plan::Plan,
        },
    },
};

/// The answer to the upsert of a sweep.
struct UpsertSweep(SweepView);

#[async_trait]
impl Object for UpsertSweep {
    fn kind(&self) -> &'static str {
        "UpsertSweepPayload"
    }

    async fn field(&self, _: &Session, asked: &Asked<'_>) -> Result<Option<Answer>, Fault> {
        Ok(Some(match asked.name {
            "sweep" => Answer::Link(Link::Sweep(Box::new(self.0.clone()))),
            "configValidationWarnings" => {
                // `wandb.sweep` mostly has no program, and the client would call that malformed.
                let is_news = |warning: &&String| !warning.contains(NO_PROGRAM);
                let warnings: Vec<&String> = self.0.warnings.iter().filter(is_news).collect();
                json!(warnings).into()
            }
            _ => return Ok(None),
        }))
    }
}

/// Changes the state or the name of a sweep. The client sends the sweep's configuration each time.
async fn change(session: &Session, input: &Asked<'_>, id: SweepId) -> Result<SweepView, Fault> {
    let (app, caller) = (session.app(), &session.caller);
    let wish = match input.text("state").map(str::to_uppercase).as_deref() {
        None => {
            let text = |name: &str| input.text(name).map(str::to_owned);
            let outside = ["controller", "scheduler", "launchScheduler"];
            if let Some(key) = outside.into_iter().find(|key| input.text(key).is_some()) {
                let message = format!(
                    "Besom serves no `{key}` of a sweep: its own search hands out the trials"
                );
                return Err(Fault::wrong(message));
            }
            let said = Edit { name: text("displayName"), yaml: text("config") };
            return Ok(edit(app, caller, id, said).await?);
        }
        Some("PAUSED") => Wish::Pause,
        Some("RUNNING") => Wish::Resume,
        Some("FINISHED") => Wish::Stop,
        Some("CANCELED" | "CANCELLED") => Wish::Cancel,
        Some(other) => {
            let message = format!(
                "the state of a sweep becomes RUNNING, PAUSED, FINISHED or CANCELED, not `{other}`"
            );
            return Err(Fault::wrong(message));
        }
    };
    Ok(manage::change(app, caller, id, wish).await?)
}

/// Returns the names of the runs that a new sweep is given. The client sends them as a filter of
/// runs: `{"$or": [{"name": "a"}, {"name": "b"}]}`.
fn prior_runs(input: &Asked<'_>) -> Result<Vec<String>, Fault> {
    let Some(filter) = input.json_text("priorRunsFilters")? else { return Ok(Vec::new()) };
    let wrong = || Fault::wrong("Besom takes prior runs by their names only: `prior_runs=[...]`");
    let parts = filter.get("$or").and_then(Json::as_array).ok_or_else(wrong)?;
    let name = |part: &Json| {
        let only = part.as_object().filter(|part| part.len() == 1)?;
        only.get("name")?.as_str().map(str::to_owned)
    };
    parts.iter().map(|part| name(part).ok_or_else(wrong)).collect()
}

/// Creates a sweep, or changes the state or the name of one.
pub(super) async fn upsert(session: &Session, input: &Asked<'_>) -> Result<Answer, Fault> {
    let (app, caller) = (session.app(), &session.caller);
    let view = match input.text("id") {
        Some(id) => {
            let id = names::sweep(id).ok_or_else(|| Fault::wrong("this is no id of a sweep"))?;
            change(session, input, id).await?
        }
        None => {
            let new = NewSweep {
                yaml: input.text("config").unwrap_or_default().to_owned(),
                project: names::project(input.text("entityName"), input.text("projectName")),
                prior_runs: prior_runs(input)?,
                ..NewSweep::default()
            };
            manage::create(app, caller, new).await?
        }
    };
    Ok(Answer::Object(Box::new(UpsertSweep(view))))
}

/// Makes an agent. Its id says all that its heartbeats need.
pub(super) async fn create_agent(session: &Session, input: &Asked<'_>) -> Result<Answer, Fault> {
    let project = names::project(input.text("entityName"), input.text("projectName"));
    let sweep: SweepId = input.text("sweep").unwrap_or_default().into();
    let agent = foreign::register(session.app(), &session.caller, &project, &sweep).await?;
    let host = input.text("host").unwrap_or_default();
    let id = names::of_agent(&agent, &sweep, host);
    Ok(json!({ "agent": { "id": id, "name": agent } }).into())
}

/// Answers the heartbeat of an agent with commands.
pub(super) async fn heartbeat(session: &Session, input: &Asked<'_>) -> Result<Answer, Fault> {
    let id = input.text("id").unwrap_or_default();
    let (agent, sweep, host) =
        names::agent(id).ok_or_else(|| Fault::wrong("this is no id of an agent"))?;
    let states = input.json_text("runState")?.unwrap_or_default();
    let live = states.as_object().into_iter().flatten();
    let live = live.filter(|(_, state)| **state == Json::Bool(true));
    let live = live.map(|(run, _)| run.as_str().into()).collect();
    let poll = Poll { agent, host, sweep, live };
    let answer = foreign::poll(session.app(), &session.caller, poll).await?;
    let stop = answer.stop.iter().map(|run| json!({ "type": "stop", "run_id": run.as_str() }));
    let start = answer.start.iter().map(|start| command(start, &answer.plan));
    let mut commands: Vec<Json> = stop.chain(start).collect();
    if answer.is_over {
        commands.push(json!({ "type": "exit" }));
    }
    let commands = Json::Array(commands).to_string();
    Ok(json!({ "agent": { "id": id }, "commands": commands }).into())
}

/// Returns the command to start a trial.
fn command(start: &Start, plan: &Plan) -> Json {
    let params: Map<String, Json> = serde_json::from_str(&start.params_json).unwrap_or_default();
    let args: Map<String, Json> =
        params.into_iter().map(|(key, value)| (key, json!({ "value": value }))).collect();
    json!({
        "type": "run",
        "run_id": start.of.run.as_str(),
        "run_storage_id": names::of_run(&start.of.run, &start.project),
        "program": plan.config.program,
        "args": args,
        "logs": [],
    })
}
