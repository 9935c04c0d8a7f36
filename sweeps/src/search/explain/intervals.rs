//! Computes intervals that hold 95 % of the trials. The width of the intervals is calibrated on
//! held-out trials, which the surrogate predicts from other trials. The explanation of a sweep uses
//! these intervals. This module never takes the surrogate's own deviations as correct.
//!
//! Each held-out trial has a score: its distance from the prediction, in predicted deviations. The
//! half width of an interval is the quantile of the scores at the wanted share, corrected for the
//! number of scores (split conformal prediction). For the coverage, each score is compared with the
//! half width that the other scores give.

use crate::gp::{LeftOut, Posterior};

/// The share of trials that an interval has to hold.
const SHARE: f64 = 0.95;
/// The half width that would hold [`SHARE`] of the trials if the deviations were right, in
/// deviations.
const NORMAL: f64 = 1.96;
/// The number of halvings in the search for a quantile. The precision of the result is finer than
/// any number that users see.
const HALVINGS: usize = 40;

/// The calibrated width of the intervals.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Intervals {
    /// Half the width of a 95 % interval, in deviations of the surrogate.
    pub(super) half: f64,
    /// The trials with which the width was calibrated.
    pub(super) held_out: Vec<HeldOut>,
}

/// A trial that others predict.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct HeldOut {
    /// The index of its observation.
    pub(super) index: usize,
    /// The number of the trial.
    pub(super) trial: u64,
    /// Half the width of its interval, which the other trials give, in deviations.
    pub(super) half: f64,
    /// Whether the trial lies in this interval.
    pub(super) covered: bool,
}

/// The number of held-out trials, and how many of them lay in their interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// The number of held-out trials that lay in their interval.
    pub covered: usize,
    /// The number of held-out trials.
    pub held_out: usize,
}

impl Intervals {
    /// Calibrates the width with the prediction of each observation. Only observations for which
    /// `measured` has a number take part: trials of this sweep that ran to their end and have a
    /// value.
    pub(super) fn of(foretold: &[LeftOut], measured: &[Option<u64>]) -> Intervals {
        let mut scored: Vec<(f64, usize, u64)> = (foretold.iter().zip(measured).enumerate())
            .filter_map(|(index, (foretold, trial))| {
                Some(((foretold.error / foretold.deviation).abs(), index, (*trial)?))
            })
            .collect();
        scored.sort_by(|one, other| one.0.total_cmp(&other.0));
        let scores: Vec<f64> = scored.iter().map(|(score, ..)| *score).collect();
        let held_out = |(place, &(score, index, trial)): (usize, &(f64, usize, u64))| {
            let mut others = scores.clone();
            others.remove(place);
            let half = half(&others);
            HeldOut { index, trial, half, covered: score <= half }
        };
        Intervals {
            half: half(&scores),
            held_out: scored.iter().enumerate().map(held_out).collect(),
        }
    }

    /// Returns how many of the trials with which the width was calibrated lie in their interval.
    pub(super) fn coverage(&self) -> Coverage {
        let covered = self.held_out.iter().filter(|trial| trial.covered).count();
        Coverage { covered, held_out: self.held_out.len() }
    }

    /// Returns the interval that holds 95 % of the trials that run at one of these points, each of
    /// which is equally likely. The interval's ends are standardised, the low end first.
    pub(super) fn of_trials(&self, posterior: &Posterior, points: &[Vec<f64>]) -> (f64, f64) {
        let predicted = posterior.predict(points);
        let widen = self.half / NORMAL;
        let deviations = predicted
            .variances
            .iter()
            .map(|variance| widen * (variance + posterior.noise()).sqrt());
        let each: Vec<(f64, f64)> = predicted.means[0].iter().copied().zip(deviations).collect();
        (quantile(&each, (1.0 - SHARE) / 2.0), quantile(&each, (1.0 + SHARE) / 2.0))
    }
}

/// Returns half the width of an interval for these scores, which ascend. If there are too few
/// scores for the quantile, returns the largest score, but at least `NORMAL`.
fn half(scores: &[f64]) -> f64 {
    let place = (SHARE * (scores.len() + 1) as f64).ceil() as usize;
    match scores.get(place.saturating_sub(1)) {
        Some(&score) => score,
        None => scores.last().copied().unwrap_or_default().max(NORMAL),
    }
}

/// Returns the quantile of a mixture of normal distributions, each with its mean and deviation.
fn quantile(mixture: &[(f64, f64)], share: f64) -> f64 {
    let ends =
        |sign: f64| mixture.iter().map(move |(mean, deviation)| mean + sign * 9.0 * deviation);
    let mut low = ends(-1.0).fold(f64::INFINITY, f64::min);
    let mut high = ends(1.0).fold(f64::NEG_INFINITY, f64::max);
    let below = |x: f64| {
        let shares = mixture.iter().map(|(mean, deviation)| {
            0.5 * libm::erfc((mean - x) / deviation * std::f64::consts::FRAC_1_SQRT_2)
        });
        shares.sum::<f64>() / mixture.len() as f64
    };
    for _ in 0..HALVINGS {
        let middle = low / 2.0 + high / 2.0;
        if below(middle) < share { low = middle } else { high = middle }
    }
    low / 2.0 + high / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_score_that_the_share_keeps_below_is_the_half_width() {
        let scores: Vec<f64> = (1..=40).map(f64::from).collect();
        assert_eq!(half(&scores), 39.0, "95 % of 41 are 38.95");
        assert_eq!(half(&scores[..10]), 10.0, "ten are too few");
        assert_eq!((half(&[0.1]), half(&[])), (NORMAL, NORMAL));
        let foretold: Vec<LeftOut> =
            scores.iter().map(|&score| LeftOut { error: -2.0 * score, deviation: 2.0 }).collect();
        let mut measured: Vec<Option<u64>> = (0..40).map(Some).collect();
        let all = Intervals::of(&foretold, &measured);
        assert_eq!((all.half, all.coverage()), (39.0, Coverage { covered: 38, held_out: 40 }));
        let last = HeldOut { index: 39, trial: 39, half: 38.0, covered: false };
        assert_eq!(all.held_out.last(), Some(&last), "the others give its interval");
        measured[39] = None;
        let fewer = Intervals::of(&foretold, &measured);
        assert_eq!((fewer.half, fewer.coverage()), (38.0, Coverage { covered: 38, held_out: 39 }));
    }

    #[test]
    fn quantiles_of_one_and_of_two() {
        assert!((quantile(&[(3.0, 2.0)], 0.975) - 3.0 - 2.0 * 1.959_963_98).abs() < 1e-6);
        let two = [(0.0, 0.1), (10.0, 0.1)];
        assert!((quantile(&two, 0.25)).abs() < 1e-6 && (quantile(&two, 0.75) - 10.0).abs() < 1e-6);
    }
}
