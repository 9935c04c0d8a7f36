//! Defines the scale on which the surrogate of an explanation models the metric. The scale leaves
//! the metric as it is, except that it compresses a bad tail. `Surrogate` uses this module, and
//! converts its predictions back to the metric's own scale. The scale never cuts a value.
//!
//! A training loss can become huge, and beside such a value all good trials would look equal. The
//! search cuts costs at the ceiling c. This scale turns a cost y beyond c into c + s f ln(1 + (y -
//! c)/s), where s is the usual distance of good values. The factor f is 1, or less if the worst
//! value would otherwise lie more than `REACH` times s beyond c. The function is monotone, so the
//! ends of an interval can be converted back.

use crate::{
    history::{History, Outcome, Trial},
    search::{Ingredient, Study, observations},
};

/// The largest distance of the worst value beyond the ceiling, in units of s.
const REACH: f64 = 2.0;

/// The start of the bad tail, and the numbers that define its compression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    /// -1 if larger values are better, else 1. The product of sign and value is the cost.
    sign: f64,
    /// The ceiling, as a cost; infinite if no value lies beyond it.
    ceiling: f64,
    /// The worst measured cost, which bounds every converted prediction; infinite if there is no
    /// bad tail.
    worst: f64,
    spread: f64,
    factor: f64,
    /// The number of values beyond the ceiling.
    beyond: usize,
}

/// The bad tail: the values that the scale compresses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tail {
    /// The number of these values.
    pub trials: usize,
    /// The ceiling beyond which these values lie, in the metric's units.
    pub beyond: f64,
}

impl Scale {
    /// Returns the scale for the values of a history and of the earlier trials of its study.
    pub(super) fn of(study: &Study, history: &History) -> Scale {
        let sign = if study.maximize { -1.0 } else { 1.0 };
        let told = history.trials.iter().filter_map(|trial| value(trial.outcome));
        let told = told.chain(study.earlier.iter().map(|trial| trial.value));
        let mut costs: Vec<f64> =
            told.filter(|value| value.is_finite()).map(|value| sign * value).collect();
        costs.sort_by(f64::total_cmp);
        let plain = Scale {
            sign,
            ceiling: f64::INFINITY,
            worst: f64::INFINITY,
            spread: 1.0,
            factor: 1.0,
            beyond: 0,
        };
        // Division by the largest magnitude keeps every difference from overflowing.
        let largest = costs.iter().fold(0.0_f64, |largest, cost| largest.max(cost.abs()));
        if largest == 0.0 {
            return plain;
        }
        let unit: Vec<f64> = costs.iter().map(|cost| cost / largest).collect();
        let (median, spread) = observations::good(&unit);
        let (ceiling, spread) =
            ((median + observations::CEILING * spread) * largest, spread * largest);
        let beyond = costs.iter().filter(|cost| **cost > ceiling).count();
        if beyond == 0 || spread <= 0.0 {
            return plain;
        }
        let worst = costs.last().copied().unwrap_or_default();
        let bare = Scale { sign, ceiling, worst, spread, factor: 1.0, beyond };
        Scale { factor: (REACH / bare.logarithm(worst)).min(1.0), ..bare }
    }

    /// Returns the bad tail, or `None` if no value lies beyond the ceiling.
    pub(super) fn tail(&self) -> Option<Tail> {
        (self.beyond > 0).then_some(Tail { trials: self.beyond, beyond: self.sign * self.ceiling })
    }

