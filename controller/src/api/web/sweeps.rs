//! Serves sweeps: lists of them, and one with everything.

use axum::{Json, extract::Path};
use record::ids::ProjectId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sweeps::{
    lifecycle::sweep::Closing,
    search::Constraint,
    space::{self, Distribution},
};

use super::{asked::Nothing, error::Problem, rows::Repeats, session::Call};
use crate::app::{
    people::things::Thing,
    read::{
        lists, projects,
        views::{self, SweepView},
    },
};

/// The sweeps of a page, unless the caller asks for another number.
const PAGE: usize = 100;
/// The most sweeps of a page.
const MOST: usize = 500;

/// A sweep in a list.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct SweepCard {
    id: String,
    name: String,
    team: String,
    project: String,
    method: String,
    state: String,
    /// Why the sweep wants no new trial; empty if it wants trials.
    closing: String,
    /// Why the sweep hands out no new trials, for people; empty if it does.
    note: String,
    metric: String,
    maximize: bool,
    target: Option<f64>,
    counts: RunCounts,
    trials_bound: Option<u64>,
    best_run: Option<String>,
    best_value: Option<f64>,
    created_ms: i64,
    started_ms: Option<i64>,
    ended_ms: Option<i64>,
}

/// The numbers of a sweep's runs in each state.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct RunCounts {
    queued: u64,
    leased: u64,
    running: u64,
    finished: u64,
    failed: u64,
    crashed: u64,
    stopped: u64,
    pruned: u64,
    /// The number of all trials.
    trials: u64,
}

/// Everything that is known about a sweep.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct SweepDetail {
    #[serde(flatten)]
    card: SweepCard,
    yaml: String,
    warnings: Vec<String>,
    /// The seed of the search, as a text, because it may be beyond what a number holds exactly.
    seed: String,
    early_terminate: String,
    limits: Vec<Limit>,
    parameters: Vec<Parameter>,
    description: String,
    /// The number of trials of earlier sweeps that the search knows.
    earlier_trials: u64,
    repeats: Option<Repeats>,
    /// The `run_cap` of the configuration.
    run_cap: Option<u64>,
    /// The cap to which people have raised it; `null` if nobody has.
    raised_cap: Option<u64>,
}

/// A constraint on another metric.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct Limit {
    metric: String,
    min: Option<f64>,
    max: Option<f64>,
}

/// A parameter of the space.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct Parameter {
    /// The path of its keys, joined by `.`.
    name: String,
    #[cfg_attr(test, ts(type = "\"number\" | \"integer\" | \"categorical\" | \"constant\""))]
    kind: &'static str,
    #[cfg_attr(test, ts(type = "\"linear\" | \"log\""))]
    scale: &'static str,
    /// The least value; `null` if there is none.
    low: Option<f64>,
    /// The largest value; `null` if there is none.
    high: Option<f64>,
    /// The values of a categorical or constant parameter.
    #[cfg_attr(test, ts(type = "Json[]"))]
    values: Vec<Value>,
}

/// The sweeps that a caller asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Asked {
    from: usize,
    limit: usize,
}

impl Default for Asked {
    fn default() -> Self {
        Self { from: 0, limit: PAGE }
    }
}

/// A page of sweeps.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Sweeps {
    sweeps: Vec<SweepCard>,
    /// The number of all sweeps of the project.
    total: u64,
}

/// Returns a page of the sweeps of a project, the newest first.
pub(super) async fn list(
    Path((team, project)): Path<(String, String)>,
    call: Call<Asked>,
) -> Result<Json<Sweeps>, Problem> {
    let Call { app, caller, asked } = call;
    let project =
        projects::find(&app, &caller, ProjectId::new(&team, &project), Thing::Project).await?;
    let (from, limit) = (asked.from, asked.limit.min(MOST));
    let found = lists::page_of_sweeps(&app, &caller, Some(project), from, limit).await?;
    let (sweeps, total) = (found.0.into_iter().map(Into::into).collect(), found.1 as u64);
    Ok(Json(Sweeps { sweeps, total }))
}

