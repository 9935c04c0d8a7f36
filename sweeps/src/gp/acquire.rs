//! Scores points as candidates for the next trial. The score is the logarithm of the acquisition.
//! The acquisition is the expected improvement (EI), averaged over drawn outcomes of the pending
//! trials, times the probability that the point keeps every limit, times a prior weight. The
//! Bayesian search calls this module, which never chooses among candidates.
//!
//! Lower values are better. For a prediction N(μ, s²) and an incumbent f*, EI is s h(z) with
//! h(z) = φ(z) + z Φ(z) and z = (f* - μ) / s. In most of the space EI underflows to 0, so EI cannot
//! compare points there. ln EI does not underflow (Ament et al., "Unexpected Improvements to
//! Expected Improvement", 2023).
//!
//! EI alone prefers the 2d faces of the d-dimensional box, since a point on a face has few
//! neighbours and its prediction is uncertain. But users choose ranges with the optimum in the
//! interior. So the prior weight is a belief about the place of the optimum. Per axis the belief is
//! proportional to ε + 4 x (1 - x). The belief follows Hvarfner et al., "πBO: Augmenting
//! Acquisition Functions with User Beliefs", 2022. Unlike their weight, it does not fade as
//! observations arrive.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use super::predict::Posterior;
use crate::quantile::normal_cdf;

/// The smallest variance of a prediction. A smaller variance is a rounding error, and this value
/// replaces it.
const SMALLEST_VARIANCE: f64 = 1e-18;

/// The ε of the belief: at an end of an axis the belief is ε / (1 + ε) times the belief in the
/// middle.
const EPSILON: f64 = 0.1;

/// The acquisition of a point: the expected improvement, times the probability that the point keeps
/// every limit, times the belief that the optimum is there.
#[derive(Debug)]
pub(crate) struct Acquisition {
    posterior: Posterior,
    /// The value to improve on, for each of the posterior's columns of weights.
    incumbents: Vec<f64>,
    /// For each outcome with a limit, its posterior and the largest value that is allowed.
    limits: Vec<(Posterior, f64)>,
    /// The axes to which the belief applies: those on which the optimum is probably inside of the
    /// range.
    inner: Vec<usize>,
}

/// The acquisition at one point, with its derivatives.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Height {
    /// The logarithm of the acquisition.
    pub(crate) value: f64,
    /// The derivative of `value` by each coordinate; 0 for categories.
    pub(crate) slopes: Vec<f64>,
}

impl Acquisition {
    /// Returns the acquisition for an improvement on these incumbents. An incumbent that is not
    /// finite means that there is no value to improve on yet. In that case the acquisition depends
    /// on the limits and the belief alone.
    pub(crate) fn new(
        posterior: Posterior,
        incumbents: Vec<f64>,
        limits: Vec<(Posterior, f64)>,
    ) -> Acquisition {
        Acquisition { posterior, incumbents, limits, inner: Vec::new() }
    }

    /// Adds the belief that the optimum is inside of the range on these axes, rather than at an
    /// end.
    pub(crate) fn with_optimum_inside_of(self, inner: Vec<usize>) -> Acquisition {
        Acquisition { inner, ..self }
    }

    /// Returns ln of the acquisition at each point.
    pub(crate) fn score(&self, points: &[Vec<f64>]) -> Vec<f64> {
        let mut scores = self.ln_improvements(points);
        for (score, x) in scores.iter_mut().zip(points) {
            *score += self.inner.iter().map(|&axis| ln_belief(x[axis]).0).sum::<f64>();
        }
        scores
    }

    /// Returns ln of the acquisition at each point, with the limits but without the belief.
    pub(crate) fn ln_improvements(&self, points: &[Vec<f64>]) -> Vec<f64> {
        let predictions = self.posterior.predict(points);
        let score = |i: usize| {
            let columns = predictions.means.iter().zip(&self.incumbents);
            let terms = columns.map(|(means, incumbent)| {
                ln_improvement(means[i], predictions.variances[i], *incumbent).0
            });
            ln_mean_exp(&terms.collect::<Vec<f64>>())
        };
        let mut scores: Vec<f64> = (0..points.len()).map(score).collect();
        for (posterior, limit) in &self.limits {
            let predictions = posterior.predict(points);
            for (i, score) in scores.iter_mut().enumerate() {
                *score += ln_kept(predictions.means[0][i], predictions.variances[i], *limit).0;
            }
        }
        scores
    }

    /// Returns ln of the acquisition at one point, with its slopes.
    pub(crate) fn height(&self, x: &[f64]) -> Height {
        let local = self.posterior.local(x);
        let columns = local.means.iter().zip(&self.incumbents);
        let terms: Vec<(f64, f64, f64)> = columns
            .map(|(mean, incumbent)| ln_improvement(*mean, local.variance, *incumbent))
            .collect();
        let values: Vec<f64> = terms.iter().map(|term| term.0).collect();
        let mut height = Height { value: ln_mean_exp(&values), slopes: vec![0.0; x.len()] };
        let mean_value = height.value;
        for (slopes, (ln_ei, by_mean, by_variance)) in local.mean_slopes.iter().zip(terms) {
            let share = libm::exp(ln_ei - mean_value) / values.len() as f64;
            height.add(share, by_mean, slopes, by_variance, &local.variance_slopes);
        }
        for (posterior, limit) in &self.limits {
            let local = posterior.local(x);
            let (ln_kept, by_mean, by_variance) = ln_kept(local.means[0], local.variance, *limit);
            height.value += ln_kept;
            height.add(1.0, by_mean, &local.mean_slopes[0], by_variance, &local.variance_slopes);
        }
        for &axis in &self.inner {
            let (value, slope) = ln_belief(x[axis]);
            height.value += value;
            height.slopes[axis] += slope;
        }
        height
    }
}

