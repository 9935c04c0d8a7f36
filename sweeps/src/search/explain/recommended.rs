//! Finds the trial that a sweep recommends: of the finished trials, the one with the best expected
//! value. Where values have noise, the trial with the best logged value is often only a lucky one.
//! This module names both. It never recommends a point that no trial had.

use super::{
    Surrogate, Unexplained, WARPED,
    judge::{Comparison, Finished, Judge},
};

/// Half the width of a 90 % interval, in standard deviations.
const HALF: f64 = 1.644_853_626_951_472_7;

/// The trial that the surrogate recommends, beside the one with the best logged value. All values
/// are in the metric's units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recommendation {
    /// The finished trial with the best expected value.
    pub recommended: Expected,
    /// The finished trial with the best logged value.
    pub observed: Expected,
    /// The standard deviation of the noise of one trial.
    pub noise: f64,
    /// The comparison of the two trials; `None` if they are the same trial.
    pub comparison: Option<Comparison>,
}

/// A finished trial as the surrogate sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expected {
    /// The number of the trial.
    pub trial: u64,
    /// The value that the trial logged.
    pub value: f64,
    /// The expected mean of the metric at the trial's point.
    pub mean: f64,
    /// The lower end of the 90 % interval of this mean, without the noise of a single trial.
    pub low: f64,
    /// The upper end of this interval.
    pub high: f64,
}

impl Surrogate {
    /// Returns the trial to recommend, out of the finished trials that keep every limit and for
    /// whose number `counts` returns `true`. Of equal means, the best logged value is recommended,
    /// and of equal values trial `best`, or else the lowest number. Without noise, the best logged
    /// value is recommended.
    ///
    /// # Errors
    /// Fails with [`Unexplained::NoneCounts`] if there is no such trial, and with
    /// [`Unexplained::NoModel`] if a covariance cannot be factorised.
    pub fn recommendation(
        &self,
        best: Option<u64>,
        counts: impl Fn(u64) -> bool,
    ) -> Result<Recommendation, Unexplained> {
        let all: Vec<&Finished> = self.finished.iter().filter(|one| counts(one.trial)).collect();
        let cost = |one: usize| if self.study.maximize { -all[one].value } else { all[one].value };
        let is_other = |one: usize| Some(all[one].trial) != best;
        let by_value = |&one: &usize, &other: &usize| {
            cost(one).total_cmp(&cost(other)).then(is_other(one).cmp(&is_other(other)))
        };
        // Of equal trials, `min_by` returns the first.
        let observed = (0..all.len()).min_by(by_value).ok_or(Unexplained::NoneCounts)?;
        let judge = self.judge().ok_or(Unexplained::NoModel)?;
        let points: Vec<Vec<f64>> = all.iter().map(|one| one.coordinates.clone()).collect();
        let means = judge.posterior.means(&points).swap_remove(0);
        let by_mean = |one: &usize, other: &usize| {
            means[*one].total_cmp(&means[*other]).then_with(|| by_value(one, other))
        };
        let recommended = match judge.is_exact() {
            true => observed,
            false => (0..all.len()).min_by(by_mean).unwrap_or(observed),
        };
        let (one, other) = (all[recommended], all[observed]);
        let gain = means[observed] - means[recommended];
        Ok(Recommendation {
            recommended: self.expected(judge, one),
            observed: self.expected(judge, other),
            noise: self.observations.units.difference(judge.noise.sqrt()),
            comparison: (recommended != observed).then(|| judge.compare(one, other, gain)),
        })
    }

    fn judge(&self) -> Option<&Judge> {
        let fit = || Judge::of(&self.observations.form(WARPED), &self.observations);
        self.judge.get_or_init(fit).as_ref()
    }

    fn expected(&self, judge: &Judge, finished: &Finished) -> Expected {
        let predicted = judge.posterior.predict(std::slice::from_ref(&finished.coordinates));
        let (mean, half) = (predicted.means[0][0], HALF * predicted.variances[0].sqrt());
        let (low, high) = self.ends((mean - half, mean + half));
        let Finished { trial, value, .. } = *finished;
        Expected { trial, value, mean: self.value(mean), low, high }
    }
}
