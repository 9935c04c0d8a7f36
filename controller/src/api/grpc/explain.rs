//! Translates explanations of the search into messages. The Sweeps service and the Runs service use
//! it. It decides nothing.

use proto::v1;
use record::ids::SweepId;
use sweeps::search::explain::{Curve, Expected, Explanation, Importance, Recommendation, Surface};

use crate::app::sweeps::explain::{Incumbent, Repeated};

pub(super) fn explanation(found: Explanation) -> v1::Explanation {
    v1::Explanation {
        trials: found.trials as u64,
        accuracy: found.accuracy,
        importances: found.importances.into_iter().map(importance).collect(),
        curves: found.curves.into_iter().map(curve).collect(),
        surfaces: found.surface.into_iter().map(surface).collect(),
        held_out: found.coverage.held_out as u64,
        covered: found.coverage.covered as u64,
        tail: found.tail.map_or(0, |tail| tail.trials as u64),
        tail_beyond: found.tail.map(|tail| tail.beyond),
    }
}

pub(super) fn recommendation(sweep: &SweepId, found: &Recommendation) -> v1::Recommendation {
    let expected = |expected: &Expected| {
        let Expected { trial, value, mean, low, high } = *expected;
        Some(v1::Expected { run: sweep.trial(trial).into(), value, mean, low, high })
    };
    v1::Recommendation {
        recommended: expected(&found.recommended),
        observed: expected(&found.observed),
        noise: found.noise,
        probability: found.comparison.map(|comparison| comparison.probability),
        reruns: found.comparison.and_then(|comparison| comparison.reruns),
    }
}

pub(super) fn incumbent(incumbent: Incumbent) -> v1::Incumbent {
    let Incumbent { run, value, ended } = incumbent;
    v1::Incumbent { run: run.into(), value, ended }
}

pub(super) fn repeated(repeated: Repeated) -> v1::Repeated {
    let Repeated { sweep, value } = repeated;
    v1::Repeated { sweep: sweep.into(), value }
}

fn importance(importance: Importance) -> v1::Importance {
    let Importance { parameter, alone, total, low, high } = importance;
    v1::Importance { parameter, alone, total, low, high }
}

fn curve(curve: Curve) -> v1::Curve {
    let points = curve.points.into_iter().map(|point| v1::CurvePoint {
        value_json: point.value.to_string(),
        mean: point.mean,
        low: point.low,
        high: point.high,
        trial_low: point.trial_low,
        trial_high: point.trial_high,
    });
    v1::Curve { parameter: curve.parameter, points: points.collect() }
}

fn surface(surface: Surface) -> v1::Surface {
    let Surface { parameters: [row_parameter, column_parameter], rows, columns, cells } = surface;
    let cells = cells.into_iter().map(|cell| v1::Cell {
        mean: cell.map(|cell| cell.mean),
        deviation: cell.map(|cell| cell.deviation),
    });
    v1::Surface {
        row_parameter,
        column_parameter,
        rows: rows.iter().map(ToString::to_string).collect(),
        columns: columns.iter().map(ToString::to_string).collect(),
        cells: cells.collect(),
    }
}