impl Height {
    /// Adds `share` times the slopes of a function of a mean and a variance. The chain rule gives
    /// these slopes.
    fn add(&mut self, share: f64, by_mean: f64, mean: &[f64], by_variance: f64, variance: &[f64]) {
        for (j, slope) in self.slopes.iter_mut().enumerate() {
            *slope += share * (by_mean * mean[j] + by_variance * variance[j]);
        }
    }
}

/// Returns ln of the belief at this coordinate of an axis, and the derivative of that logarithm.
/// The logarithm is 0 in the middle of the range.
fn ln_belief(x: f64) -> (f64, f64) {
    let belief = EPSILON + 4.0 * x * (1.0 - x);
    (libm::log(belief / (EPSILON + 1.0)), (4.0 - 8.0 * x) / belief)
}

/// Returns ln of the probability that N(mean, variance) is at most the limit. Also returns the
/// derivatives of that logarithm by mean and by variance.
fn ln_kept(mean: f64, variance: f64, limit: f64) -> (f64, f64, f64) {
    let variance = variance.max(SMALLEST_VARIANCE);
    let deviation = variance.sqrt();
    let z = (limit - mean) / deviation;
    let (ln_below, ratio) = ln_normal_cdf(z);
    (ln_below, -ratio / deviation, -0.5 * z * ratio / variance)
}

/// Returns ln EI for the prediction N(mean, variance) and this incumbent. Also returns the
/// derivatives of ln EI by mean and by variance. Returns zeros if the incumbent is not finite.
fn ln_improvement(mean: f64, variance: f64, incumbent: f64) -> (f64, f64, f64) {
    if !incumbent.is_finite() {
        return (0.0, 0.0, 0.0);
    }
    let variance = variance.max(SMALLEST_VARIANCE);
    let deviation = variance.sqrt();
    let z = (incumbent - mean) / deviation;
    let (ln_h, ratio) = ln_h(z);
    (0.5 * libm::log(variance) + ln_h, -ratio / deviation, 0.5 * (1.0 - z * ratio) / variance)
}

/// Returns ln((e^a + e^b + ..) / n).
fn ln_mean_exp(values: &[f64]) -> f64 {
    let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !largest.is_finite() {
        return largest;
    }
    let sum: f64 = values.iter().map(|value| libm::exp(value - largest)).sum();
    largest + libm::log(sum / values.len() as f64)
}

/// Returns ln h(z) with h(z) = φ(z) + z Φ(z), and its derivative Φ(z) / h(z). Both results are
/// accurate for every z.
fn ln_h(z: f64) -> (f64, f64) {
    let ln_density = -0.5 * z * z - 0.5 * libm::log(2.0 * PI);
    if z > -1.0 {
        let (density, below) = (libm::exp(ln_density), normal_cdf(z));
        let h = density + z * below;
        return (libm::log(h), below / h);
    }
    // With t = -z: h = φ(t) (1 - t R(t)), where R(t) = (1 - Φ(t)) / φ(t) is Mills' ratio.
    let t = -z;
    if t < 10.0 {
        let mills = (0.5 * PI).sqrt() * libm::exp(0.5 * t * t) * libm::erfc(t * FRAC_1_SQRT_2);
        return (ln_density + libm::log1p(-t * mills), mills / (1.0 - t * mills));
    }
    // 1 - t R(t) = 1/t² - 3/t⁴ + 15/t⁶ - ..: the terms shrink until the (t²/2)-th.
    let inverse_square = 1.0 / (t * t);
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..16 {
        term *= -f64::from(2 * k + 1) * inverse_square;
        sum += term;
    }
    // With rest = 1 - t R(t), the derivative Φ / h = R / (1 - t R) is (1 - rest) / (t rest).
    let rest = inverse_square * sum;
    (ln_density - 2.0 * libm::log(t) + libm::log(sum), (1.0 - rest) / (t * rest))
}

