//! Returns how the other trials predict each trial, in the metric's units. The explanation of a
//! sweep contains these predictions. With them, a person can judge what the surrogate is worth.

use super::{Checked, Surrogate, intervals::HeldOut};

/// A trial as the others predict it, in the metric's units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// The number of the trial.
    pub trial: u64,
    /// The predicted value.
    pub mean: f64,
    /// The lower end of the interval that holds 95 % of such trials.
    pub low: f64,
    /// The upper end of this interval.
    pub high: f64,
    /// The value that the trial logged.
    pub value: f64,
    /// Whether the value lies in the interval.
    pub covered: bool,
}

impl Surrogate {
    /// Returns the prediction of each trial of the sweep that the surrogate knows and that ran to
    /// its end, in the order of their numbers.
    pub(super) fn predictions(&self) -> Vec<Prediction> {
        let Checked { foretold, intervals } = self.checked();
        let of = |held_out: &HeldOut| {
            let HeldOut { index, trial, half, covered } = *held_out;
            let foretold = foretold[index];
            let mean = self.observations.sample.targets[index] - foretold.error;
            let reach = half * foretold.deviation;
            let (low, high) = self.ends((mean - reach, mean + reach));
            let value = self.values[usize::try_from(trial).ok()?]?;
            Some(Prediction { trial, mean: self.value(mean), low, high, value, covered })
        };
        let mut all: Vec<Prediction> = intervals.held_out.iter().filter_map(of).collect();
        all.sort_by_key(|prediction| prediction.trial);
        all
    }
}
