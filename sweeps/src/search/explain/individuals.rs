//! Computes how the metric would change along a parameter for single trials, while their other
//! parameters stay: the individual conditional expectation of the surrogate. Where these lines are
//! not parallel, the parameter interacts with others, which an average hides.
//!
//! A trial at which the parameter is not active has no line. If a value of the parameter makes
//! other parameters active, those have their canonical values.

use serde_json::Value;

use super::{Surrogate, Unexplained, effects::ALONG};
use crate::search::axes::Level;

/// The number of best trials that have a line.
const BEST: usize = 12;
/// The number of other trials that have a line, spread evenly over the numbers of all trials.
const OTHERS: usize = 18;

/// The lines of single trials along a parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Individuals {
    /// The flattened name of the parameter.
    pub parameter: String,
    /// The values of the parameter, ascending; categories come as they are listed.
    pub values: Vec<Value>,
    /// The lines, those of the best trials first.
    pub lines: Vec<Individual>,
}

/// The line of one trial, in the metric's units.
#[derive(Clone, Debug, PartialEq)]
pub struct Individual {
    /// The number of the trial.
    pub trial: u64,
    /// The expected metric at each value of the parameter.
    pub means: Vec<f64>,
}

impl Surrogate {
    /// Returns the lines of the best trials and of some others along a parameter.
    ///
    /// # Errors
    /// Fails with [`Unexplained::Unknown`] if no parameter with this name varies.
    pub fn individuals(&self, parameter: &str) -> Result<Individuals, Unexplained> {
        let (axes, axis) = (self.axes(), self.axis(parameter)?);
        let along = axes.along(axis, ALONG);
        let line = |(index, trial): (usize, u64)| {
            let here = &self.observations.sample.inputs[index];
            let at = |&coordinate: &f64| {
                let part = axes.within(&[Level { axis, coordinate }]);
                let x = part.settled(here[..axes.len()].to_vec());
                part.keeps(&x).then_some(x)
            };
            let points = along.iter().map(at).collect::<Option<Vec<_>>>()?;
            let means = self.posterior.means(&points).swap_remove(0);
            let means = means.into_iter().map(|mean| self.value(mean)).collect();
            Some(Individual { trial, means })
        };
        Ok(Individuals {
            parameter: axes.name(axis),
            values: along.iter().map(|&x| axes.value(axis, x)).collect(),
            lines: self.shown().into_iter().filter_map(line).collect(),
        })
    }

    /// Returns the indices and the numbers of the trials that have a line.
    fn shown(&self) -> Vec<(usize, u64)> {
        let measured = self.observations.measured.iter().enumerate();
        let mut all: Vec<(usize, u64)> =
            measured.filter_map(|(index, trial)| Some((index, (*trial)?))).collect();
        let target = |index: usize| self.observations.sample.targets[index];
        all.sort_by(|one, other| target(one.0).total_cmp(&target(other.0)));
        let mut rest = all.split_off(all.len().min(BEST));
        rest.sort_by_key(|(_, trial)| *trial);
        let step = rest.len().div_ceil(OTHERS).max(1);
        all.extend(rest.into_iter().step_by(step));
        all
    }
}
