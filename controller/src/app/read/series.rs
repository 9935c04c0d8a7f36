//! Lays the curves of many runs and keys over each other: all of them get the same buckets, so that
//! a chart draws them over one list of x. `api::web` calls this module. It reads a few runs at a
//! time, and changes nothing.

use std::sync::Arc;

use record::{ids::RunId, stream::StreamName};

use super::{
    buckets::Bucket,
    curves::{Axis, History, Window},
};
use crate::{
    app::{
        App,
        error::Error,
        people::{
            caller::{Caller, Right},
            permit,
        },
        runs::lookup,
    },
    store::Tx,
};

/// The number of runs that one snapshot of the database reads.
const AT_ONCE: usize = 16;

/// The curves that a caller asks for.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// The runs.
    pub(crate) runs: Vec<RunId>,
    /// The keys. Each run has a curve for each key.
    pub(crate) keys: Vec<String>,
    /// The stream of the keys.
    pub(crate) stream: StreamName,
    /// The quantity on the horizontal axis.
    pub(crate) axis: Axis,
    /// The least x; `None` means that of the curves.
    pub(crate) from: Option<f64>,
    /// The largest x; `None` means that of the curves.
    pub(crate) to: Option<f64>,
    /// The most buckets.
    pub(crate) buckets: usize,
}

/// Curves over one list of x.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Series {
    /// The limits of x; `None` if no curve has a point.
    pub(crate) bounds: Option<(f64, f64)>,
    /// For each bucket with a point of any curve, the largest x of these points, ascending.
    pub(crate) x: Vec<f64>,
    /// The curves: those of the first run, then those of the next.
    pub(crate) lines: Vec<Line>,
}

/// One curve. The lists have a number for each x, which is NaN if there is none.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    /// The last finite values of the buckets.
    pub(crate) last: Vec<f64>,
    /// The least finite values of the buckets.
    pub(crate) least: Vec<f64>,
    /// The largest finite values of the buckets.
    pub(crate) most: Vec<f64>,
    /// The counts of all values that are NaN, infinity and minus infinity.
    pub(crate) odd: [u64; 3],
}

/// Returns the curves of the runs.
///
/// # Errors
/// Fails with [`Error::Missing`] if a run does not exist, and with [`Error::Invalid`] if the caller
/// asks for more than the limits allow.
pub(crate) async fn read(
    app: &Arc<App>,
    caller: &Caller,
    asked: Question,
) -> Result<Series, Error> {
    check_runs(app, &asked)?;
    let buckets = check(app, &asked, asked.runs.len())?;
    let asked = Question { buckets, ..asked };
    let bounds = grid(app, caller, &asked).await?;
    let mut x = vec![None; buckets];
    let lines = lines(app, caller, asked, bounds, &mut x).await?;
    let mut series = Series { bounds, lines, ..Series::default() };
    for line in &mut series.lines {
        for numbers in [&mut line.last, &mut line.least, &mut line.most] {
            let mut filled = x.iter().map(Option::is_some);
            numbers.retain(|_| filled.next().unwrap_or_default());
        }
    }
    series.x = x.into_iter().flatten().collect();
    Ok(series)
}

/// Returns the limits of x: those of the question, or else those of the curves; `None` if no curve
/// has a point.
///
/// # Errors
/// Fails with [`Error::Missing`] if a run does not exist.
pub(super) async fn grid(
    app: &Arc<App>,
    caller: &Caller,
    asked: &Question,
) -> Result<Option<(f64, f64)>, Error> {
    match asked.from.zip(asked.to) {
        Some(bounds) => Ok(Some(bounds)),
        None => bounds(app, caller, &Arc::new(asked.clone())).await,
    }
}

/// Returns the curves over all buckets of a grid. Keeps in `x` the largest x of each bucket.
///
/// # Errors
/// Fails with [`Error::Missing`] if a run does not exist.
pub(super) async fn lines(
    app: &Arc<App>,
    caller: &Caller,
    asked: Question,
    bounds: Option<(f64, f64)>,
    x: &mut [Option<f64>],
) -> Result<Vec<Line>, Error> {
    let (asked, grid) = (Arc::new(asked), bounds.unwrap_or_default());
    let steps = grid.0.ceil() as u64..=grid.1.floor() as u64;
    let steps = if asked.axis == Axis::Step { steps } else { 0..=u64::MAX };
    let is_empty = bounds.is_none() || steps.is_empty();
    let window = Window { buckets: asked.buckets, steps, axis: asked.axis.clone() };
    let mut lines = Vec::new();
    for runs in asked.runs.chunks(AT_ONCE) {
        let (keys, window) = (asked.clone(), window.clone());
        let curves = move |history: &History<'_>| {
            let keys = keys.keys.iter().filter(|_| !is_empty);
            keys.map(|key| history.on_grid(key, &window, grid)).collect::<Result<Vec<_>, _>>()
        };
        for curves in each(app, caller, &asked, runs, curves).await? {
            let mut curves = curves.into_iter();
            let of_run = asked.keys.iter().map(|_| curves.next().unwrap_or_default());
            lines.extend(of_run.map(|curve| Line::new(curve, &asked.axis, x)));
        }
    }
    Ok(lines)
}