/// Returns ln Φ(z) and its derivative φ(z) / Φ(z). Both results are accurate for every z.
fn ln_normal_cdf(z: f64) -> (f64, f64) {
    let ln_density = -0.5 * z * z - 0.5 * libm::log(2.0 * PI);
    if z > -1.0 {
        let below = normal_cdf(z);
        return (libm::log(below), libm::exp(ln_density) / below);
    }
    // For z ≤ -1, ln Φ(z) is computed as ln h(z) plus ln of Φ(z) / h(z), which is the derivative of
    // ln h.
    let (ln_h, ratio) = ln_h(z);
    let ln_below = ln_h + libm::log(ratio);
    (ln_below, libm::exp(ln_density - ln_below))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gp::{Data, Dimension, Form, Hyperparameters};

    #[test]
    fn ln_h_against_high_precision() {
        for (z, want) in LN_H {
            assert!(
                (ln_h(z).0 - want).abs() < 2e-13 * want.abs().max(1.0),
                "{z}: {:?} {want}",
                ln_h(z)
            );
        }
    }

    #[test]
    fn ln_h_rises_without_a_step() {
        let mut last = ln_h(-60.0);
        for i in 1..120_000 {
            let next = ln_h(-60.0 + f64::from(i) * 1e-3);
            let slope = (next.0 - last.0) / 1e-3;
            assert!(next.0 > last.0 && (slope - 0.5 * (next.1 + last.1)).abs() < 1e-5, "{i}");
            last = next;
        }
        assert!(ln_h(-1e150).0.is_finite() && ln_h(1e150).0.is_finite());
    }

    #[test]
    fn ln_normal_cdf_is_accurate_everywhere() {
        for (z, want) in [(2.0, -0.023012909328963488), (-3.0, -6.607726221510343)] {
            assert!((ln_normal_cdf(z).0 - want).abs() < 1e-12, "{z}");
        }
        for z in [-50.0, -12.0, -9.99, -2.0, -0.5, 1.0] {
            let slope = (ln_normal_cdf(z + 1e-5).0 - ln_normal_cdf(z - 1e-5).0) / 2e-5;
            assert!((ln_normal_cdf(z).1 - slope).abs() < 1e-6 * slope.abs().max(1.0), "{z}");
        }
    }

    #[test]
    fn slopes_are_those_of_finite_differences_with_limits_and_belief() {
        let form = Form { dimensions: vec![Dimension::Numeric; 2], warped: true };
        let hyper = Hyperparameters::prior_mode(&form);
        let inputs: Vec<Vec<f64>> =
            [[0.1, 0.9], [0.4, 0.3], [0.8, 0.6], [0.6, 0.05]].map(|x| x.to_vec()).to_vec();
        let posterior = |targets: [f64; 4]| {
            Posterior::new(
                &form,
                &hyper,
                Data { inputs: &inputs, targets: &targets, extra: &[0.0; 4] },
            )
            .unwrap()
        };
        let (objective, limited) =
            (posterior([1.0, -1.2, 0.4, -0.2]), posterior([0.3, -1.0, 1.4, -0.7]));
        let plain = Acquisition::new(objective, vec![-1.3], vec![(limited, 0.2)]);
        for x in [[0.03, 0.5], [0.5, 0.97], [0.7, 0.2]] {
            let ln_improvement = plain.ln_improvements(&[x.to_vec()])[0];
            assert_eq!(plain.score(&[x.to_vec()])[0], ln_improvement);
        }
        let inner = plain.with_optimum_inside_of(vec![0, 1]);
        for x in [[0.03, 0.5], [0.5, 0.97], [0.7, 0.2]] {
            let height = inner.height(&x);
            assert!((height.value - inner.score(&[x.to_vec()])[0]).abs() < 1e-9);
            for axis in 0..2 {
                let at = |step: f64| {
                    let mut moved = x;
                    moved[axis] += step;
                    inner.height(&moved).value
                };
                let slope = (at(1e-6) - at(-1e-6)) / 2e-6;
                assert!(
                    (height.slopes[axis] - slope).abs() < 1e-5 * slope.abs().max(1.0),
                    "{x:?} {axis}"
                );
            }
        }
        let (middle, end) = (ln_belief(0.5), ln_belief(1.0));
        assert!(
            middle == (0.0, 0.0) && (end.0 - libm::log(1.0 / 11.0)).abs() < 1e-12 && end.1 < 0.0
        );
    }

    #[test]
    fn the_mean_is_taken_in_logarithms() {
        assert!(
            (ln_mean_exp(&[-1000.0, -1000.0 + libm::log(3.0)]) - (-1000.0 + libm::log(2.0))).abs()
                < 1e-12
        );
        assert_eq!(ln_mean_exp(&[f64::NEG_INFINITY]), f64::NEG_INFINITY);
    }

    /// Pairs of z and ln h(z), computed with 120 decimal digits.
    const LN_H: [(f64, f64); 18] = [
        (5.0, 1.6094379231264313),
        (1.0, 0.08002621884930694),
        (0.5, -0.3598276837450638),
        (0.0, -0.9189385332046728),
        (-0.5, -1.6205162643873199),
        (-0.99, -2.4661143916690493),
        (-1.0, -2.4851210257126413),
        (-1.5, -3.52993592080571),
        (-3.0, -7.869686059603029),
        (-6.0, -22.578879392169796),
        (-9.75, -53.03519277937339),
        (-10.0, -55.55312203612235),
        (-10.5, -60.77308370067394),
        (-12.0, -77.90910054500735),
        (-20.0, -206.9178385094251),
        (-38.0, -730.1961834021138),
        (-100.0, -5010.12957880025),
        (-1000.0, -500014.73445209116),
    ];
}
