//! Defines the scale on which the surrogate of an explanation sees the metric: as it is, except for
//! a bad tail, which is drawn together. `Surrogate` uses it. It never cuts a value: it brings what
//! the surrogate says back to the metric's own scale.
//!
//! Training losses blow up, and on their scale the good trials would all be equal. Beyond the
//! ceiling c, at which the search cuts, a cost y becomes c + s f ln(1 + (y - c)/s), with s the
//! usual distance of good values. f is 1, or less if the worst value would otherwise lie more than
//! `REACH` times s beyond c. The function is monotone, so intervals survive the way back.

use crate::{
    history::{History, Outcome, Trial},
    search::{Ingredient, Study, observations},
};

/// The largest distance of the worst value beyond the ceiling, in units of s.
const REACH: f64 = 2.0;

/// The start of the bad tail of the values, and the way in which it is drawn together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    /// -1 where larger values are better, else 1. It turns a value into a cost.
    sign: f64,
    /// The ceiling; infinite if no value lies beyond.
    ceiling: f64,
    /// The worst cost. The surrogate says nothing beyond what was measured.
    worst: f64,
    spread: f64,
    factor: f64,
    /// The number of values beyond the ceiling.
    beyond: usize,
}

/// The values that are drawn together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tail {
    /// The number of these values.
    pub trials: usize,
    /// The limit that they are worse than, in the metric's units.
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
        // Division by the largest keeps every difference from overflowing.
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

    /// Returns the values beyond the ceiling, if there are any.
    pub(super) fn tail(&self) -> Option<Tail> {
        (self.beyond > 0).then_some(Tail { trials: self.beyond, beyond: self.sign * self.ceiling })
    }

    /// Returns the study and the history as the surrogate sees them. Nothing else is cut, and no
    /// earlier fit belongs to these values.
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
        (study, History { trials: history.trials.iter().map(bent).collect() })
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

    /// Goes the way back, but no further than to the worst value that was measured: an exponential
    /// would go on for ever.
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
        Scale::of(&study, &History { trials: values.iter().map(trial).collect() })
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
