//! Makes the charts of a sweep's trials: their history, the importance of the parameters, parallel
//! coordinates and slices.

use plots::{Bar, Bars, Chart, Column, Heading, History, Parallel, Slices};
use proto::v1::{self, ExplainSweep};
use serde_json::{Map, Value};
use sweeps::{
    config,
    space::{Distribution, Parameter},
};
use terminal::{Exit, Failure};

use super::chosen::{Drawing, Kind};
use crate::{
    connect::{self, Controller, nearest},
    view::{self, values},
};

/// Below this share of the variance, the surrogate predicts too little to trust its bars.
const BELIEVABLE: f64 = 0.3;
/// The most parameters that have a slice.
const MOST_SLICES: usize = 40;

/// The trials of a sweep, with their results.
pub(super) struct Trials<'s> {
    pub(super) sweep: &'s v1::Sweep,
    pub(super) runs: Vec<v1::Run>,
    /// The drawn metric. Empty: the sweep has none, and the user named none.
    pub(super) metric: String,
    pub(super) maximize: bool,
    /// The result of each run; NaN if it has none.
    pub(super) results: Vec<f64>,
}

impl<'s> Trials<'s> {
    /// Reads the trials. `metric`: takes the results from this key of the summary.
    pub(super) async fn read(
        controller: &Controller,
        sweep: &'s v1::Sweep,
        metric: Option<&str>,
    ) -> Result<Self, Failure> {
        let runs = controller.runs_of(&sweep.id).await?;
        let metric = metric.unwrap_or(&sweep.metric);
        let is_own = metric == sweep.metric;
        let mut definitions = runs.iter().flat_map(|run| &run.metrics);
        let maximize = match is_own {
            true => sweep.maximize,
            false => definitions.any(|one| one.name == metric && one.goal == "maximize"),
        };
        let result = |run: &v1::Run| match is_own {
            true => run.value.unwrap_or(f64::NAN),
            false => number(values::object(&run.summary_json).get(metric)),
        };
        let results = runs.iter().map(result).collect();
        Ok(Self { sweep, runs, metric: metric.to_owned(), maximize, results })
    }

    /// Describes the sweep: its id, its trials and its goal.
    pub(super) fn about(&self) -> String {
        let id = if self.sweep.name.is_empty() { None } else { Some(self.sweep.id.clone()) };
        let all = self.runs.len();
        let finished = match self.runs.iter().filter(|run| run.state == "finished").count() {
            finished if finished == all => "all finished".to_owned(),
            finished => format!("{} finished", plots::count(finished as u64)),
        };
        let noun = if all == 1 { "trial" } else { "trials" };
        let trials = format!("{} {noun}, {finished}", plots::count(all as u64));
        let better = if self.maximize { "higher" } else { "lower" };
        let goal = format!("{better} {} is better", self.metric);
        let goal = (!self.metric.is_empty()).then_some(goal);
        id.into_iter().chain([trials]).chain(goal).collect::<Vec<_>>().join(" · ")
    }

    /// Returns the title of a chart.
    pub(super) fn title(&self, kind: Kind) -> String {
        match kind {
            Kind::History | Kind::All => "Best so far".to_owned(),
            Kind::Importance => "What matters".to_owned(),
            Kind::Parallel => "All parameters".to_owned(),
            Kind::Slices => format!("{} along each parameter", self.metric),
            Kind::Curves => self.metric.clone(),
        }
    }

    pub(super) fn heading(&self, kind: Kind) -> Heading {
        let about = self.about();
        let about = if self.sweep.name.is_empty() {
            format!("{} · {about}", self.sweep.id)
        } else {
            format!("{} · {about}", self.sweep.name)
        };
        Heading { title: self.title(kind), about }
    }

    fn drawing(&self, kind: Kind, chart: Box<dyn Chart>, (drawn, of): (usize, usize)) -> Drawing {
        let noun = match kind {
            Kind::Importance | Kind::Slices => "parameter",
            _ => "trial",
        };
        Drawing { chart, heading: self.heading(kind), drawn: drawn as u64, of: of as u64, noun }
    }

    /// Returns the chart of all trials in their order.
    pub(super) fn history(&self) -> Result<Drawing, Failure> {
        self.with_results()?;
        let trial = |(at, run): (usize, &v1::Run)| run.trial.unwrap_or(at as u64) as f64;
        let trials: Vec<f64> = self.runs.iter().enumerate().map(trial).collect();
        let all = trials.len();
        let chart = History {
            trials: Column::linear("trial", trials),
            value: Column::linear(&self.metric, self.results.clone()),
            states: self.runs.iter().map(|run| run.state.clone()).collect(),
            counted: self.runs.iter().map(can_be_best).collect(),
            maximize: self.maximize,
        };
        Ok(self.drawing(Kind::History, Box::new(chart), (all, all)))
    }

    /// Returns the chart of all parameters and the result.
    pub(super) fn parallel(&self) -> Result<Drawing, Failure> {
        let rows = self.with_results()?;
        let mut columns = self.parameters(&rows)?;
        columns.push(self.result(&rows));
        let chart = Parallel { columns, maximize: self.maximize };
        let of = (rows.len(), self.runs.len());
        Ok(self.drawing(Kind::Parallel, Box::new(chart), of))
    }

    /// Returns the charts of the result along each parameter.
    pub(super) fn slices(&self) -> Result<Drawing, Failure> {
        let rows = self.with_results()?;
        let mut parameters = self.parameters(&rows)?;
        let all = parameters.len();
        parameters.truncate(MOST_SLICES);
        let drawn = parameters.len();
        let chart = Slices {
            parameters,
            value: self.result(&rows),
            states: rows.iter().map(|&row| self.runs[row].state.clone()).collect(),
            ids: rows.iter().map(|&row| self.runs[row].id.clone()).collect(),
        };
        Ok(self.drawing(Kind::Slices, Box::new(chart), (drawn, all)))
    }

