//! Serves the first page: what runs now, and what needs a person.

use axum::Json;
use serde::Serialize;

use super::{
    asked::Nothing, error::Problem, fleet::AgentCard, projects::Project, rows::RunRow,
    session::Call, sweeps::SweepCard,
};
use crate::app::read::{
    filter::{Field, Name},
    overview::{self, Kind, Trouble},
};

/// What runs now, and what needs a person.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Overview {
    projects: Vec<Project>,
    /// The newest sweeps that are not over.
    sweeps: Vec<SweepCard>,
    /// The newest runs that are not over, without their configs and summaries.
    runs: Vec<RunRow>,
    /// The number of runs that are leased or running.
    running: u64,
    queued: u64,
    attention: Vec<Attention>,
    agents: Vec<AgentCard>,
}

/// Something that needs a person.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct Attention {
    #[cfg_attr(
        test,
        ts(type = "\"nan\" | \"agent_silent\" | \"crash_loop\" | \"disk_full\" | \
            \"failed\" | \"unserved\"")
    )]
    kind: &'static str,
    text: String,
    /// What to do about it.
    advice: String,
    run: Option<String>,
    sweep: Option<String>,
    team: Option<String>,
    project: Option<String>,
    at_ms: i64,
}

/// Returns what runs now, and what needs a person.
pub(super) async fn show(call: Call) -> Result<Json<Overview>, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let now_ms = app.clock().wall_ms();
    let found = overview::read(&app, &caller).await?;
    // A name of no value leaves the configs and the summaries out.
    let names = [Name::Field(Field::Id)];
    Ok(Json(Overview {
        projects: found.projects.into_iter().map(Into::into).collect(),
        sweeps: found.sweeps.into_iter().map(Into::into).collect(),
        runs: found.runs.into_iter().map(|view| RunRow::new(view, &names)).collect(),
        running: found.running,
        queued: found.queued,
        attention: found.troubles.into_iter().map(Into::into).collect(),
        agents: found.agents.into_iter().map(|agent| AgentCard::new(agent, now_ms)).collect(),
    }))
}

impl From<Trouble> for Attention {
    fn from(trouble: Trouble) -> Self {
        let kind = match trouble.kind {
            Kind::NotANumber => "nan",
            Kind::AgentSilent => "agent_silent",
            Kind::CrashLoop => "crash_loop",
            Kind::DiskFull => "disk_full",
            Kind::Failed => "failed",
            Kind::Unserved => "unserved",
        };
        let project = trouble.project;
        Self {
            kind,
            text: trouble.text,
            advice: trouble.advice,
            run: trouble.run.map(Into::into),
            sweep: trouble.sweep.map(Into::into),
            team: project.as_ref().map(|project| project.team().to_owned()),
            project: project.as_ref().map(|project| project.name().to_owned()),
            at_ms: trouble.at_ms,
        }
    }
}