    /// Returns copies of the study and the history with all values on this scale. The copy of the
    /// study leaves out the cut of outliers. The copied trials have no fit, since the stored fits
    /// belong to the original values.
    pub(super) fn drawn_together(&self, study: &Study, history: &History) -> (Study, History) {
        let mut study = study.clone();
        study.without.push(Ingredient::OutlierCut);
        study.earlier.iter_mut().for_each(|trial| trial.value = self.bent(trial.value));
        let bent = |trial: &Trial| {
            let mut trial = Trial { fit: None, ..trial.clone() };
            trial.outcome = match trial.outcome {
                Outcome::Value(value) => Outcome::Value(self.bent(value)),
                Outcome::Pruned(value) => Outcome::Pruned(self.bent(value)),
                other => other,
            };
            trial.rungs.iter_mut().for_each(|rung| rung.value = self.bent(rung.value));
            trial
        };
        let trials = history.trials.iter().map(bent).collect();
        (study, History { trials, queued: history.queued.clone() })
    }

    /// Returns the logarithm of how far beyond the ceiling a cost lies: ln(1 + (y - c)/s).
    fn logarithm(&self, cost: f64) -> f64 {
        let beyond = (cost - self.ceiling).min(f64::MAX);
        let ratio = beyond / self.spread;
        if ratio.is_finite() {
            libm::log1p(ratio)
        } else {
            libm::log(beyond) - libm::log(self.spread)
        }
    }

    fn bent(&self, value: f64) -> f64 {
        let cost = self.sign * value;
        if !cost.is_finite() || cost <= self.ceiling {
            return value;
        }
        self.sign * (self.ceiling + self.spread * self.factor * self.logarithm(cost))
    }

    /// Converts a value on this scale to the metric's own scale. The result is never worse than the
    /// worst measured value, since the conversion grows exponentially.
    pub(super) fn value(&self, bent: f64) -> f64 {
        let cost = self.sign * bent;
        if cost <= self.ceiling {
            return bent;
        }
        let beyond = libm::expm1((cost - self.ceiling) / self.spread / self.factor);
        self.sign * (self.ceiling + self.spread * beyond).min(self.worst)
    }
}

fn value(outcome: Outcome) -> Option<f64> {
    match outcome {
        Outcome::Value(value) | Outcome::Pruned(value) => Some(value),
        Outcome::Pending | Outcome::Failed => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{point::Point, search::Method, space::Space};

    fn scale(maximize: bool, values: &[f64]) -> Scale {
        let space = Space { parameters: Vec::new() };
        let study = Study { maximize, ..Study::new(Method::Random, space, 0) };
        let trial = |&value: &f64| {
            let outcome = Outcome::Value(value);
            Trial { outcome, ..Trial::pending(Point { values: Vec::new() }, None) }
        };
        let trials = values.iter().map(trial).collect();
        Scale::of(&study, &History { trials, ..History::default() })
    }

    #[test]
    fn a_tail_is_drawn_together_and_comes_back() {
        let values: Vec<f64> = (0..20).map(f64::from).chain([60.0, 1e6, 1e300]).collect();
        for sign in [1.0, -1.0] {
            let signed: Vec<f64> = values.iter().map(|value| sign * value).collect();
            let scale = scale(sign < 0.0, &signed);
            let tail = scale.tail().unwrap();
            // The median is 11 and the best decile 2, so the ceiling is 38.
            assert!(tail.trials == 3 && (tail.beyond - sign * 38.0).abs() < 1e-9, "{tail:?}");
            let bent: Vec<f64> = signed.iter().map(|value| sign * scale.bent(*value)).collect();
            assert!(bent.is_sorted() && bent[..20] == values[..20], "{bent:?}");
            assert!(bent[22] <= 38.0 + REACH * 9.0 + 1e-9, "{bent:?}");
            for value in signed {
                let back = scale.value(scale.bent(value));
                assert!((back / value - 1.0).abs() < 1e-6 || back == value, "{value} {back}");
            }
            assert!(scale.value(sign * 1e4).is_finite());
        }
    }

    #[test]
    fn without_a_tail_nothing_changes() {
        for values in [&[1.0, 2.0, 3.0][..], &[0.0; 4], &[5.0], &[]] {
            let scale = scale(false, values);
            assert_eq!((scale.tail(), scale.bent(1e9), scale.value(-3.0)), (None, 1e9, -3.0));
        }
    }
}
