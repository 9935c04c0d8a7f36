//! Serves the points that the search of a sweep would hand out next.

use axum::{Json, extract::Path};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sweeps::{point::Point, search::Origin, space::Space};

use super::{error::Problem, session::Call};
use crate::app::sweeps::proposals;

/// The points, unless the caller asks for another number.
const COUNT: usize = 5;
/// The most points. Each takes the search about as long as a trial's own point.
const MOST: usize = 10;

/// How many points a caller asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Asked {
    count: usize,
}

impl Default for Asked {
    fn default() -> Self {
        Self { count: COUNT }
    }
}

/// The points that agents get next if nothing else happens.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Proposals {
    /// The number of trials that have ended.
    ended: u64,
    /// The number of trials that have not ended; the search knows that their values will come.
    pending: u64,
    /// The points, the next one first.
    proposals: Vec<Proposal>,
    /// Why there is no point; empty if there is one.
    nothing: String,
}

/// A point that no trial has yet.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct Proposal {
    /// The number that its trial would get.
    trial: u64,
    /// The active parameters, by the paths of their keys, joined by `.`.
    #[cfg_attr(test, ts(type = "{ [key: string]: Json }"))]
    values: Map<String, Value>,
    /// Why the search chose the point.
    #[cfg_attr(
        test,
        ts(type = "\"grid\" | \"random\" | \"sobol\" | \"initial\" | \"listed\" | \"queued\" | \
                            \"model\"")
    )]
    origin: &'static str,
    /// The predicted mean of the metric; `null` if no model chose the point.
    mean: Option<f64>,
    /// The predicted standard deviation, in units of the metric.
    deviation: Option<f64>,
    /// The expected improvement on the incumbent, times the probability that the point keeps every
    /// limit, in units of the metric.
    acquisition: Option<f64>,
}

/// Returns the points.
pub(super) async fn list(
    Path(sweep): Path<String>,
    call: Call<Asked>,
) -> Result<Json<Proposals>, Problem> {
    let Call { app, caller, asked } = call;
    let found = proposals::ahead(&app, &caller, sweep.into(), asked.count.min(MOST)).await?;
    let space = &found.plan.study.space;
    let proposals = found.suggestions.iter().zip(found.first..).map(|(suggestion, trial)| {
        let (origin, predicted) = told(&suggestion.origin);
        let (mean, deviation, acquisition) = match predicted {
            Some((mean, deviation, acquisition)) => {
                (Some(mean), Some(deviation), Some(acquisition))
            }
            None => (None, None, None),
        };
        let values = flat(space, &suggestion.point);
        Proposal { trial, values, origin, mean, deviation, acquisition }
    });
    Ok(Json(Proposals {
        ended: found.ended,
        pending: found.pending,
        proposals: proposals.collect(),
        nothing: found.nothing.unwrap_or_default().to_owned(),
    }))
}

/// Returns the name of an origin. For a choice of the model, also returns the predicted mean and
/// deviation, and the acquisition.
fn told(origin: &Origin) -> (&'static str, Option<(f64, f64, f64)>) {
    match *origin {
        Origin::Grid { .. } => ("grid", None),
        Origin::Random => ("random", None),
        Origin::Sobol => ("sobol", None),
        Origin::Initial => ("initial", None),
        Origin::Listed { .. } => ("listed", None),
        Origin::Queued => ("queued", None),
        Origin::Model { mean, deviation, improvement } => {
            ("model", Some((mean, deviation, improvement)))
        }
    }
}

/// Returns the values of the active parameters of a point.
fn flat(space: &Space, point: &Point) -> Map<String, Value> {
    let all = space.parameters.iter().zip(&point.values).zip(space.active(&point.values));
    all.filter(|(_, active)| *active)
        .map(|((parameter, value), _)| (parameter.path.join("."), value.clone()))
        .collect()
}
