//! Shows runs as JSON: as rows of a table, and with everything that is known about one.

use serde::Serialize;
use serde_json::{Map, Value as Json};
use sweeps::{lifecycle::Class, stopping::Verdict};

use super::client::{self, ClassNames, CustomChart};
use crate::app::{
    read::{
        fields,
        filter::Name,
        views::{FailureView, RunView},
    },
    rows::metrics::{Goal, Metric},
    runs::edited::Edited,
    sweeps::explain::{Incumbent, Repeated},
};

/// A run as a row of a table.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct RunRow {
    id: String,
    name: String,
    team: String,
    project: String,
    sweep: Option<String>,
    trial: Option<u64>,
    state: String,
    attempt: u32,
    agent: String,
    tags: Vec<String>,
    group: String,
    job_type: String,
    notes: String,
    /// The best value of the sweep's metric.
    value: Option<f64>,
    /// The number of rows of its history.
    rows: u64,
    created_ms: i64,
    started_ms: Option<i64>,
    ended_ms: Option<i64>,
    /// The whole config, or the asked values under their names.
    #[cfg_attr(test, ts(type = "{ [key: string]: Json }"))]
    config: Map<String, Json>,
    /// The whole summary, or the asked values under their names.
    #[cfg_attr(test, ts(type = "{ [key: string]: Json }"))]
    summary: Map<String, Json>,
}

/// Everything that is known about a run.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct RunDetail {
    #[serde(flatten)]
    row: RunRow,
    /// The code and the machine, as the run's program describes them.
    #[cfg_attr(test, ts(type = "Json"))]
    code: Json,
    metrics: Vec<MetricDefinition>,
    /// How the search chose the trial's point; `null` if no search did.
    #[cfg_attr(test, ts(type = "Json"))]
    suggestion: Json,
    rungs: Vec<Rung>,
    failures: Vec<Failure>,
    incumbent: Option<BestBefore>,
    repeats: Option<Repeats>,
    outcome: Option<Outcome>,
    /// Whether the run is ordered to stop.
    stop_wanted: bool,
    /// The values that a trial's program added to the trial's parameters.
    #[cfg_attr(test, ts(type = "{ [key: string]: Json }"))]
    added_config: Map<String, Json>,
    /// The values of the summary that people have set.
    edits: Vec<SummaryEdit>,
    /// The name of the metric of the run's sweep.
    sweep_metric: Option<String>,
    note: String,
    /// The charts that W&B's client draws from logged tables.
    charts: Vec<CustomChart>,
    /// The names of the classes of boxes and masks, as W&B's client tells them.
    classes: Vec<ClassNames>,
}

/// A value of the summary that a person has set.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct SummaryEdit {
    key: String,
    /// The value that the program logged; `null` if it logged none.
    #[cfg_attr(test, ts(type = "Json"))]
    logged: Option<Json>,
    who: String,
    at_ms: i64,
}

/// How a metric is summed up.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct MetricDefinition {
    name: String,
    summary: Vec<String>,
    step_metric: String,
    goal: String,
}

/// A decision of early stopping.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct Rung {
    iteration: u64,
    value: f64,
    rank: u64,
    of: u64,
    threshold: Option<f64>,
    stop: bool,
}

/// A failed attempt.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct Failure {
    attempt: u32,
    class: String,
    agent: String,
    message: String,
    ended_ms: i64,
}

/// The best run that the search knew when it chose a run.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct BestBefore {
    run: String,
    value: f64,
    /// The number of runs that had ended.
    ended: u64,
}

/// A trial of an earlier sweep with the same parameters.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Repeats {
    sweep: String,
    value: f64,
}

/// How a run, or its newest attempt, ended.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct Outcome {
    state: String,
    class: String,
    exit_code: Option<i32>,
    signal: Option<i32>,
    message: String,
}

impl RunRow {
    /// Shows a run with these values of its config and summary, or with all if there are no names.
    pub(super) fn new(view: RunView, names: &[Name]) -> Self {
        let (config, summary) = fields::chosen(&view, names);
        Self::with(view, config, summary)
    }

