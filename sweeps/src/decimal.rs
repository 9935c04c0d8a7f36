//! Computes multiples as a person writes them: 3 steps of 0.1 are 0.3, while the product of the
//! doubles is 0.30000000000000004. `encode` and the grid call this module, which never rounds a
//! number to a multiple.

/// Returns `start + steps * step`. Each of `start` and `step` counts as the shortest decimal that
/// denotes it, and the result is the double nearest to the exact sum. If the exact sum has too many
/// digits for an `i128`, or `steps` is beyond 2^52, the sum is computed in doubles.
pub(crate) fn multiple(start: f64, steps: f64, step: f64) -> f64 {
    // Adding zero turns -0.0 into 0.0.
    exact(start, steps, step).unwrap_or(start + steps * step) + 0.0
}

fn exact(start: f64, steps: f64, step: f64) -> Option<f64> {
    // Up to 2^52 a double counts steps exactly.
    let whole = (steps.abs() <= 1.0 / f64::EPSILON).then_some(steps as i64)?;
    let (digits, exponent) = decimal(step)?;
    let product = (digits.checked_mul(i128::from(whole))?, exponent);
    let sum = if start == 0.0 { product } else { sum(decimal(start)?, product)? };
    format!("{}e{}", sum.0, sum.1).parse().ok()
}

/// Returns the digits and the power of ten of the shortest decimal that denotes `x`.
fn decimal(x: f64) -> Option<(i128, i32)> {
    let text = format!("{x:e}");
    let (mantissa, exponent) = text.split_once('e')?;
    let fraction = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let digits = mantissa.replace('.', "").parse().ok()?;
    Some((digits, exponent.parse::<i32>().ok()? - i32::try_from(fraction).ok()?))
}

fn sum(a: (i128, i32), b: (i128, i32)) -> Option<(i128, i32)> {
    let exponent = a.1.min(b.1);
    let scaled = |(digits, own): (i128, i32)| {
        let power = u32::try_from(own.checked_sub(exponent)?).ok()?;
        digits.checked_mul(10_i128.checked_pow(power)?)
    };
    Some((scaled(a)?.checked_add(scaled(b)?)?, exponent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multiples_are_those_that_a_person_writes() {
        for (start, steps, step, text) in [
            (0.0, 3.0, 0.1, "0.3"),
            (0.0, 19.0, 0.05, "0.95"),
            (0.0, 7.0, 0.1, "0.7"),
            (0.0, -3.0, 0.1, "-0.3"),
            (0.05, 1.0, 0.1, "0.15"),
            (1e-7, 2.0, 1e-7, "0.0000003"),
            (0.0, 12.0, 16.0, "192"),
            (0.0, -0.0, 0.1, "0"),
            (5.0, 0.0, 1e-300, "5"),
            // The exact sum has too many digits.
            (1e300, 1.0, 1e-300, &1e300.to_string()),
        ] {
            assert_eq!(multiple(start, steps, step).to_string(), text);
        }
        assert!(multiple(0.0, 1e300, 1e300).is_infinite());
    }

    #[test]
    fn a_multiple_is_never_farther_than_rounding_from_the_product() {
        for step in [0.1, 0.05, 0.001, 0.3, 1.0 / 3.0, 2.5, 1e-9] {
            for steps in (-1000..1000).map(f64::from) {
                let (decimal, product) = (multiple(0.0, steps, step), steps * step);
                assert!(
                    (decimal - product).abs() <= product.abs() * 4.0 * f64::EPSILON,
                    "{steps} {step}"
                );
                assert_eq!((decimal / step).round_ties_even(), steps);
            }
        }
    }
}
