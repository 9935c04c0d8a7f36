//! Serves curves of many runs and keys over one list of x, as binary columns.

use axum::response::Response;
use record::stream::StreamName;
use serde::{Deserialize, Serialize};

use super::{
    asked::{Body, Nothing},
    columns::Columns,
    error::Problem,
    session::Call,
};
use crate::app::read::{
    curves::Axis,
    series::{self, Question},
};

/// The buckets of each curve, unless the caller asks for another number.
pub(super) const BUCKETS: usize = 400;

/// The curves that a caller asks for.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub(super) struct SeriesQuery {
    runs: Vec<String>,
    keys: Vec<String>,
    /// `step`, `time` (milliseconds since 1970), `count` (of finite values) or `metric:NAME`.
    x: String,
    #[serde(default)]
    #[cfg_attr(test, ts(optional = nullable))]
    from: Option<f64>,
    #[serde(default)]
    #[cfg_attr(test, ts(optional = nullable))]
    to: Option<f64>,
    #[serde(default)]
    #[cfg_attr(test, ts(optional = nullable))]
    buckets: Option<usize>,
    /// Whether the keys are those of the system metrics.
    #[serde(default)]
    #[cfg_attr(test, ts(optional, as = "Option<bool>"))]
    system: bool,
}

/// The curves that the columns hold.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct SeriesExtra {
    /// The limits of x; `null` if no curve has a point.
    from: Option<f64>,
    to: Option<f64>,
    series: Vec<SeriesHead>,
}

/// A curve. The columns of the curve number `i` are `i.last`, `i.min` and `i.max`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct SeriesHead {
    run: String,
    key: String,
    /// The counts of values that are NaN, infinity and minus infinity.
    odd: [u64; 3],
}

/// Returns the curves.
pub(super) async fn read(call: Call, Body(asked): Body<SeriesQuery>) -> Result<Response, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let question = Question {
        runs: asked.runs.iter().cloned().map(Into::into).collect(),
        keys: asked.keys.clone(),
        stream: if asked.system { StreamName::System } else { StreamName::History },
        axis: axis(&asked.x)?,
        from: asked.from,
        to: asked.to,
        buckets: asked.buckets.unwrap_or(BUCKETS),
    };
    let found = series::read(&app, &caller, question).await?;
    let mut columns = Columns::default();
    columns.numbers("x", &found.x);
    let mut heads = Vec::new();
    let names = asked.runs.iter().flat_map(|run| asked.keys.iter().map(move |key| (run, key)));
    for (at, ((run, key), line)) in names.zip(found.lines).enumerate() {
        columns.numbers(format!("{at}.last"), &line.last);
        columns.numbers(format!("{at}.min"), &line.least);
        columns.numbers(format!("{at}.max"), &line.most);
        heads.push(SeriesHead { run: run.clone(), key: key.clone(), odd: line.odd });
    }
    let (from, to) = found.bounds.unzip();
    columns.answer(found.x.len(), SeriesExtra { from, to, series: heads })
}

/// Reads the name of a quantity on the horizontal axis.
///
/// # Errors
/// Fails if there is no such quantity.
pub(super) fn axis(said: &str) -> Result<Axis, Problem> {
    match (said, said.strip_prefix("metric:")) {
        ("step", _) => Ok(Axis::Step),
        ("time", _) => Ok(Axis::WallTime),
        ("count", _) => Ok(Axis::Count),
        (_, Some(key)) => Ok(Axis::Key(key.to_owned())),
        _ => {
            let forms = "step, time, count or metric:NAME";
            Err(Problem::wrong(format!("there is no x `{said}`: {forms}")))
        }
    }
}
