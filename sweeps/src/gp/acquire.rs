//! Where to look next: the logarithm of expected improvement, averaged over imagined outcomes of pending trials. Called
//! by the search for candidates. Never chooses among them.
//!
//! For a prediction N(μ, s²) and an incumbent f*, lower being better, EI = s h(z) with z = (f* - μ) / s and
//! h(z) = φ(z) + z Φ(z). EI underflows where the model sees no hope, which is most of the space, and leaves nothing to
//! compare there; ln EI does not (Ament et al., "Unexpected Improvements to Expected Improvement", 2023).

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use super::predict::Posterior;
use crate::quantile::normal_cdf;

/// A predicted deviation below this is rounding.
const SMALLEST_DEVIATION: f64 = 1e-9;

/// Expected improvement under a posterior.
#[derive(Debug)]
pub(crate) struct Acquisition {
    posterior: Posterior,
    /// Per column of the targets, the lowest posterior mean at an input: with noise the best observation is partly
    /// luck, and a target that no point can repeat.
    incumbents: Vec<f64>,
}

/// The model's opinion of one candidate, in standardised units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Opinion {
    /// Predicted mean.
    pub(crate) mean: f64,
    /// Predicted standard deviation of the function, without noise.
    pub(crate) deviation: f64,
    /// Expected improvement over the incumbent.
    pub(crate) improvement: f64,
}

impl Acquisition {
    /// Expected improvement over the best input of the posterior.
    pub(crate) fn new(posterior: Posterior) -> Acquisition {
        let incumbents = posterior.lowest_means();
        Acquisition { posterior, incumbents }
    }

    /// ln of the expected improvement at each point.
    pub(crate) fn score(&self, points: &[Vec<f64>]) -> Vec<f64> {
        let predictions = self.posterior.predict(points);
        let score = |i: usize| {
            let deviation = predictions.deviations[i].max(SMALLEST_DEVIATION);
            let scores = self
                .incumbents
                .iter()
                .zip(&predictions.means)
                .map(|(best, means)| libm::log(deviation) + ln_h((best - means[i]) / deviation));
            ln_mean_exp(&scores.collect::<Vec<f64>>())
        };
        (0..points.len()).map(score).collect()
    }

    /// What the model thinks of one point.
    pub(crate) fn opinion(&self, point: &[f64]) -> Opinion {
        let points = [point.to_vec()];
        let predictions = self.posterior.predict(&points);
        let mean =
            predictions.means.iter().map(|means| means[0]).sum::<f64>() / predictions.means.len() as f64;
        Opinion { mean, deviation: predictions.deviations[0], improvement: libm::exp(self.score(&points)[0]) }
    }
}

/// ln((e^a + e^b + ..) / n).
fn ln_mean_exp(values: &[f64]) -> f64 {
    let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !largest.is_finite() {
        return largest;
    }
    let sum: f64 = values.iter().map(|value| libm::exp(value - largest)).sum();
    largest + libm::log(sum / values.len() as f64)
}

/// ln(φ(z) + z Φ(z)), accurate for every z.
fn ln_h(z: f64) -> f64 {
    let ln_density = -0.5 * z * z - 0.5 * libm::log(2.0 * PI);
    if z > -1.0 {
        return libm::log(libm::exp(ln_density) + z * normal_cdf(z));
    }
    // With t = -z: h = φ(t) (1 - t R(t)), where R(t) = (1 - Φ(t)) / φ(t) is Mills' ratio.
    let t = -z;
    if t < 10.0 {
        let mills = (0.5 * PI).sqrt() * libm::exp(0.5 * t * t) * libm::erfc(t * FRAC_1_SQRT_2);
        return ln_density + libm::log1p(-t * mills);
    }
    // 1 - t R(t) = 1/t² - 3/t⁴ + 15/t⁶ - ..: the terms shrink until the (t²/2)-th.
    let inverse_square = 1.0 / (t * t);
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..16 {
        term *= -f64::from(2 * k + 1) * inverse_square;
        sum += term;
    }
    ln_density - 2.0 * libm::log(t) + libm::log(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ln_h_against_high_precision() {
        for (z, want) in LN_H {
            assert!((ln_h(z) - want).abs() < 2e-13 * want.abs().max(1.0), "{z}: {} {want}", ln_h(z));
        }
    }

    #[test]
    fn ln_h_rises_without_a_step() {
        let mut last = ln_h(-60.0);
        for i in 1..120_000 {
            let next = ln_h(-60.0 + f64::from(i) * 1e-3);
            assert!(next > last && next - last < 0.0611);
            last = next;
        }
        assert!(ln_h(-1e150).is_finite() && ln_h(1e150).is_finite());
    }

    #[test]
    fn mean_in_logarithms() {
        assert!(
            (ln_mean_exp(&[-1000.0, -1000.0 + libm::log(3.0)]) - (-1000.0 + libm::log(2.0))).abs() < 1e-12
        );
        assert_eq!(ln_mean_exp(&[f64::NEG_INFINITY]), f64::NEG_INFINITY);
    }

    /// z and ln h(z), from a computation with 120 decimal digits.
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
