//! Compares finished trials: fits a model of the metric with its noise, and says how surely one
//! trial is better than another. `recommended` calls this module, which never reads a goal.

use super::held_out;
use crate::{
    gp::{Form, Hyperparameters, Posterior, fit},
    history::{History, Outcome},
    quantile::normal_cdf,
    search::{Study, axes::Axes, observations::Observations, sample::Sample},
};

/// The distance of two means, in standard deviations of their difference, at which the better one
/// is better with a probability of 90 %.
const APART: f64 = 1.281_551_565_544_600_4;
/// The least variances of the noise among which the model chooses, of standardised outcomes.
const NOISES: [f64; 4] = [0.0, 0.05, 0.15, 0.4];
/// Below this variance of the noise, of standardised outcomes, the logged values are taken as
/// exact. The model cannot tell less noise from rounding.
const EXACT: f64 = 1e-5;
/// The largest number of further runs of each trial that an answer names.
const MOST_RERUNS: f64 = 100.0;

/// How surely the recommended trial is better than the one with the best logged value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// The probability that the mean at the recommended trial's point is truly the better one, from
    /// 0.5 to 1.
    pub probability: f64,
    /// The number of further runs of each of the two trials after which this probability would be
    /// 90 %, if the means stay as expected. 0 if it is that high now; `None` if it takes more than
    /// 100 runs.
    pub reruns: Option<u64>,
}

/// The model that compares trials.
///
/// The prior of the search expects little noise, and a fit to few values with much noise takes
/// their noise for the function. Of several fits, each with a least noise, this model is the one
/// that predicts held-out trials best.
#[derive(Debug)]
pub(super) struct Judge {
    pub(super) posterior: Posterior,
    /// The variance of the noise of one trial, of standardised outcomes.
    pub(super) noise: f64,
}

/// A trial that may be recommended: it ran to its end, has a value and keeps every limit.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) trial: u64,
    pub(super) value: f64,
    pub(super) coordinates: Vec<f64>,
}

/// Returns the trials that may be recommended. `dimensions` is the number of the model's
/// coordinates, which may be more than the space has.
pub(super) fn finished(
    study: &Study,
    axes: &Axes<'_>,
    history: &History,
    dimensions: usize,
) -> Vec<Finished> {
    let of = |(trial, value)| {
        let mut coordinates = axes.coordinates(&history.trials[trial as usize].point)?;
        coordinates.resize(dimensions, 0.0);
        Some(Finished { trial, value, coordinates })
    };
    feasible(study, history).filter_map(of).collect()
}

/// Returns the number and the value of each trial that ran to its end and keeps every limit.
pub(super) fn feasible(study: &Study, history: &History) -> impl Iterator<Item = (u64, f64)> {
    (0..).zip(&history.trials).filter_map(|(number, trial)| match trial.outcome {
        Outcome::Value(value) if value.is_finite() && study.is_feasible(&trial.constrained) => {
            Some((number, value))
        }
        _ => None,
    })
}

impl Judge {
    /// Fits the model. Returns `None` if no covariance can be factorised.
    pub(super) fn of(form: &Form, observations: &Observations) -> Option<Judge> {
        let all = NOISES.into_iter().filter_map(|least| with_noise(form, observations, least));
        let best = all.reduce(|one, other| if other.0 > one.0 { other } else { one });
        best.map(|(_, judge)| judge)
    }

    /// Returns whether the noise is too small to matter.
    pub(super) fn is_exact(&self) -> bool {
        self.noise < EXACT
    }

    /// Compares two trials whose expected means differ by `gain`, which is not negative.
    pub(super) fn compare(&self, one: &Finished, other: &Finished, gain: f64) -> Comparison {
        compared(gain, self.variance_between(one, other), self.noise)
    }

    /// Returns the variance of the difference of the means at two points. The variance of their
    /// average is (v₁ + v₂ + 2c)/4 with their covariance c, and that of the difference is
    /// v₁ + v₂ - 2c.
    fn variance_between(&self, one: &Finished, other: &Finished) -> f64 {
        let both = [one.coordinates.clone(), other.coordinates.clone()];
        let sum: f64 = self.posterior.predict(&both).variances.iter().sum();
        (2.0 * sum - 4.0 * self.posterior.average(&both).variance).max(0.0)
    }
}

/// Fits a model whose noise has at least this variance. Also returns the logarithm of the density
/// of the trials that ran to their end, each predicted from others.
fn with_noise(form: &Form, observations: &Observations, least: f64) -> Option<(f64, Judge)> {
    let noisier = |sample: &Sample| {
        let mut sample = sample.clone();
        sample.extra.iter_mut().for_each(|extra| *extra += least);
        sample
    };
    let (sample, fitted) = (noisier(&observations.sample), noisier(&observations.for_fit()));
    let hyper = fit(form, fitted.data(), &[Hyperparameters::prior_mode(form)]);
    let posterior = Posterior::new(form, &hyper, sample.data())?;
    let foretold = held_out::foretold(form, &sample, &posterior, 0);
    let ended = foretold.iter().zip(&observations.measured).filter(|(_, number)| number.is_some());
    let density = ended.map(|(one, _)| {
        let score = one.error / one.deviation;
        -0.5 * score * score - libm::log(one.deviation)
    });
    let (density, noise) = (density.sum(), posterior.noise() + least);
    Some((density, Judge { posterior, noise }))
}

/// Compares two means whose expected difference is `gain`, which is not negative. The standardised
/// variances are those of the difference and of one observation. With n further runs of each, the
/// difference has the precision 1/v + n/(2σ²).
fn compared(gain: f64, variance: f64, noise: f64) -> Comparison {
    let probability = match variance > 0.0 {
        true => normal_cdf(gain / variance.sqrt()),
        false => 1.0,
    };
    let needed = (APART / gain) * (APART / gain) - 1.0 / variance;
    let reruns = (2.0 * noise * needed).max(0.0).ceil();
    Comparison { probability, reruns: (reruns <= MOST_RERUNS).then_some(reruns as u64) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparison_says_how_many_runs_would_settle_it() {
        // Without what is known, the difference of two single runs has the deviation √2.
        let vague = compared(1.0, 1e9, 1.0);
        assert!((vague.probability - 0.5).abs() < 1e-4 && vague.reruns == Some(4), "{vague:?}");
        // The known variance counts as the runs that would give the same.
        assert_eq!(compared(1.0, 1.0, 1.0).reruns, Some(2));
        assert!((compared(1.0, 1.0, 1.0).probability - 0.841_344_7).abs() < 1e-6);
        let sure = compared(2.0, 1.0, 1.0);
        assert!(sure.probability > 0.97 && sure.reruns == Some(0), "{sure:?}");
        assert_eq!(compared(1e-3, 1.0, 1.0).reruns, None, "more than 100");
        assert_eq!(compared(0.0, 1.0, 1.0), Comparison { probability: 0.5, reruns: None });
        assert_eq!(compared(0.1, 0.0, 1.0), Comparison { probability: 1.0, reruns: Some(0) });
    }
}
