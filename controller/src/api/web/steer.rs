//! Serves what people do to sweeps: they create them, change their state, queue trials again, and
//! raise the cap.

use axum::{Json, extract::Path};
use record::ids::{ProjectId, SweepId};
use serde::{Deserialize, Serialize};
use sweeps::config::{self, Severity};

use super::{
    asked::{Body, Nothing},
    error::Problem,
    session::Call,
    sweeps::SweepDetail,
};
use crate::app::{
    read::views,
    sweeps::{
        check, extend,
        manage::{self, NewSweep, Wish},
    },
};

/// A configuration that a person is writing.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub(super) struct SweepDraft {
    yaml: String,
    /// Only checks the configuration.
    #[serde(default)]
    check: bool,
    /// A key that the caller chooses. A repeat with the same key creates no second sweep.
    #[serde(default)]
    key: Option<String>,
}

/// What became of a draft.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Checked {
    /// The new sweep; `null` if the draft has an error or is only to be checked.
    sweep: Option<SweepDetail>,
    /// Every problem, in the order of the lines.
    problems: Vec<YamlProblem>,
}

/// A problem of a configuration.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct YamlProblem {
    #[cfg_attr(test, ts(type = "\"error\" | \"warning\""))]
    severity: &'static str,
    /// The line, counted from 1, and its text.
    line: usize,
    text: String,
    /// The first and the last column, counted from 1 in characters.
    first: usize,
    last: usize,
    message: String,
    hint: Option<String>,
}

/// Checks a configuration, and creates a sweep from it if it has no error.
pub(super) async fn create(
    Path((team, project)): Path<(String, String)>,
    call: Call,
    Body(draft): Body<SweepDraft>,
) -> Result<Json<Checked>, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let project = ProjectId::new(&team, &project);
    let SweepDraft { yaml, check: only_check, key } = draft;
    let found = check::problems(&app, &caller, &project, yaml.clone()).await?;
    let problems = found.iter().map(|problem| YamlProblem::new(problem, &yaml)).collect();
    if only_check || found.iter().any(|problem| problem.severity == Severity::Error) {
        return Ok(Json(Checked { sweep: None, problems }));
    }
    let new = NewSweep { yaml, key, project: project.to_string(), ..NewSweep::default() };
    let sweep = manage::create(&app, &caller, new).await?;
    Ok(Json(Checked { sweep: Some(sweep.into()), problems }))
}

impl YamlProblem {
    fn new(problem: &config::Problem, yaml: &str) -> Self {
        let severity = match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let text = yaml.lines().nth(problem.line.saturating_sub(1)).unwrap_or_default();
        let (first, last) = problem.columns;
        Self {
            severity,
            line: problem.line,
            text: text.chars().take(LINE).collect(),
            first,
            last,
            message: problem.message.clone(),
            hint: problem.hint.clone(),
        }
    }
}

/// The most characters of a line that a problem shows.
const LINE: usize = 400;

/// The runs that a caller wants to run again.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields, default)]
pub(super) struct Again {
    runs: Vec<String>,
}

/// Queues runs of a sweep again; without a list, all that failed or crashed.
pub(super) async fn retry(
    Path(sweep): Path<String>,
    call: Call,
    Body(wanted): Body<Again>,
) -> Result<Json<SweepDetail>, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let (sweep, runs) = (SweepId::from(sweep), wanted.runs.into_iter().map(Into::into).collect());
    manage::retry(&app, &caller, sweep.clone(), runs).await?;
    Ok(Json(views::get_sweep(&app, &caller, sweep).await?.into()))
}

/// The trials that a caller wants to add to a sweep.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub(super) struct More {
    runs: u64,
    /// A key that the caller chooses. A repeat with the same key changes nothing.
    #[serde(default)]
    key: Option<String>,
}

/// Raises the cap of a sweep.
pub(super) async fn extend(
    Path(sweep): Path<String>,
    call: Call,
    Body(more): Body<More>,
) -> Result<Json<SweepDetail>, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    Ok(Json(extend::extend(&app, &caller, sweep.into(), more.runs, more.key).await?.into()))
}

/// Does to a sweep what a person wishes.
pub(super) async fn act(
    Path((sweep, deed)): Path<(String, String)>,
    call: Call,
) -> Result<Json<SweepDetail>, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let sweep = SweepId::from(sweep);
    let wish = match deed.as_str() {
        "pause" => Wish::Pause,
        "resume" => Wish::Resume,
        "stop" => Wish::Stop,
        "cancel" => Wish::Cancel,
        other => {
            let deeds = "pause, resume, stop, cancel, retry or extend";
            return Err(Problem::missing(format!("a sweep has no `{other}`: {deeds}")));
        }
    };
    Ok(Json(manage::change(&app, &caller, sweep, wish).await?.into()))
}
