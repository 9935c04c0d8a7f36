//! Guesses the final value of a trial that early stopping ended, from trials that ran to their end.
//! `observations` calls this module, which never treats a partial result as a final one.
//!
//! Some trials that ran to their end passed the rung at which the stopped trial ended. The gain of
//! such a trial is the difference between its best value at the rung and its final value. These
//! gains give the mean and the variance of the gain that the stopped trial missed. The guess is at
//! least as good as the stopped trial's best value, but never better than the best final value.
//! With fewer than three such trials, the guess is the stopped trial's best value, with an unknown
//! variance. A default variance then lets the model doubt the guess.

use std::collections::BTreeMap;

use crate::history::{History, Outcome, Trial};

/// The smallest number of finished trials whose gains after a rung are used.
const FEWEST: usize = 3;

/// A guess at a final value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Guess {
    /// The guess in the metric's units, negated if larger values of the metric are better.
    pub(super) value: f64,
    /// The variance of the guess, in squared units of the metric; `None` if it is unknown.
    pub(super) variance: Option<f64>,
}

/// The gains of the trials that ran to their end. These gains predict those of stopped trials.
pub(super) struct Gains {
    /// The mean and the variance of the gains after each rung. The key of the map is the rung's
    /// iteration.
    after: BTreeMap<u64, (f64, f64)>,
    /// The best final value, negated if larger values of the metric are better.
    best: f64,
    sign: f64,
}

impl Gains {
    /// Computes the gains in one pass over the history. `sign` is -1 if larger values of the metric
    /// are better, else 1.
    pub(super) fn of(history: &History, sign: f64) -> Gains {
        let mut gains: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
        let mut best = f64::INFINITY;
        for trial in &history.trials {
            let Some(end) = final_value(trial, sign) else { continue };
            best = best.min(end);
            for rung in trial.rungs.iter().filter(|rung| rung.value.is_finite()) {
                gains.entry(rung.iteration).or_default().push(sign * rung.value - end);
            }
        }
        gains.retain(|_, gains| gains.len() >= FEWEST);
        let after =
            gains.into_iter().map(|(iteration, gains)| (iteration, moments(&gains))).collect();
        Gains { after, best, sign }
    }

    /// Returns the guess for a stopped trial whose best value is `stopped_with`.
    pub(super) fn guess(&self, trial: &Trial, stopped_with: f64) -> Guess {
        let reached = self.sign * stopped_with;
        let known =
            trial.rungs.last().and_then(|last| Some((last, self.after.get(&last.iteration)?)));
        let Some((last, (mean, variance))) = known else {
            return Guess { value: reached, variance: None };
        };
        // The rule stopped this trial because others were better. So the guess is never better than
        // the best final value.
        let value = (self.sign * last.value - mean).min(reached).max(self.best);
        Guess { value, variance: Some(*variance) }
    }
}

/// Returns the mean and the variance of the gains.
fn moments(gains: &[f64]) -> (f64, f64) {
    let n = gains.len() as f64;
    let mean = gains.iter().sum::<f64>() / n;
    let variance = gains.iter().map(|gain| (gain - mean) * (gain - mean)).sum::<f64>() / (n - 1.0);
    (mean, variance)
}

fn final_value(trial: &Trial, sign: f64) -> Option<f64> {
    match trial.outcome {
        Outcome::Value(value) if value.is_finite() => Some(sign * value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{history::Rung, point::Point};

    fn trial(outcome: Outcome, rungs: &[(u64, f64)]) -> Trial {
        let rungs = rungs.iter().map(|&(iteration, value)| Rung { iteration, value }).collect();
        Trial { outcome, rungs, ..Trial::pending(Point { values: Vec::new() }, None) }
    }

    fn guess(history: &History, trial: &Trial, stopped_with: f64, sign: f64) -> Guess {
        Gains::of(history, sign).guess(trial, stopped_with)
    }

    #[test]
    fn a_stopped_trial_is_expected_to_gain_what_others_gained() {
        let stopped = trial(Outcome::Pruned(5.0), &[(3, 6.0), (9, 5.0)]);
        let mut history = History { trials: vec![stopped.clone()], ..History::default() };
        assert_eq!(guess(&history, &stopped, 5.0, 1.0), Guess { value: 5.0, variance: None });
        for (at_nine, end) in [(4.0, 3.0), (3.0, 1.0), (2.5, 1.0)] {
            history.trials.push(trial(Outcome::Value(end), &[(3, 9.0), (9, at_nine)]));
        }
        let found = guess(&history, &stopped, 5.0, 1.0);
        assert!(
            (found.value - 3.5).abs() < 1e-12 && (found.variance.unwrap() - 0.25).abs() < 1e-12
        );
        // The gain between the rung and the kill is part of the mean gain after the rung.
        assert_eq!(guess(&history, &stopped, 4.0, 1.0).value, 3.5);
        assert_eq!(guess(&history, &stopped, 3.2, 1.0).value, 3.2);
        // The guess is never better than the best trial that ran to its end.
        let good = trial(Outcome::Pruned(1.2), &[(9, 1.2)]);
        assert_eq!(guess(&history, &good, 1.2, 1.0).value, 1.0);
    }
}