fn check_runs(app: &App, asked: &Question) -> Result<(), Error> {
    let (names, most) = (asked.runs.len(), app.settings.limits.pages.series_runs);
    if names == 0 || names > most {
        let message = format!("the request names {names} runs; it may name 1 to {most}");
        return Err(Error::invalid(message));
    }
    Ok(())
}

/// Passes if the question is within the limits. Returns the number of buckets, if the answer has so
/// many curves for each key.
///
/// # Errors
/// Fails with [`Error::Invalid`] if it is not.
pub(super) fn check(app: &App, asked: &Question, curves: usize) -> Result<usize, Error> {
    let limits = &app.settings.limits;
    let (names, most) = (asked.keys.len(), limits.pages.series_keys);
    if names == 0 || names > most {
        let message = format!("the request names {names} keys; it may name 1 to {most}");
        return Err(Error::invalid(message));
    }
    if asked.from.zip(asked.to).is_some_and(|(from, to)| from > to) {
        return Err(Error::invalid("the range of x ends before it begins"));
    }
    if asked.axis == Axis::Key(String::new()) {
        return Err(Error::invalid("curves over a key need its name"));
    }
    let all = curves * asked.keys.len();
    Ok(asked.buckets.min(limits.curve_buckets).min(limits.pages.series_buckets / all).max(1))
}

/// Returns the limits of x that the question leaves to the curves; `None` if no curve has a point.
async fn bounds(
    app: &Arc<App>,
    caller: &Caller,
    asked: &Arc<Question>,
) -> Result<Option<(f64, f64)>, Error> {
    let mut found: Option<(f64, f64)> = None;
    for runs in asked.runs.chunks(AT_ONCE) {
        let keys = asked.clone();
        let of = move |history: &History<'_>| {
            let window = Window { buckets: 1, steps: 0..=u64::MAX, axis: keys.axis.clone() };
            let bounds = keys.keys.iter().map(|key| history.bounds(key, &window));
            bounds.collect::<Result<Vec<_>, _>>()
        };
        let bounds = each(app, caller, asked, runs, of).await?.into_iter().flatten().flatten();
        let wider = |one: (f64, f64), other: (f64, f64)| (one.0.min(other.0), one.1.max(other.1));
        found = bounds.chain(found).reduce(wider);
    }
    let bounds = found.map(|(from, to)| (asked.from.unwrap_or(from), asked.to.unwrap_or(to)));
    Ok(bounds.filter(|(from, to)| from <= to))
}

/// Calls `work` with the history of each run, on one snapshot.
async fn each<T: Send + 'static>(
    app: &Arc<App>,
    caller: &Caller,
    asked: &Arc<Question>,
    runs: &[RunId],
    work: impl Fn(&History<'_>) -> Result<T, Error> + Send + 'static,
) -> Result<Vec<T>, Error> {
    let (caller, runs, stream) = (caller.clone(), runs.to_vec(), asked.stream);
    let read = move |tx: &Tx<'_>, _: &App| {
        let of_run = |id: &RunId| {
            permit::run_in(tx, &caller, Right::See, id)?;
            work(&History::open(tx, &lookup::find(tx, id)?, stream)?)
        };
        runs.iter().map(of_run).collect()
    };
    app.read(read).await
}

impl Line {
    /// Makes a line with a number for each bucket of the grid. Keeps in `x` the largest x of each
    /// bucket.
    fn new(curve: Vec<(usize, Bucket)>, axis: &Axis, x: &mut [Option<f64>]) -> Self {
        let [mut last, mut least, mut most] = [const { Vec::new() }; 3];
        for numbers in [&mut last, &mut least, &mut most] {
            numbers.resize(x.len(), f64::NAN);
        }
        let mut odd = [0; 3];
        for (place, bucket) in curve {
            let end = if *axis == Axis::Step { bucket.steps.1 as f64 } else { bucket.x.1 };
            x[place] = Some(x[place].map_or(end, |before| before.max(end)));
            last[place] = bucket.last.unwrap_or(f64::NAN);
            (least[place], most[place]) = bucket.range.unwrap_or((f64::NAN, f64::NAN));
            odd.iter_mut().zip(bucket.odd).for_each(|(sum, count)| *sum += count);
        }
        Self { last, least, most, odd }
    }
}
