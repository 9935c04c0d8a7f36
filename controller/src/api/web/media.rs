//! Serves what a run logged besides numbers and texts: media and histograms.

use axum::{Json, extract::Path};
use record::ids::RunId;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{error::Problem, session::Call};
use crate::app::read::{histograms, media};

/// The items of a page, unless the caller asks for another number.
const PAGE: u64 = 100;
/// The most items of a page.
const MOST: u64 = 1000;
/// The histograms of an answer, unless the caller asks for another number.
const STEPS: u64 = 200;

/// The media that a caller asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AskedMedia {
    key: Option<String>,
    /// The first step.
    from: u64,
    limit: Option<u64>,
}

/// A page of media.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Media {
    /// The media, by their steps and keys.
    items: Vec<MediaItem>,
    /// The step `from` which the next page begins; `null` if there are no more media.
    next: Option<u64>,
}

/// A value of the history that names media.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct MediaItem {
    key: String,
    step: u64,
    #[cfg_attr(
        test,
        ts(
            type = "\"image\" | \"audio\" | \"video\" | \"html\" | \"table\" | \"plot\" | \"other\""
        )
    )]
    kind: &'static str,
    /// The value as it was logged.
    #[cfg_attr(test, ts(type = "Json"))]
    value: Box<RawValue>,
    /// The paths of the files that the value names.
    files: Vec<String>,
}

/// Lists media of a run.
pub(super) async fn list(
    Path(run): Path<String>,
    call: Call<AskedMedia>,
) -> Result<Json<Media>, Problem> {
    let Call { app, caller, asked: AskedMedia { key, from, limit } } = call;
    let limit = limit.unwrap_or(PAGE).clamp(1, MOST) as usize;
    let asked = media::Asked { run: RunId::from(run), key, from, limit };
    let (found, next) = media::list(&app, &caller, asked).await?;
    let item = |item: media::Item| {
        let media::Item { key, step, kind, value, files } = item;
        MediaItem { key, step, kind, value, files }
    };
    Ok(Json(Media { items: found.into_iter().map(item).collect(), next }))
}

/// The histograms that a caller asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskedHistograms {
    key: String,
    /// The first and the last step.
    #[serde(default)]
    from: u64,
    to: Option<u64>,
    /// The most steps.
    steps: Option<u64>,
}

/// Histograms at ascending steps.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Histograms {
    steps: Vec<u64>,
    /// For each step, the edges of the bins.
    edges: Vec<Vec<f64>>,
    /// For each step, the counts in the bins, which are one fewer than the edges.
    counts: Vec<Vec<f64>>,
}

/// Returns the histograms that a run logged under a key.
pub(super) async fn histograms(
    Path(run): Path<String>,
    call: Call<AskedHistograms>,
) -> Result<Json<Histograms>, Problem> {
    let Call { app, caller, asked: AskedHistograms { key, from, to, steps } } = call;
    let (range, most) = (from..=to.unwrap_or(u64::MAX), steps.unwrap_or(STEPS).clamp(1, MOST));
    let found = histograms::read(&app, &caller, RunId::from(run), key, range, most).await?;
    let histograms::Histograms { steps, edges, counts } = found;
    Ok(Json(Histograms { steps, edges, counts }))
}
