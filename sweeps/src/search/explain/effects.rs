//! How the metric depends on one parameter, or on two, averaged over the others: partial dependence
//! of the surrogate. Part of the explanation of a sweep. Never says what is best for the other
//! parameters.
//!
//! The others are drawn from the search's own distribution. A parameter with a condition is
//! averaged over the points in which it is active. A band is that of the average, from the joint
//! covariance of the points, not an average of deviations; beside it stands where single trials
//! lie. Both are as wide as held-out trials ask for. Averages are taken on the surrogate's scale.

use serde_json::Value;

use super::{POINTS_SEED, Surrogate, Unexplained};
use crate::{
    gp::Average,
    search::{axes::Level, sobol::Sobol},
};

/// Values along a parameter, if it has more.
const ALONG: u64 = 33;
/// Values along each of two parameters.
const ACROSS: u64 = 12;
/// Points that are averaged over.
const POINTS: usize = 128;
/// Of these, how many stand for the trials at a value.
const TRIALS: usize = 64;
/// Points that are looked through for those, since a parameter may be inactive in many.
const LOOKED_AT: u64 = 4096;

/// The effect of one parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Its flattened name.
    pub parameter: String,
    /// By ascending value; categories as they are listed.
    pub points: Vec<CurvePoint>,
}

/// The average metric at one value, in the metric's units.
#[derive(Clone, Debug, PartialEq)]
pub struct CurvePoint {
    /// Of the parameter.
    pub value: Value,
    /// The expected average.
    pub mean: f64,
    /// Lower end of the 95 % band of the average: without the noise of a single trial.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Lower end of the interval that holds 95 % of the trials with this value, whatever the other
    /// parameters.
    pub trial_low: f64,
    /// Upper end.
    pub trial_high: f64,
}

/// The joint effect of two parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Surface {
    /// Flattened names: of the rows and of the columns.
    pub parameters: [String; 2],
    /// Values of the first parameter.
    pub rows: Vec<Value>,
    /// Values of the second.
    pub columns: Vec<Value>,
    /// Row by row; `None` where the two are never active together.
    pub cells: Vec<Option<Cell>>,
}

/// The average metric at two values, in the metric's units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// The expected average.
    pub mean: f64,
    /// Standard deviation of the average.
    pub deviation: f64,
}

impl Surrogate<'_> {
    /// The average metric along a parameter.
    ///
    /// # Errors
    /// [`Unexplained::Unknown`] when it is not one that varies.
    pub fn partial_dependence(&self, parameter: &str) -> Result<Curve, Unexplained> {
        Ok(self.curve(self.axis(parameter)?))
    }

    pub(super) fn curve(&self, axis: usize) -> Curve {
        let point = |x: f64| {
            let points = self.points(&[Level { axis, coordinate: x }])?;
            let Average { mean, variance } = self.posterior.average(&points);
            let half = self.intervals.half * variance.sqrt();
            let (low, high) = self.ends((mean - half, mean + half));
            let trials = &points[..points.len().min(TRIALS)];
            let (trial_low, trial_high) =
                self.ends(self.intervals.of_trials(&self.posterior, trials));
            let value = self.axes.value(axis, x);
            Some(CurvePoint { value, mean: self.value(mean), low, high, trial_low, trial_high })
        };
        let points = self.axes.along(axis, ALONG).into_iter().filter_map(point).collect();
        Curve { parameter: self.axes.name(axis), points }
    }

    pub(super) fn surface(&self, one: usize, other: usize) -> Surface {
        let (rows, columns) = (self.axes.along(one, ACROSS), self.axes.along(other, ACROSS));
        let pairs = rows.iter().flat_map(|&row| columns.iter().map(move |&column| (row, column)));
        let cell = |points: Vec<Vec<f64>>| {
            let Average { mean, variance } = self.posterior.average(&points);
            let deviation = variance.sqrt();
            let (low, high) = self.ends((mean - deviation, mean + deviation));
            // Halved first, so that nothing overflows.
            Cell { mean: self.value(mean), deviation: high / 2.0 - low / 2.0 }
        };
        let held = |(row, column)| {
            [Level { axis: one, coordinate: row }, Level { axis: other, coordinate: column }]
        };
        let cells = pairs.map(|pair| self.points(&held(pair)).map(cell)).collect();
        Surface {
            parameters: [self.axes.name(one), self.axes.name(other)],
            rows: rows.iter().map(|&x| self.axes.value(one, x)).collect(),
            columns: columns.iter().map(|&x| self.axes.value(other, x)).collect(),
            cells,
        }
    }

    /// Points of the other parameters while these are held; `None` when they are not active
    /// together.
    fn points(&self, held: &[Level]) -> Option<Vec<Vec<f64>>> {
        let sobol = Sobol::new(self.axes.len(), POINTS_SEED);
        let part = self.axes.within(held);
        let draws =
            (0..LOOKED_AT).map(|index| part.draw(&sobol.point(index))).filter(|x| part.keeps(x));
        let points: Vec<Vec<f64>> = draws.take(POINTS).collect();
        (!points.is_empty()).then_some(points)
    }
}
