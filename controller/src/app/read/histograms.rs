//! Reads the histograms that a run logged under one key, as the SDK and W&B's client write them.
//! The handlers of `api::web` call this module. It changes nothing.

use std::{collections::HashSet, ops::RangeInclusive, sync::Arc};

use record::{Value, ids::RunId, stream::StreamName};
use serde::Deserialize;

use super::steps::{self, Choice, Slice};
use crate::app::{App, error::Error, people::caller::Caller};

/// The most bins of a histogram that is read. The SDK makes no larger ones.
const BINS: usize = 4096;

/// Histograms at ascending steps.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Histograms {
    /// The steps.
    pub(crate) steps: Vec<u64>,
    /// For each step, the edges of the bins.
    pub(crate) edges: Vec<Vec<f64>>,
    /// For each step, the counts in the bins, which are one fewer than the edges.
    pub(crate) counts: Vec<Vec<f64>>,
}

/// Returns the histograms under a key at these steps, or an even sample of at most `most` of them.
/// Of several histograms at a step, the last one counts. Other values under the key are left out.
///
/// # Errors
/// Fails with [`Error::Missing`] if the run does not exist.
pub(crate) async fn read(
    app: &Arc<App>,
    caller: &Caller,
    run: RunId,
    key: String,
    range: RangeInclusive<u64>,
    most: u64,
) -> Result<Histograms, Error> {
    let slice = Slice {
        run,
        stream: StreamName::History,
        keys: HashSet::from([key]),
        steps: *range.start()..range.end().saturating_add(1),
        choice: Choice::Sample(most),
    };
    let mut found = Histograms::default();
    for row in steps::rows(app, caller, slice).await? {
        let Some((_, Value::Json(text))) = row.values.first() else { continue };
        let Some((edges, counts)) = parse(text) else { continue };
        if found.steps.last() == Some(&row.step) {
            found.pop();
        }
        found.steps.push(row.step);
        found.edges.push(edges);
        found.counts.push(counts);
    }
    Ok(found)
}

impl Histograms {
    fn pop(&mut self) {
        self.steps.pop();
        self.edges.pop();
        self.counts.pop();
    }
}

/// A histogram in a row.
#[derive(Deserialize)]
struct Logged {
    #[serde(rename = "_type")]
    kind: String,
    values: Vec<f64>,
    bins: Option<Vec<f64>>,
    /// Bins of equal width, as some of W&B's programs write them.
    #[serde(rename = "packedBins")]
    packed: Option<Packed>,
}

#[derive(Deserialize)]
struct Packed {
    min: f64,
    size: f64,
}

/// Reads the edges and the counts of a histogram; `None` if the text is none.
fn parse(text: &str) -> Option<(Vec<f64>, Vec<f64>)> {
    let Logged { kind, values, bins, packed } = serde_json::from_str(text).ok()?;
    let edge = |packed: &Packed, at: usize| packed.min + at as f64 * packed.size;
    let edges = match (bins, packed) {
        (Some(edges), _) => edges,
        (None, Some(packed)) if values.len() <= BINS => {
            (0..=values.len()).map(|at| edge(&packed, at)).collect()
        }
        _ => return None,
    };
    let fits = kind == "histogram"
        && (1..=BINS).contains(&values.len())
        && edges.len() == values.len() + 1
        && edges.iter().all(|edge| edge.is_finite());
    fits.then_some((edges, values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histograms_are_read_in_each_form() {
        let own = r#"{"_type": "histogram", "bins": [0, 1.5, 3], "values": [2, 5], "x": 1}"#;
        assert_eq!(parse(own), Some((vec![0.0, 1.5, 3.0], vec![2.0, 5.0])));
        let packed = r#"{"_type": "histogram", "values": [2, 5],
            "packedBins": {"min": -1, "size": 0.5, "count": 2}}"#;
        assert_eq!(parse(packed), Some((vec![-1.0, -0.5, 0.0], vec![2.0, 5.0])));
        for other in [
            "1",
            r#"{"_type": "image-file", "bins": [0, 1], "values": [2]}"#,
            r#"{"_type": "histogram", "bins": [0, 1, 2], "values": [2]}"#,
            r#"{"_type": "histogram", "bins": [0], "values": []}"#,
            r#"{"_type": "histogram", "values": [2]}"#,
            r#"{"_type": "histogram", "bins": [0, "NaN"], "values": [2]}"#,
            r#"{"_type": "histogram", "values": [1, 2],
                "packedBins": {"min": 1e308, "size": 1e308}}"#,
        ] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
