//! Reshapes a numeric axis by the cumulative distribution function of Kumaraswamy, w(x) = 1 - (1 -
//! xᵃ)ᵇ, which maps [0, 1] onto itself. If a range is linear but the metric depends on the
//! parameter's logarithm, an exponent a < 1 stretches the lower end. `model`, `fit` and `predict`
//! call this module. (Snoek et al., "Input Warping for Bayesian Optimization", 2014.)

/// The smallest distance between a coordinate and an end of [0, 1]. A nearer coordinate is moved to
/// this distance. The slope of w is infinite at 0 if a < 1, and at 1 if b < 1.
const EDGE: f64 = 1e-9;

/// The function w with its two exponents.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Warp {
    /// The first exponent, above 0. An exponent below 1 stretches the lower end.
    pub(crate) a: f64,
    /// The second exponent, above 0. An exponent below 1 stretches the upper end.
    pub(crate) b: f64,
}

/// w(x) and its derivatives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Warped {
    /// w(x).
    pub(crate) value: f64,
    /// dw/dx.
    pub(crate) slope: f64,
    /// dw/d ln a.
    pub(crate) by_ln_a: f64,
    /// dw/d ln b.
    pub(crate) by_ln_b: f64,
}

impl Warp {
    /// Returns w(x) for x in [0, 1].
    pub(crate) fn value(self, x: f64) -> f64 {
        self.at(x).value
    }

    /// Returns w(x) and its derivatives.
    pub(crate) fn at(self, x: f64) -> Warped {
        let x = x.clamp(EDGE, 1.0 - EDGE);
        let Warp { a, b } = self;
        let ln_x = libm::log(x);
        let power = libm::exp(a * ln_x);
        let ln_rest = libm::log1p(-power);
        let rest = libm::exp(b * ln_rest);
        // The derivative of 1 - (1 - u)^b by u, at u = x^a.
        let outer = b * rest / (1.0 - power);
        Warped {
            value: 1.0 - rest,
            slope: outer * a * power / x,
            by_ln_a: outer * power * a * ln_x,
            by_ln_b: -rest * b * ln_rest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warp_can_be_the_identity_and_its_slopes_are_right() {
        assert!((Warp { a: 1.0, b: 1.0 }.value(0.3) - 0.3).abs() < 1e-15);
        let warp = Warp { a: 0.6, b: 1.7 };
        for x in [0.01, 0.3, 0.9] {
            let at = warp.at(x);
            let step = 1e-6;
            let slope = (warp.value(x + step) - warp.value(x - step)) / (2.0 * step);
            let moved = |da: f64, db: f64| {
                Warp { a: warp.a * libm::exp(da), b: warp.b * libm::exp(db) }.value(x)
            };
            let by_a = (moved(step, 0.0) - moved(-step, 0.0)) / (2.0 * step);
            let by_b = (moved(0.0, step) - moved(0.0, -step)) / (2.0 * step);
            assert!((at.slope - slope).abs() < 1e-7 && (at.by_ln_a - by_a).abs() < 1e-8);
            assert!((at.by_ln_b - by_b).abs() < 1e-8);
        }
        assert!(warp.value(0.0) >= 0.0 && warp.value(1.0) <= 1.0);
    }
}
