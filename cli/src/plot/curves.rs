//! Makes the charts of curves: a metric of some runs over their steps. The controller reduces each
//! curve to few buckets, and only the chosen runs are read.

use plots::{Heading, Lines, Point, Series};
use proto::v1::{self, CurveBucket, HistoryKeys, ReadCurve};
use terminal::{Exit, Failure};

use super::{
    chosen::{Args, Drawing, Kind, name_of},
    trials::Trials,
};
use crate::{
    connect::{Controller, nearest, within_patience},
    view,
};

/// The runs that are drawn without `--all`: the best and the newest, as in the dashboard.
const BEST: usize = 10;
const NEWEST: usize = 5;
/// The most runs that `--all` draws.
const MOST: usize = 500;
/// The most buckets of a curve, and of a curve among many.
const BUCKETS: u32 = 800;
const FEW_BUCKETS: u32 = 200;

/// Returns the curves of a sweep's runs.
pub(super) async fn of_sweep(
    controller: &Controller,
    args: &Args,
    trials: &Trials<'_>,
) -> Result<Drawing, Failure> {
    let id = &trials.sweep.id;
    if trials.metric.is_empty() {
        let message = format!("sweep `{id}` has no metric");
        return Err(Failure::new(Exit::Refused, message)
            .hint("`--metric KEY` draws the curves of another key"));
    }
    let (chosen, of) = chosen(trials, args.all);
    let series = read(controller, args, &chosen, &trials.metric).await?;
    if series.is_empty() {
        return Err(not_logged(controller, &chosen, &trials.metric, &format!("sweep `{id}`")).await);
    }
    let drawn = series.len() as u64;
    let note =
        (drawn < of).then(|| format!("{} of {} runs drawn", plots::count(drawn), plots::count(of)));
    Ok(drawing(args, series, trials.heading(Kind::Curves), note, of))
}

/// Returns the curve of one run.
pub(super) async fn of_run(
    controller: &Controller,
    args: &Args,
    run: &v1::Run,
) -> Result<Drawing, Failure> {
    let metric = match &args.metric {
        Some(metric) => metric.clone(),
        None if run.sweep.is_empty() => String::new(),
        None => controller.sweep(&run.sweep).await?.metric,
    };
    let named = format!("run `{}`", run.id);
    if metric.is_empty() {
        let failure = Failure::new(Exit::Input, format!("{named} has no metric of a sweep"));
        return Err(
            failure.hint(format!("`--metric KEY` draws a key; {}", keys(controller, run).await))
        );
    }
    let series = read(controller, args, &[run], &metric).await?;
    if series.is_empty() {
        return Err(not_logged(controller, &[run], &metric, &named).await);
    }
    let mut parts = vec![name_of(&run.name, &run.id)];
    parts.extend((!run.name.is_empty()).then(|| run.id.clone()));
    parts.push(run.state.clone());
    let heading = Heading { title: metric, about: parts.join(" · ") };
    Ok(drawing(args, series, heading, None, 1))
}

fn drawing(
    args: &Args,
    series: Vec<Series>,
    heading: Heading,
    note: Option<String>,
    of: u64,
) -> Drawing {
    let drawn = series.len() as u64;
    let chart = Lines { x_name: "step".to_owned(), series, smooth: args.smooth, note };
    Drawing { chart: Box::new(chart), heading, drawn, of, noun: "run" }
}

/// Returns the runs to draw, the best first, and the number of runs that may have curves.
pub(super) fn chosen<'t>(trials: &'t Trials<'_>, all: bool) -> (Vec<&'t v1::Run>, u64) {
    let is_started = |run: &v1::Run| !matches!(run.state.as_str(), "queued" | "leased");
    let started: Vec<(&v1::Run, f64)> = trials
        .runs
        .iter()
        .zip(trials.results.iter().copied())
        .filter(|(run, _)| is_started(run))
        .collect();
    let cost = |result: f64| if trials.maximize { -result } else { result };
    let mut rated = started.clone();
    rated.sort_by(|(_, a), (_, b)| a.is_nan().cmp(&b.is_nan()).then(cost(*a).total_cmp(&cost(*b))));
    let (best, newest) = match rated.iter().filter(|(_, result)| !result.is_nan()).count() {
        _ if all => (MOST, 0),
        0 => (0, BEST),
        rated => (BEST.min(rated), NEWEST),
    };
    let of = started.len() as u64;
    let mut runs: Vec<&v1::Run> = rated.into_iter().take(best).map(|(run, _)| run).collect();
    for (run, _) in started.into_iter().rev().take(newest) {
        if runs.iter().all(|known| known.id != run.id) {
            runs.push(run);
        }
    }
    (runs, of)
}

