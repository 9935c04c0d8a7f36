//! Computes the distribution functions of the normal and the beta law, and their inverses. All
//! computations use `libm` alone, so that a draw has the same bits on every machine. `encode`,
//! `rng` and `gp` call this module, which never sees a parameter or a point.
//!
//! Both quantiles start from a textbook approximation and refine it against the distribution
//! function itself. So the quantiles are as accurate as `erfc` and the incomplete beta function.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// Returns P(Z <= z) of the standard normal law.
pub(crate) fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z * FRAC_1_SQRT_2)
}

/// Returns the z with P(Z <= z) = `p`, for `p` in (0, 1).
pub(crate) fn normal_quantile(p: f64) -> f64 {
    if p > 0.5 {
        return -normal_quantile(1.0 - p);
    }
    // Hastings' rational approximation of the lower tail; its error is below 4.5e-4.
    let t = (-2.0 * libm::log(p)).sqrt();
    let numerator = 2.515517 + t * (0.802853 + t * 0.010328);
    let denominator = 1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308));
    let mut z = numerator / denominator - t;
    // Halley's step triples the number of correct digits, so two steps are enough.
    for _ in 0..2 {
        let density = libm::exp(-0.5 * z * z) / (2.0 * PI).sqrt();
        let newton = (normal_cdf(z) - p) / density;
        z -= newton / (1.0 + 0.5 * z * newton);
    }
    z
}

/// Returns P(X <= x) of the beta law with shapes `a` and `b`: the regularised incomplete beta
/// function.
pub(crate) fn beta_cdf(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let front = libm::exp(a * libm::log(x) + b * libm::log1p(-x) - ln_beta(a, b));
    // The continued fraction in x converges fast only for x below about the mean; above it, the
    // fraction in 1 - x does.
    if x < (a + 1.0) / (a + b + 2.0) {
        front * beta_fraction(a, b, x) / a
    } else {
        1.0 - front * beta_fraction(b, a, 1.0 - x) / b
    }
}

/// Returns the x with P(X <= x) = `p`, for `p` in (0, 1).
pub(crate) fn beta_quantile(a: f64, b: f64, p: f64) -> f64 {
    // The quantile is computed as a distance from the nearer end of [0, 1], since this distance can
    // be very small.
    let upper = p > beta_cdf(a, b, 0.5);
    if upper { 1.0 - beta_lower_quantile(b, a, 1.0 - p) } else { beta_lower_quantile(a, b, p) }
}

/// Returns the quantile of `p`. The quantile must be at most one half. Newton's method solves ln
/// P(X <= e^t) = ln p for t. For small x = e^t this logarithm is nearly linear in t, even if x is
/// as small as a double can be. Bisection keeps t inside a bracket.
fn beta_lower_quantile(a: f64, b: f64, p: f64) -> f64 {
    let ln_p = libm::log(p);
    let ln_beta = ln_beta(a, b);
    let (mut low, mut high) = (-750.0, 0.0);
    let inside =
        |t: f64, low: f64, high: f64| if t > low && t < high { t } else { 0.5 * (low + high) };
    // P(X <= x) is x^a / (a B(a, b)) to first order.
    let first = (ln_p + libm::log(a) + ln_beta) / a;
    if first <= low {
        return 0.0;
    }
    let mut t = inside(first, low, high);
    for _ in 0..200 {
        let x = libm::exp(t);
        let ln_cdf = libm::log(beta_cdf(a, b, x));
        let excess = ln_cdf - ln_p;
        if excess > 0.0 {
            high = t;
        } else {
            low = t;
        }
        let slope = libm::exp(a * t + (b - 1.0) * libm::log1p(-x) - ln_beta - ln_cdf);
        let step = excess / slope;
        if step.abs() <= 1e-16 * t.abs() || high - low <= f64::EPSILON * low.abs() {
            break;
        }
        // If the slope is 0, or a number here is not finite, the new t is not inside the bracket,
        // and `inside` returns the bracket's middle.
        t = inside(t - step, low, high);
    }
    libm::exp(t)
}

