//! Serves what a sweep's trials reveal about its parameters.

use std::sync::Arc;

use axum::{Json, extract::Path};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sweeps::search::explain;

use super::{error::Problem, session::Call};
use crate::app::sweeps::explain::{self as explaining, Age, Shared};

/// The parameters that a caller asks for details about.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Asked {
    parameter: Vec<String>,
}

/// The parameter along which a caller asks for lines.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskedLines {
    parameter: String,
}

/// What a sweep's trials reveal about its parameters.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Explanation {
    /// The number of trials with a value.
    trials: u64,
    /// The number of trials that had ended, with a value or without.
    ended: u64,
    /// The milliseconds after which the explanation may be renewed; `null` if it knows every trial
    /// that has ended.
    renews_in_ms: Option<u64>,
    /// The share of the variance of the values that the model predicts, from 0 to 1.
    accuracy: f64,
    /// The number of trials that were predicted from the others.
    held_out: u64,
    /// How many of them lie in the 95 % interval of their prediction.
    covered: u64,
    /// The prediction of each of them.
    predictions: Vec<Prediction>,
    /// The number of bad values that the model compresses.
    tail: u64,
    /// All of these values are worse than this one.
    tail_beyond: Option<f64>,
    /// The most important parameter comes first.
    importances: Vec<Importance>,
    curves: Vec<Dependence>,
    surfaces: Vec<Surface>,
}

/// A trial as the others predict it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct Prediction {
    trial: u64,
    mean: f64,
    /// The interval that holds 95 % of such trials.
    low: f64,
    high: f64,
    /// The value that the trial logged.
    value: f64,
    /// Whether the value lies in the interval.
    covered: bool,
}

/// The lines of single trials along a parameter, while their other parameters stay.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Individuals {
    parameter: String,
    /// The values of the parameter.
    #[cfg_attr(test, ts(type = "Json[]"))]
    at: Vec<Value>,
    /// The lines, those of the best trials first.
    lines: Vec<Individual>,
}

/// The line of one trial.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct Individual {
    trial: u64,
    /// The metric that the model expects at each value.
    means: Vec<f64>,
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
    let Asked { parameter } = asked;
    let found = explaining::explain(&app, &caller, sweep.into(), parameter, Age::Recent).await?;
    Ok(Json(found.into()))
}

/// Returns the lines of single trials along a parameter.
pub(super) async fn individuals(
    Path(sweep): Path<String>,
    call: Call<AskedLines>,
) -> Result<Json<Individuals>, Problem> {
    let Call { app, caller, asked } = call;
    let found = explaining::individuals(&app, &caller, sweep.into(), asked.parameter).await?.found;
    let explain::Individuals { parameter, values, lines } = found;
    let lines =
        lines.into_iter().map(|explain::Individual { trial, means }| Individual { trial, means });
    Ok(Json(Individuals { parameter, at: values, lines: lines.collect() }))
}

impl From<Shared<Arc<explain::Explanation>>> for Explanation {
    fn from(Shared { found, renews_in }: Shared<Arc<explain::Explanation>>) -> Self {
        let found = Arc::unwrap_or_clone(found);
        Self {
            ended: found.ended as u64,
            renews_in_ms: renews_in.map(|time| time.as_millis() as u64),
            predictions: found.predictions.into_iter().map(Into::into).collect(),
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

impl From<explain::Prediction> for Prediction {
    fn from(prediction: explain::Prediction) -> Self {
        let explain::Prediction { trial, mean, low, high, value, covered } = prediction;
        Self { trial, mean, low, high, value, covered }
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