/// Reads the curves of runs, one after the other. Leaves out runs without a point.
async fn read(
    controller: &Controller,
    args: &Args,
    runs: &[&v1::Run],
    metric: &str,
) -> Result<Vec<Series>, Failure> {
    // A curve needs no more buckets than the picture has pixels.
    let most = if runs.len() > 50 { FEW_BUCKETS } else { BUCKETS };
    let buckets = args.width.unwrap_or(most).next_multiple_of(FEW_BUCKETS).min(most);
    let mut all = Vec::new();
    for run in runs {
        let keys = vec![metric.to_owned()];
        let message = ReadCurve { run: run.id.clone(), keys, buckets, ..ReadCurve::default() };
        let answer = controller.dial().history().curve(within_patience(message)).await;
        let curves = answer.map_err(|status| controller.failure(&status))?.into_inner().curves;
        let buckets: Vec<CurveBucket> =
            curves.into_iter().flat_map(|curve| curve.buckets).collect();
        if !buckets.is_empty() {
            all.push(series(run, &buckets));
        }
    }
    Ok(all)
}

pub(super) fn series(run: &v1::Run, buckets: &[CurveBucket]) -> Series {
    let point = |bucket: &CurveBucket| {
        let last = bucket.last?;
        let range = (bucket.min.unwrap_or(last), bucket.max.unwrap_or(last));
        Some(Point { x: bucket.last_x, last, range })
    };
    let infinite = |bucket: &CurveBucket| {
        let is_positive = bucket.positive_infinity > 0;
        (is_positive || bucket.negative_infinity > 0).then_some((bucket.last_x, is_positive))
    };
    let nan = |bucket: &CurveBucket| (bucket.nan > 0).then_some(bucket.last_x);
    let sum = |count: fn(&CurveBucket) -> u64| buckets.iter().map(count).sum();
    Series {
        id: run.id.clone(),
        label: run.id.clone(),
        points: buckets.iter().filter_map(point).collect(),
        nan_at: buckets.iter().filter_map(nan).collect(),
        infinite_at: buckets.iter().filter_map(infinite).collect(),
        odd: [
            sum(|bucket| bucket.nan),
            sum(|bucket| bucket.positive_infinity),
            sum(|bucket| bucket.negative_infinity),
        ],
    }
}

/// Returns the failure for a metric that none of these runs has logged as a number.
async fn not_logged(
    controller: &Controller,
    runs: &[&v1::Run],
    metric: &str,
    owner: &str,
) -> Failure {
    let shown = view::one_word(metric);
    let failure = Failure::new(Exit::Refused, format!("{owner} has no curve of `{shown}`"));
    let Some(run) = runs.first() else {
        return failure.hint("no run of it has started yet");
    };
    let logged = logged(controller, run).await;
    match nearest(metric, logged.iter().cloned()) {
        Some(near) => failure.hint(format!("did you mean `{}`?", view::one_word(&near))),
        None => failure.hint(keys(controller, run).await),
    }
}

/// Returns the keys that a run has logged as numbers; none if the controller does not answer.
async fn logged(controller: &Controller, run: &v1::Run) -> Vec<String> {
    let asked = within_patience(HistoryKeys { run: run.id.clone() });
    let keys = controller.dial().history().keys(asked).await;
    let keys = keys.map(|answer| answer.into_inner().keys).unwrap_or_default();
    let numbers = keys.into_iter().filter(|key| key.types.iter().any(|kind| kind == "number"));
    numbers.map(|key| key.key).collect()
}

/// Says which keys a run has logged.
async fn keys(controller: &Controller, run: &v1::Run) -> String {
    let logged = logged(controller, run).await;
    let some: Vec<String> = logged.iter().take(8).map(|key| view::one_word(key)).collect();
    match some.is_empty() {
        true => format!("run `{}` has logged no number", run.id),
        false => format!("run `{}` has logged {}", run.id, some.join(", ")),
    }
}
