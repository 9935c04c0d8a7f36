//! Computes e^x for x ≤ 0. This function takes more of the surrogate's time than any other.
//! `kernel` calls this module. This module never uses the machine's own `exp`, whose last bits
//! differ between libraries. The code has no branches, so a compiler can compute several values at
//! a time.
//!
//! x = k ln 2 + r with |r| ≤ ½ ln 2. The Taylor polynomial of degree 13 gives e^r, with a remainder
//! below 5·10⁻¹⁸ for these r. The code writes k into the exponent's bits to get 2^k. The result
//! differs from e^x by at most 2 units in the last place.

/// The lowest exponent: for every lower x the result is e^-700, about 10⁻³⁰⁴.
const LOWEST: f64 = -700.0;
/// 1.5 · 2⁵². If this constant is added to a number, the sum's low bits hold the number, rounded to
/// a whole one.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// The high part of ln 2. The last bits of this part are 0, so that k times this part is exact.
/// `LN_2_LOW` is the rest of ln 2.
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
