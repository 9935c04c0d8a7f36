//! Serves how the best values of sweeps improved.

use axum::Json;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    asked::{Body, Nothing},
    error::Problem,
    session::Call,
};
use crate::app::read::climb;

/// The sweeps that a caller asks for.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub(super) struct ClimbQuery {
    sweeps: Vec<String>,
}

/// How the best values of sweeps improved, in the order of the question.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Climbs {
    climbs: Vec<Climb>,
}

/// How the best value of a sweep improved.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct Climb {
    sweep: String,
    /// The improvements, the oldest first; at most the newest 200.
    steps: Vec<Step>,
    /// The place after the last trial that has ended.
    end: Place,
    /// The parameters of the best run.
    #[cfg_attr(test, ts(type = "Json"))]
    best_config: Value,
}

/// An improvement of the best value.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct Step {
    at: Place,
    run: String,
    value: f64,
}

/// A place in the life of a sweep.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct Place {
    /// The number of trials that had ended.
    trials: u64,
    /// The time since the first trial began.
    ms: i64,
    /// The time that the ended trials took together.
    work_ms: i64,
}

/// Returns how the best values of sweeps improved.
pub(super) async fn read(
    call: Call,
    Body(asked): Body<ClimbQuery>,
) -> Result<Json<Climbs>, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let sweeps = asked.sweeps.into_iter().map(Into::into).collect();
    let found = climb::read(&app, &caller, sweeps).await?;
    Ok(Json(Climbs { climbs: found.into_iter().map(Into::into).collect() }))
}

impl From<climb::Climb> for Climb {
    fn from(climb: climb::Climb) -> Self {
        let config = climb.best_config.and_then(|config| serde_json::from_str(&config).ok());
        let step = |step: climb::Step| Step {
            at: step.at.into(),
            run: step.run.into(),
            value: step.value,
        };
        Self {
            sweep: climb.sweep.into(),
            steps: climb.steps.into_iter().map(step).collect(),
            end: climb.end.into(),
            best_config: config.unwrap_or_default(),
        }
    }
}

impl From<climb::Place> for Place {
    fn from(place: climb::Place) -> Self {
        Self { trials: place.trials, ms: place.ms, work_ms: place.work_ms }
    }
}