    fn with(view: RunView, config: Map<String, Json>, summary: Map<String, Json>) -> Self {
        let RunView { run, about, .. } = view;
        Self {
            id: run.id.into(),
            name: run.name,
            team: run.project.team().to_owned(),
            project: run.project.name().to_owned(),
            sweep: run.sweep.map(Into::into),
            trial: run.trial,
            state: run.state.name().to_owned(),
            attempt: run.attempt,
            agent: run.agent.unwrap_or_default(),
            tags: serde_json::from_str(&run.tags).unwrap_or_default(),
            group: about.group,
            job_type: about.job_type,
            notes: about.notes,
            value: run.value,
            rows: run.history,
            created_ms: run.created_ms,
            started_ms: run.started_ms,
            ended_ms: run.ended_ms,
            config,
            summary,
        }
    }
}

impl RunDetail {
    /// Shows a run of which everything was read.
    pub(super) fn new(mut view: RunView) -> Self {
        let read = |json: &str| serde_json::from_str(json).unwrap_or(Json::Null);
        let ended = !view.run.state.is_live() || view.run.outcome.message.is_some();
        let outcome = ended.then(|| Outcome {
            state: view.run.state.name().to_owned(),
            class: view.run.outcome.class.map(Class::name).unwrap_or_default().to_owned(),
            exit_code: view.run.outcome.exit_code,
            signal: view.run.outcome.signal,
            message: view.run.outcome.message.clone().unwrap_or_default(),
        });
        let rungs = std::mem::take(&mut view.rungs);
        let own = serde_json::from_str(&view.about.client).unwrap_or_default();
        Self {
            code: read(&view.code_json),
            metrics: std::mem::take(&mut view.metrics).into_iter().map(Into::into).collect(),
            suggestion: suggestion(&view),
            rungs: rungs
                .into_iter()
                .map(|one| Rung {
                    iteration: one.iteration,
                    value: one.value,
                    rank: one.rank,
                    of: one.of,
                    threshold: one.threshold,
                    stop: one.verdict == Verdict::Stop,
                })
                .collect(),
            failures: std::mem::take(&mut view.failures).into_iter().map(Into::into).collect(),
            incumbent: view.incumbent.take().map(Into::into),
            repeats: view.repeats.take().map(Into::into),
            outcome,
            stop_wanted: view.run.stop_wanted.is_some(),
            added_config: serde_json::from_str(&view.about.added).unwrap_or_default(),
            edits: std::mem::take(&mut view.edits).into_iter().map(Into::into).collect(),
            sweep_metric: view.sweep_metric.take(),
            note: view.run.note.take().unwrap_or_default(),
            charts: client::charts(&own),
            classes: client::classes(&own),
            row: RunRow::new(view, &[]),
        }
    }
}

fn suggestion(view: &RunView) -> Json {
    let suggestion = &view.run.suggestion;
    let Some(origin) = &suggestion.origin else { return Json::Null };
    let read = |json: &str| serde_json::from_str::<Json>(json).unwrap_or(Json::Null);
    serde_json::json!({
        "origin": read(origin),
        "seen": suggestion.seen,
        "fit": suggestion.fit.as_deref().map(read),
        "engine": suggestion.engine,
    })
}

impl From<Metric> for MetricDefinition {
    fn from(Metric { name, summary, step_metric, goal }: Metric) -> Self {
        let summary = summary.into_iter().map(|way| way.name().to_owned()).collect();
        Self { name, summary, step_metric, goal: goal.map_or("", Goal::name).to_owned() }
    }
}

impl From<(Edited, Option<Json>)> for SummaryEdit {
    fn from((Edited { key, who, at_ms, .. }, logged): (Edited, Option<Json>)) -> Self {
        Self { key, logged, who, at_ms }
    }
}

impl From<FailureView> for Failure {
    fn from(failure: FailureView) -> Self {
        let FailureView { attempt, class, agent, message, ended_ms, .. } = failure;
        let (agent, message) = (agent.unwrap_or_default(), message.unwrap_or_default());
        Self { attempt, class: class.name().to_owned(), agent, message, ended_ms }
    }
}

impl From<Incumbent> for BestBefore {
    fn from(Incumbent { run, value, ended }: Incumbent) -> Self {
        Self { run: run.into(), value, ended }
    }
}

impl From<Repeated> for Repeats {
    fn from(Repeated { sweep, value }: Repeated) -> Self {
        Self { sweep: sweep.into(), value }
    }
}
