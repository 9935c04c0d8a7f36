//! Serves what a sweep's trials reveal about its parameters.

use axum::{Json, extract::Path};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sweeps::search::explain;

use super::{error::Problem, session::Call};
use crate::app::sweeps::explain as explaining;

/// The parameters that a caller asks for details about.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Asked {
    parameter: Vec<String>,
}

/// What a sweep's trials reveal about its parameters.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Explanation {
    /// The number of trials with a value.
    trials: u64,
    /// The share of the variance of the values that the model predicts, from 0 to 1.
    accuracy: f64,
    /// The number of trials that were predicted from the others.
    held_out: u64,
    /// How many of them lie in the 95 % interval of their prediction.
    covered: u64,
    /// The number of bad values that the model compresses.
    tail: u64,
    /// All of these values are worse than this one.
    tail_beyond: Option<f64>,
    /// The most important parameter comes first.
    importances: Vec<Importance>,
    curves: Vec<Dependence>,
    surfaces: Vec<Surface>,
}

/// Shares of the variance, from 0 to 1.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct Importance {
    parameter: String,
    /// The share that the parameter explains by itself.
    alone: f64,
    /// The share with all interactions with other parameters.
    total: f64,
    /// The 90 % interval of `total`.
    low: f64,
    high: f64,
}

/// The metric as it depends on one parameter, on average over the others.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct Dependence {
    parameter: String,
    points: Vec<DependencePoint>,
}

/// A point of this curve.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct DependencePoint {
    #[cfg_attr(test, ts(type = "Json"))]
    at: Value,
    mean: f64,
    /// The 95 % interval of `mean`.
    low: f64,
    high: f64,
    /// The range in which 95 % of the trials with this value lie.
    trial_low: f64,
    trial_high: f64,
}

/// The metric as it depends on two parameters, on average over the others.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct Surface {
    row_parameter: String,
    column_parameter: String,
    #[cfg_attr(test, ts(type = "Json[]"))]
    rows: Vec<Value>,
    #[cfg_attr(test, ts(type = "Json[]"))]
    columns: Vec<Value>,
    /// The mean for each pair, row by row; `null` if the two are never active together.
    mean: Vec<Option<f64>>,
    /// The standard deviation of each mean.
    deviation: Vec<Option<f64>>,
}

/// Explains a sweep.
pub(super) async fn read(
    Path(sweep): Path<String>,
    call: Call<Asked>,
) -> Result<Json<Explanation>, Problem> {
    let Call { app, caller, asked } = call;
    let found = explaining::explain(&app, &caller, sweep.into(), asked.parameter).await?;
    Ok(Json(found.into()))
}

impl From<explain::Explanation> for Explanation {
    fn from(found: explain::Explanation) -> Self {
        Self {
            trials: found.trials as u64,
            accuracy: found.accuracy,
            held_out: found.coverage.held_out as u64,
            covered: found.coverage.covered as u64,
            tail: found.tail.map_or(0, |tail| tail.trials as u64),
            tail_beyond: found.tail.map(|tail| tail.beyond),
            importances: found.importances.into_iter().map(Into::into).collect(),
            curves: found.curves.into_iter().map(Into::into).collect(),
            surfaces: found.surface.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<explain::Importance> for Importance {
    fn from(importance: explain::Importance) -> Self {
        let explain::Importance { parameter, alone, total, low, high } = importance;
        Self { parameter, alone, total, low, high }
    }
}

impl From<explain::Curve> for Dependence {
    fn from(curve: explain::Curve) -> Self {
        let points = curve.points.into_iter().map(|point| DependencePoint {
            at: point.value,
            mean: point.mean,
            low: point.low,
            high: point.high,
            trial_low: point.trial_low,
            trial_high: point.trial_high,
        });
        Self { parameter: curve.parameter, points: points.collect() }
    }
}

impl From<explain::Surface> for Surface {
    fn from(surface: explain::Surface) -> Self {
        let explain::Surface { parameters, rows, columns, cells } = surface;
        let [row_parameter, column_parameter] = parameters;
        let mean = cells.iter().map(|cell| cell.map(|cell| cell.mean)).collect();
        let deviation = cells.iter().map(|cell| cell.map(|cell| cell.deviation)).collect();
        Self { row_parameter, column_parameter, rows, columns, mean, deviation }
    }
}