    /// Asks for the explanation and returns the chart of the parameters' importance.
    pub(super) async fn importance(&self, controller: &Controller) -> Result<Drawing, Failure> {
        let id = &self.sweep.id;
        if self.metric != self.sweep.metric {
            let message = "the importance is known only for the metric of the sweep";
            return Err(Failure::new(Exit::Input, message).hint("leave out `--metric`"));
        }
        let wanted = ExplainSweep { sweep: id.clone(), parameters: Vec::new() };
        let answer = controller.dial().sweeps().explain(connect::within_patience(wanted)).await;
        let found = answer.map_err(|status| controller.failure(&status))?.into_inner();
        let weak = (found.accuracy < BELIEVABLE).then(|| {
            let share = (found.accuracy * 100.0).round();
            format!(
                "The surrogate predicts only {share} % of the variance, so these bars may be wrong."
            )
        });
        let bars: Vec<Bar> = found
            .importances
            .into_iter()
            .map(|one| Bar {
                name: one.parameter,
                value: one.total,
                alone: one.alone,
                range: (one.low, one.high),
            })
            .collect();
        let all = bars.len();
        let note = format!(
            "share of the variance, in full colour without interactions · n = {}, R² = {:.2}",
            plots::count(found.trials),
            found.accuracy
        );
        Ok(self.drawing(Kind::Importance, Box::new(Bars { bars, weak, note }), (all, all)))
    }

    /// Returns the rows that have a result. Fails if there are none.
    fn with_results(&self) -> Result<Vec<usize>, Failure> {
        let rows: Vec<usize> =
            (0..self.runs.len()).filter(|&row| !self.results[row].is_nan()).collect();
        if !rows.is_empty() {
            return Ok(rows);
        }
        let id = &self.sweep.id;
        if self.metric.is_empty() {
            let message = format!("sweep `{id}` has no metric, so its trials have no results");
            return Err(Failure::new(Exit::Refused, message)
                .hint("`--metric KEY` draws a value that the runs logged"));
        }
        if self.runs.is_empty() {
            let message = format!("sweep `{id}` has no trial yet");
            return Err(Failure::new(Exit::Refused, message)
                .hint(format!("`sweep show {id}` shows its progress")));
        }
        let metric = view::one_word(&self.metric);
        let failure = Failure::new(
            Exit::Refused,
            format!("no run of sweep `{id}` has a value of `{metric}`"),
        );
        let logged = self.runs.iter().flat_map(|run| values::object(&run.summary_json));
        Err(match nearest(&self.metric, logged.map(|(key, _)| key)) {
            Some(near) => failure.hint(format!("did you mean `{}`?", view::one_word(&near))),
            None => failure.hint(format!("`sweep show {id}` shows what its runs logged")),
        })
    }

    fn result(&self, rows: &[usize]) -> Column {
        let results = rows.iter().map(|&row| self.results[row]).collect();
        Column::numbers(&self.metric, results)
    }

    /// Returns the parameters that vary, with the values of some rows.
    pub(super) fn parameters(&self, rows: &[usize]) -> Result<Vec<Column>, Failure> {
        let space = config::check(&self.sweep.yaml).config.map(|config| config.space);
        let configs: Vec<Map<String, Value>> =
            rows.iter().map(|&row| values::object(&self.runs[row].config_json)).collect();
        let varied = space.iter().flat_map(|space| &space.parameters);
        let columns: Vec<Column> =
            varied.filter_map(|parameter| column(parameter, &configs)).collect();
        if columns.is_empty() {
            let message = format!("sweep `{}` has no parameter that varies", self.sweep.id);
            return Err(Failure::new(Exit::Refused, message));
        }
        Ok(columns)
    }
}

/// Returns whether the run has finished within all limits of its sweep.
fn can_be_best(run: &v1::Run) -> bool {
    run.state == "finished" && view::is_feasible(run)
}

/// Returns the values of a parameter. Its scale and its limits come from the space. `None`: the
/// parameter is a constant.
fn column(parameter: &Parameter, configs: &[Map<String, Value>]) -> Option<Column> {
    let name = parameter.path.join(".");
    let found = configs.iter().map(|config| {
        let (first, rest) = parameter.path.split_first()?;
        rest.iter().try_fold(config.get(first)?, |value, key| value.get(key))
    });
    let numbers = || found.clone().map(number).collect();
    match &parameter.distribution {
        Distribution::Constant(_) => None,
        Distribution::Categorical { values, .. } => {
            let texts = values.iter().map(text).collect();
            Some(Column::categories(&name, texts, found.map(|value| value.map(text))))
        }
        Distribution::IntUniform { min, max } => {
            Some(Column::linear(&name, numbers()).within(Some((*min as f64, *max as f64))))
        }
        Distribution::Real { law, .. } => {
            let column = match law.is_logarithmic() {
                true => Column::logarithmic(&name, numbers()),
                false => Column::linear(&name, numbers()),
            };
            Some(column.within(law.limits()))
        }
    }
}

fn number(value: Option<&Value>) -> f64 {
    match value {
        Some(Value::String(text)) if text == "Infinity" => f64::INFINITY,
        Some(Value::String(text)) if text == "-Infinity" => f64::NEG_INFINITY,
        value => value.and_then(Value::as_f64).unwrap_or(f64::NAN),
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
