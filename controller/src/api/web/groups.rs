//! Serves curves that sum up groups of runs, as binary columns.

use axum::response::Response;
use record::{ids::RunId, stream::StreamName};
use serde::{Deserialize, Serialize};

use super::{
    asked::{Body, Nothing},
    columns::Columns,
    error::Problem,
    series::{BUCKETS, axis},
    session::Call,
};
use crate::app::read::{groups, series::Question};

/// The curves of groups that a caller asks for.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub(super) struct GroupsQuery {
    /// The runs of each group. A run may be in several groups.
    groups: Vec<Vec<String>>,
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
}

/// The curves that the columns hold. Those of the curve number `i` are `i.mean`, `i.min`, `i.max`,
/// `i.deviation` and `i.count`. Each group has a curve for each key.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct GroupsExtra {
    /// The limits of x; `null` if no curve has a point.
    from: Option<f64>,
    to: Option<f64>,
    /// The number of curves.
    curves: usize,
}

/// Returns the curves.
pub(super) async fn read(call: Call, Body(asked): Body<GroupsQuery>) -> Result<Response, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let question = Question {
        runs: Vec::new(),
        keys: asked.keys,
        stream: StreamName::History,
        axis: axis(&asked.x)?,
        from: asked.from,
        to: asked.to,
        buckets: asked.buckets.unwrap_or(BUCKETS),
    };
    let of_group = |ids: Vec<String>| ids.into_iter().map(RunId::from).collect();
    let groups = asked.groups.into_iter().map(of_group).collect();
    let found = groups::read(&app, &caller, groups, question).await?;
    let mut columns = Columns::default();
    columns.numbers("x", &found.x);
    for (at, curve) in found.curves.iter().enumerate() {
        columns.numbers(format!("{at}.mean"), &curve.mean);
        columns.numbers(format!("{at}.min"), &curve.least);
        columns.numbers(format!("{at}.max"), &curve.most);
        columns.numbers(format!("{at}.deviation"), &curve.deviation);
        columns.numbers(format!("{at}.count"), &curve.count);
    }
    let (from, to) = found.bounds.unzip();
    columns.answer(found.x.len(), GroupsExtra { from, to, curves: found.curves.len() })
}
