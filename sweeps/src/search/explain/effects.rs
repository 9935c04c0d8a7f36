//! Computes how the metric depends on one parameter, or on two, averaged over the others: the
//! partial dependence of the surrogate. The explanation of a sweep contains these curves. This
//! module never searches for the best values of the other parameters.
//!
//! The other parameters are drawn from the search's own distribution. For a parameter with a
//! condition, the average uses only points at which the parameter is active. The band of a curve is
//! that of the average. The band comes from the joint covariance of the points, not from an average
//! of their deviations. Besides the band, a curve has the interval in which single trials lie. The
//! widths of band and interval are calibrated with held-out trials. Averages are taken on the
//! surrogate's scale.

use serde_json::Value;

use super::{POINTS_SEED, Surrogate, Unexplained};
use crate::{
    gp::Average,
    search::{axes::Level, sobol::Sobol},
};

/// The largest number of values of a parameter at which its curve is computed.
pub(super) const ALONG: u64 = 33;
/// The largest number of values of each of two parameters at which their surface is computed.
const ACROSS: u64 = 12;
/// The number of points over which an average is taken.
const POINTS: usize = 128;
/// The number of these points, at most, that represent single trials at a value of the parameter.
const TRIALS: usize = 64;
/// The largest number of points that are drawn to get [`POINTS`] points, since a parameter may be
/// inactive at many of them.
const LOOKED_AT: u64 = 4096;

/// The effect of one parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// The flattened name of the parameter.
    pub parameter: String,
    /// The points by ascending value; categories come as they are listed.
    pub points: Vec<CurvePoint>,
}

/// The average metric at one value, in the metric's units.
#[derive(Clone, Debug, PartialEq)]
pub struct CurvePoint {
    /// The value of the parameter.
    pub value: Value,
    /// The expected average of the metric.
    pub mean: f64,
    /// The lower end of the 95 % band of the average, without the noise of a single trial.
    pub low: f64,
    /// The upper end of the 95 % band of the average.
    pub high: f64,
    /// The lower end of the interval that holds 95 % of the trials with this value, if the other
    /// parameters are drawn at random.
    pub trial_low: f64,
    /// The upper end of the interval of single trials.
    pub trial_high: f64,
}

/// The joint effect of two parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Surface {
    /// The flattened names of the parameters of the rows and of the columns.
    pub parameters: [String; 2],
    /// The values of the first parameter.
    pub rows: Vec<Value>,
    /// The values of the second parameter.
    pub columns: Vec<Value>,
    /// The cells row by row; `None` where the two parameters are not active together at any drawn
    /// point.
    pub cells: Vec<Option<Cell>>,
}

/// The average metric at two values, in the metric's units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// The expected average of the metric.
    pub mean: f64,
    /// The standard deviation of the average.
    pub deviation: f64,
}

impl Surrogate {
    /// Returns the average metric along a parameter.
    ///
    /// # Errors
    /// Fails with [`Unexplained::Unknown`] if no parameter with this name varies.
    pub fn partial_dependence(&self, parameter: &str) -> Result<Curve, Unexplained> {
        Ok(self.curve(self.axis(parameter)?))
    }

    pub(super) fn curve(&self, axis: usize) -> Curve {
        let (axes, intervals) = (self.axes(), &self.checked().intervals);
        let point = |x: f64| {
            let points = self.points(&[Level { axis, coordinate: x }])?;
            let Average { mean, variance } = self.posterior.average(&points);
            let half = intervals.half * variance.sqrt();
            let (low, high) = self.ends((mean - half, mean + half));
            let trials = &points[..points.len().min(TRIALS)];
            let (trial_low, trial_high) = self.ends(intervals.of_trials(&self.posterior, trials));
            let value = axes.value(axis, x);
            Some(CurvePoint { value, mean: self.value(mean), low, high, trial_low, trial_high })
        };
        let points = axes.along(axis, ALONG).into_iter().filter_map(point).collect();
        Curve { parameter: axes.name(axis), points }
    }

    pub(super) fn surface(&self, one: usize, other: usize) -> Surface {
        let axes = self.axes();
        let (rows, columns) = (axes.along(one, ACROSS), axes.along(other, ACROSS));
        let pairs = rows.iter().flat_map(|&row| columns.iter().map(move |&column| (row, column)));
        let cell = |points: Vec<Vec<f64>>| {
            let Average { mean, variance } = self.posterior.average(&points);
            let deviation = variance.sqrt();
            let (low, high) = self.ends((mean - deviation, mean + deviation));
            // Halving both ends first keeps their difference from overflowing.
            Cell { mean: self.value(mean), deviation: high / 2.0 - low / 2.0 }
        };
        let held = |(row, column)| {
            [Level { axis: one, coordinate: row }, Level { axis: other, coordinate: column }]
        };
        let cells = pairs.map(|pair| self.points(&held(pair)).map(cell)).collect();
        Surface {
            parameters: [axes.name(one), axes.name(other)],
            rows: rows.iter().map(|&x| axes.value(one, x)).collect(),
            columns: columns.iter().map(|&x| axes.value(other, x)).collect(),
            cells,
        }
    }

    /// Returns points with these held coordinates and random values of the other parameters.
    /// Returns `None` if the held parameters are active together at none of [`LOOKED_AT`] drawn
    /// points.
    fn points(&self, held: &[Level]) -> Option<Vec<Vec<f64>>> {
        let axes = self.axes();
        let sobol = Sobol::new(axes.len(), POINTS_SEED);
        let part = axes.within(held);
        let draws =
            (0..LOOKED_AT).map(|index| part.draw(&sobol.point(index))).filter(|x| part.keeps(x));
        let points: Vec<Vec<f64>> = draws.take(POINTS).collect();
        (!points.is_empty()).then_some(points)
    }
}