/// Returns everything that is known about a sweep.
pub(super) async fn show(
    Path(sweep): Path<String>,
    call: Call,
) -> Result<Json<SweepDetail>, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    Ok(Json(views::get_sweep(&app, &caller, sweep.into()).await?.into()))
}

impl From<SweepView> for SweepCard {
    fn from(view: SweepView) -> Self {
        let name = view.name().unwrap_or_default().to_owned();
        let SweepView { sweep, plan, progress, note, started_ms, .. } = view;
        let metric = plan.metric();
        Self {
            id: sweep.id.into(),
            name,
            team: plan.project.team().to_owned(),
            project: plan.project.name().to_owned(),
            method: plan.method().to_owned(),
            state: progress.state.name().to_owned(),
            closing: progress.closing.map_or("", Closing::name).to_owned(),
            note: note.unwrap_or_default(),
            metric: metric.map(|metric| metric.name.clone()).unwrap_or_default(),
            maximize: plan.study.maximize,
            target: metric.and_then(|metric| metric.target),
            counts: RunCounts {
                queued: progress.queued,
                leased: progress.leased,
                running: progress.running,
                finished: progress.finished,
                failed: progress.failed,
                crashed: progress.crashed,
                stopped: progress.stopped,
                pruned: progress.pruned,
                trials: progress.next_trial,
            },
            trials_bound: plan.bound(progress.cap),
            best_run: progress.best_run.map(Into::into),
            best_value: progress.best_value,
            created_ms: sweep.created_ms,
            started_ms,
            ended_ms: progress.ended_ms,
        }
    }
}

impl From<SweepView> for SweepDetail {
    fn from(mut view: SweepView) -> Self {
        let plan = view.plan.clone();
        let early = plan.config.early_terminate.as_ref();
        Self {
            yaml: std::mem::take(&mut view.sweep.yaml),
            warnings: std::mem::take(&mut view.warnings),
            seed: view.sweep.seed.to_string(),
            early_terminate: early.map(ToString::to_string).unwrap_or_default(),
            limits: plan.study.constraints.iter().map(Into::into).collect(),
            parameters: plan.study.space.parameters.iter().map(Into::into).collect(),
            description: plan.config.description.clone().unwrap_or_default(),
            earlier_trials: plan.study.earlier.len() as u64,
            repeats: view.repeats.take().map(Into::into),
            run_cap: plan.config.run_cap,
            raised_cap: view.progress.cap,
            card: view.into(),
        }
    }
}

impl From<&Constraint> for Limit {
    fn from(limit: &Constraint) -> Self {
        let (min, max) = limit.bounds();
        Self { metric: limit.metric.clone(), min, max }
    }
}

impl From<&space::Parameter> for Parameter {
    fn from(parameter: &space::Parameter) -> Self {
        let name = parameter.path.join(".");
        let is_whole = |quantum: &Option<space::Quantum>| {
            quantum.is_some_and(|quantum| quantum.integer && quantum.step.fract() == 0.0)
        };
        let (kind, scale, bounds, values) = match &parameter.distribution {
            Distribution::Constant(value) => ("constant", "linear", None, vec![value.clone()]),
            Distribution::Categorical { values, .. } => {
                ("categorical", "linear", None, values.clone())
            }
            Distribution::IntUniform { min, max } => {
                ("integer", "linear", Some((*min as f64, *max as f64)), Vec::new())
            }
            Distribution::Real { law, quantum } => {
                let kind = if is_whole(quantum) { "integer" } else { "number" };
                let scale = if law.is_logarithmic() { "log" } else { "linear" };
                (kind, scale, law.limits(), Vec::new())
            }
        };
        let (low, high) = bounds.unzip();
        Self { name, kind, scale, low, high, values }
    }
}