/// Returns ln B(a, b).
fn ln_beta(a: f64, b: f64) -> f64 {
    libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b)
}

/// Evaluates the continued fraction of the incomplete beta function by Lentz's method.
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    // The fraction needs about sqrt(max(a, b)) terms, so only shapes above 1e9 reach the bound.
    const MAX_TERMS: u32 = 50_000;
    let away_from_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for term in 1..=MAX_TERMS {
        let m = f64::from(term);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away_from_zero(1.0 + even * d);
        c = away_from_zero(1.0 + even / c);
        fraction *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away_from_zero(1.0 + odd * d);
        c = away_from_zero(1.0 + odd / c);
        fraction *= d * c;
        if (d * c - 1.0).abs() < 1e-15 {
            break;
        }
    }
    fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_quantiles_known_to_the_last_digits() {
        for (p, z) in [
            (0.5, 0.0),
            (0.975, 1.959963984540054),
            (0.841344746068543, 1.0),
            (1e-3, -3.090232306167813),
            (1e-10, -6.361340902404056),
            (f64::EPSILON / 2.0, -8.209536151601387),
        ] {
            assert!(
                (normal_quantile(p) - z).abs() < 1e-13 * z.abs().max(1.0),
                "{p}: {}",
                normal_quantile(p)
            );
        }
    }

    #[test]
    fn normal_quantile_inverts_the_distribution_function() {
        for i in 1..4000 {
            let p = f64::from(i) / 4000.0;
            assert!((normal_cdf(normal_quantile(p)) / p - 1.0).abs() < 1e-14);
        }
    }

    #[test]
    fn beta_cdf_equals_its_closed_forms() {
        for i in 1..100 {
            let x = f64::from(i) / 100.0;
            let close = |a: f64, b: f64, want: f64| {
                assert!(
                    (beta_cdf(a, b, x) - want).abs() < 1e-13,
                    "{a} {b} {x}: {}",
                    beta_cdf(a, b, x)
                )
            };
            close(1.0, 1.0, x);
            close(3.0, 1.0, x * x * x);
            close(1.0, 0.5, 1.0 - (1.0 - x).sqrt());
            close(0.5, 0.5, 2.0 / PI * libm::asin(x.sqrt()));
            close(2.0, 3.0, x * x * (6.0 - 8.0 * x + 3.0 * x * x));
        }
    }

    #[test]
    fn beta_quantiles_are_numbers_between_0_and_1() {
        for a in [1e-9, 1e-6, 1e-3, 1.0, 1e3, 1e6, 1e9] {
            for b in [1e-9, 1e-6, 1e-3, 1.0, 1e3, 1e6, 1e9] {
                let all = (0..50).map(|i| beta_quantile(a, b, (f64::from(i) / 50.0).max(1e-16)));
                assert!(all.into_iter().all(|x| (0.0..=1.0).contains(&x)), "{a} {b}");
            }
        }
    }

    #[test]
    fn beta_quantile_inverts_the_distribution_function() {
        for a in [0.01, 0.1, 0.5, 1.0, 2.0, 5.0, 30.0, 300.0, 1e4, 1e6] {
            for b in [0.01, 0.1, 0.5, 1.0, 2.0, 5.0, 30.0, 300.0, 1e4, 1e6] {
                for i in 1..40 {
                    let p = f64::from(i) / 40.0;
                    let x = beta_quantile(a, b, p);
                    // If the distribution function jumps by more than the tolerance between
                    // neighbouring doubles, no x can be closer.
                    let (below, above) =
                        (beta_cdf(a, b, x.next_down()), beta_cdf(a, b, x.next_up()));
                    let slack = 1e-9 + (above - below);
                    assert!((beta_cdf(a, b, x) - p).abs() <= slack, "{a} {b} {p}: {x}");
                }
            }
        }
    }
}
