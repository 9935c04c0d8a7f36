//! Computes e^x for many x ≤ 0 at once: the hottest function of the surrogate. `kernel` calls it.
//! It never uses the machine's own `exp`, whose last bits differ between libraries. Its layout lets
//! a compiler compute several values at a time.
//!
//! x = k ln 2 + r with |r| ≤ ½ ln 2. The Taylor polynomial of degree 13 gives e^r, with a remainder
//! below 5·10⁻¹⁸ there. 2^k is written into the exponent's bits. The result is within 2 units of
//! the last place.

/// The lowest x: below it the result is e^-700, about 10⁻³⁰⁴.
const LOWEST: f64 = -700.0;
/// 1.5 · 2⁵². Adding it rounds to a whole number, which then stands in the low bits.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// ln 2 in two parts. The first one has trailing zeros, so that k times it is exact.
const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// The Taylor coefficients 1/13!, 1/12!, .., 1/0!.
const TAYLOR: [f64; 14] = [
    1.0 / 6_227_020_800.0,
    1.0 / 479_001_600.0,
    1.0 / 39_916_800.0,
    1.0 / 3_628_800.0,
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    0.5,
    1.0,
    1.0,
];

/// Returns e^x for x ≤ 0.
#[inline(always)]
pub(super) fn exp_negative(x: f64) -> f64 {
    let shifted = x.max(LOWEST) * std::f64::consts::LOG2_E + ROUND;
    let k = shifted - ROUND;
    let r = (x.max(LOWEST) - k * LN_2_HIGH) - k * LN_2_LOW;
    let mut sum = TAYLOR[0];
    for coefficient in &TAYLOR[1..] {
        sum = sum * r + coefficient;
    }
    sum * f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_negative_agrees_with_libm() {
        for i in 0..200_000 {
            let x = -f64::from(i) * 0.00345;
            let (fast, slow) = (exp_negative(x), libm::exp(x));
            assert!((fast - slow).abs() <= 4.5e-16 * slow, "{x}: {fast} {slow}");
        }
        assert_eq!(exp_negative(0.0), 1.0);
        assert!(exp_negative(-1e300) < 1e-303);
    }
}
