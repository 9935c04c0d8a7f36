//! Converts between 32-bit and 64-bit floats so that 0.9 stays 0.9. The code that logs or imports
//! 32-bit floats widens them. The encoder of columns narrows them again, to store them in 32 bits.

/// Returns the 64-bit float of the shortest decimal that rounds to this 32-bit float: 0.9, where
/// plain widening gives 0.8999999761581421. NaN and the infinities stay as they are.
pub fn widen(single: f32) -> f64 {
    let plain = f64::from(single);
    // For multiples of 0.25 below 65,536, plain widening gives the same result, and faster.
    if !plain.is_finite() || ((plain * 4.0).fract() == 0.0 && plain.abs() < 65_536.0) {
        return plain;
    }
    single.to_string().parse().unwrap_or(plain)
}

/// Returns the 32-bit float that [`widen`] turns into exactly this float; `None` if there is none.
pub(crate) fn narrow(number: f64) -> Option<f32> {
    let single = number as f32;
    (widen(single).to_bits() == number.to_bits()).then_some(single)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_decimal_stays_as_written() {
        for (single, text) in [
            (0.9, "0.9"),
            (0.1, "0.1"),
            (1e-5, "1e-5"),
            (3.402_823_5e38, "3.4028235e38"),
            (1e-45, "1e-45"),
            (16_777_216.0, "16777216.0"),
            (0.015_625, "0.015625"),
            (-0.0, "-0.0"),
        ] {
            assert_eq!(format!("{:?}", widen(single)), text);
        }
        assert!(widen(f32::NAN).is_nan() && widen(f32::INFINITY) == f64::INFINITY);
    }

    proptest! {
        #[test]
        fn widening_keeps_the_single_and_its_shortest_decimal(bits: u32) {
            let single = f32::from_bits(bits);
            prop_assume!(!single.is_nan());
            let wide = widen(single);
            prop_assert_eq!((wide as f32).to_bits(), bits);
            prop_assert_eq!(wide.to_string(), single.to_string());
            prop_assert_eq!(narrow(wide).map(f32::to_bits), Some(bits));
        }
    }
}
