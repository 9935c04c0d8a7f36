//! Computes intervals that hold as many trials as they say. How wide they have to be is measured on
//! trials that the surrogate predicts from the others. It is part of the explanation of a sweep. It
//! never believes the surrogate's own deviations.
//!
//! Each trial has a score: how far it lies from the prediction by the others, in deviations. The
//! half width is the score below which the wanted share of trials keeps, with the correction for
//! their number (split conformal prediction). The coverage is counted on trials too, each against
//! the half width that the others' scores give.

use crate::gp::{LeftOut, Posterior};

/// The share of trials that an interval has to hold.
const SHARE: f64 = 0.95;
/// The half width that would hold this share if deviations were right, in deviations.
const NORMAL: f64 = 1.96;
/// The number of halvings in the search for a quantile. Its precision is finer than what is shown.
const HALVINGS: usize = 40;

/// The width that intervals need.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Intervals {
    /// Half the width of a 95 % interval, in deviations of the surrogate.
    pub(super) half: f64,
    /// The trials by which the width was measured.
    pub(super) coverage: Coverage,
}

/// How many of the held-out trials lay in their interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// The number of trials that did.
    pub covered: usize,
    /// The number of held-out trials.
    pub held_out: usize,
}

impl Intervals {
    /// Measures the width by the prediction of each observation. `measured` says which of them are
    /// trials with a value.
    pub(super) fn of(foretold: &[LeftOut], measured: &[bool]) -> Intervals {
        let measured = foretold.iter().zip(measured).filter(|(_, measured)| **measured);
        let mut scores: Vec<f64> =
            measured.map(|(foretold, _)| (foretold.error / foretold.deviation).abs()).collect();
        scores.sort_by(f64::total_cmp);
        let is_covered = |place: &usize| {
            let mut others = scores.clone();
            let score = others.remove(*place);
            score <= half(&others)
        };
        let covered = (0..scores.len()).filter(is_covered).count();
        Intervals { half: half(&scores), coverage: Coverage { covered, held_out: scores.len() } }
    }

    /// Returns the interval that holds 95 % of the trials whose points are drawn from these,
    /// standardised, low end first.
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

/// Returns half the width of an interval by these scores, which ascend. If there are too few to
/// tell, the worst of them counts, and at least `NORMAL`.
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
        let mut measured = vec![true; 40];
        let all = Intervals::of(&foretold, &measured);
        assert_eq!((all.half, all.coverage), (39.0, Coverage { covered: 38, held_out: 40 }));
        measured[39] = false;
        let fewer = Intervals::of(&foretold, &measured);
        assert_eq!((fewer.half, fewer.coverage), (38.0, Coverage { covered: 38, held_out: 39 }));
    }

    #[test]
    fn quantiles_of_one_and_of_two() {
        assert!((quantile(&[(3.0, 2.0)], 0.975) - 3.0 - 2.0 * 1.959_963_98).abs() < 1e-6);
        let two = [(0.0, 0.1), (10.0, 0.1)];
        assert!((quantile(&two, 0.25)).abs() < 1e-6 && (quantile(&two, 0.75) - 10.0).abs() < 1e-6);
    }
}
