//! Chooses the marks of an axis and the texts beside them. The rules are those of the dashboard
//! (dashboard/src/charts/ticks.ts).

use crate::text::{number, whole};

/// A mark of an axis.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tick {
    pub(crate) value: f64,
    /// Empty: the axis draws the mark without a text.
    pub(crate) label: String,
}

/// Returns about `most` ticks at 1, 2 or 5 times a power of ten. `is_whole`: the values are whole
/// numbers.
pub(crate) fn linear(low: f64, high: f64, most: usize, is_whole: bool) -> Vec<Tick> {
    if !(high > low && (high - low).is_finite()) {
        let label = number(low, 6);
        return if low.is_finite() { vec![Tick { value: low, label }] } else { Vec::new() };
    }
    let mut step = nice_step((high - low) / most.max(1) as f64);
    if is_whole {
        step = step.max(1.0);
    }
    let mut ticks: Vec<Tick> = multiples(low, high, step)
        .into_iter()
        .map(|value| Tick { value, label: label(value, step, low.abs().max(high.abs())) })
        .collect();
    // A step below the distance of two floats gives ticks that are equal or lie outside.
    ticks.retain(|tick| tick.value >= low - step * 1e-5 && tick.value <= high + step * 1e-5);
    ticks.dedup_by(|tick, before| tick.label == before.label);
    ticks
}

/// Returns the smallest of 1, 2 and 5 times a power of ten that is at least `least`.
fn nice_step(least: f64) -> f64 {
    let power = power_of_ten(least.log10().floor() as i32);
    let is_enough = |factor: &f64| factor * power >= least * (1.0 - 1e-9);
    [1.0, 2.0, 5.0, 10.0].into_iter().find(is_enough).unwrap_or(10.0) * power
}

/// Returns the float that is nearest to a power of ten.
fn power_of_ten(exponent: i32) -> f64 {
    format!("1e{exponent}").parse().expect("a power of ten is a number")
}

/// Returns the multiples of a step in a range, without the error of repeated addition.
fn multiples(low: f64, high: f64, step: f64) -> Vec<f64> {
    let first = (low / step - 1e-6).ceil();
    let last = (high / step + 1e-6).floor();
    // A division by a whole number is exact where a product with 0.1 is not.
    let inverse = (1.0 / step).round();
    let divides = step < 1.0 && inverse.is_finite() && (inverse * step - 1.0).abs() < 1e-9;
    let amount = (last - first + 1.0).clamp(0.0, 1000.0) as usize;
    (0..amount)
        .map(|index| first + index as f64)
        .map(|multiple| if divides { multiple / inverse } else { multiple * step })
        .collect()
}

/// Writes a tick with the decimals of its step, so that all ticks of an axis look alike.
fn label(value: f64, step: f64, largest: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let digits = ((largest / step).log10().ceil() as usize + 1).clamp(6, 17);
    if largest >= 1e5 && step >= 1.0 {
        return large(value, step, digits);
    }
    if largest < 1e-3 {
        return number(value, digits);
    }
    let decimals = (-(step.log10() + 1e-9).floor()).max(0.0) as usize;
    if decimals > 0 {
        return format!("{value:.*}", decimals.min(20));
    }
    // All ticks of an axis group their digits, or none does.
    whole(value, if largest >= 1e4 { 4 } else { 5 })
}

fn large(value: f64, step: f64, digits: usize) -> String {
    let units = [(1e9, "G"), (1e6, "M"), (1e3, "k")];
    let fits = |(size, _): &(f64, &str)| value.abs() >= *size && (step * 100.0) % size == 0.0;
    match units.into_iter().find(fits) {
        Some((size, unit)) if value.abs() < 1e12 => format!("{}{unit}", value / size),
        _ => number(value, digits),
    }
}

/// Returns ticks of a log axis: powers of ten, and 1, 2, 5 or finer ones where few powers are in
/// sight.
pub(crate) fn log(low: f64, high: f64, most: usize) -> Vec<Tick> {
    if !(low > 0.0 && high >= low) {
        return Vec::new();
    }
    let decades = high.log10() - low.log10();
    let finer = || {
        let ticks = linear(low, high, most, false).into_iter();
        ticks.filter(|tick| tick.value > 0.0).collect()
    };
    if decades < 0.7 {
        return finer();
    }
    let room = most as f64;
    let stride = ((decades + 1.0) / room.max(2.0)).ceil().max(1.0) as i32;
    let factors: &[u32] = match () {
        () if decades * 3.0 <= room => &[1, 2, 5],
        () if decades * 1.5 <= room => &[1, 3],
        () => &[1],
    };
    let mut ticks = Vec::new();
    for power in low.log10().floor() as i32..=high.log10().ceil() as i32 {
        // Marks without a text help only while they are few.
        if stride > 4 && power % stride != 0 {
            continue;
        }
        for factor in factors {
            let value: f64 = format!("{factor}e{power}").parse().expect("it is a number");
            if value >= low * (1.0 - 1e-9) && value <= high * (1.0 + 1e-9) && value.is_finite() {
                let label = power_label(*factor, power, value);
                let label = if power % stride == 0 { label } else { String::new() };
                ticks.push(Tick { value, label });
            }
        }
    }
    if ticks.len() < 2 { finer() } else { ticks }
}

/// Writes `1e-4` for a power that is far from 1, else the plain number.
fn power_label(factor: u32, power: i32, value: f64) -> String {
    if (-3..=4).contains(&power) { number(value, 6) } else { format!("{factor}e{power}") }
}

/// Returns a tick for each category; if there are too many, the axis names only some.
pub(crate) fn categories(names: &[String], most: usize) -> Vec<Tick> {
    let stride = names.len().div_ceil(most.max(1)).max(1);
    let named = names.iter().enumerate();
    named
        .map(|(at, name)| Tick {
            value: at as f64,
            label: if at % stride == 0 { name.clone() } else { String::new() },
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(ticks: &[Tick]) -> Vec<&str> {
        ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    #[test]
    fn linear_ticks_are_round_and_look_alike() {
        let shown = |low, high, most| labels(&linear(low, high, most, false)).join(" ");
        assert_eq!(shown(0.0, 1.0, 5), "0 0.2 0.4 0.6 0.8 1.0");
        assert_eq!(shown(-0.13, 0.31, 5), "-0.1 0 0.1 0.2 0.3");
        assert_eq!(shown(0.0, 12_000.0, 4), "0 5,000 10,000");
        assert_eq!(shown(0.0, 3e6, 4), "0 1M 2M 3M");
        assert_eq!(shown(0.0, 4e-5, 4), "0 1e-5 2e-5 3e-5 4e-5");
        assert_eq!(shown(7.0, 7.0, 4), "7");
        assert_eq!(shown(f64::NAN, 1.0, 4), "");
        assert_eq!(labels(&linear(0.0, 3.0, 10, true)), ["0", "1", "2", "3"]);
    }

    #[test]
    fn log_ticks_are_powers_and_their_halves() {
        let shown = |low, high, most| labels(&log(low, high, most)).join(" ");
        assert_eq!(shown(1e-5, 1e-1, 5), "1e-5 1e-4 0.001 0.01 0.1");
        assert_eq!(shown(1.0, 100.0, 6), "1 2 5 10 20 50 100");
        assert_eq!(shown(1.0, 100.0, 3), "1 3 10 30 100");
        assert_eq!(shown(2.0, 6.0, 4), "2 3 4 5 6");
        assert_eq!(shown(0.0, 6.0, 4), "");
        assert!(log(1e-300, 1e300, 6).len() < 14);
    }

    #[test]
    fn an_axis_names_only_the_categories_that_fit() {
        let names: Vec<String> = ["a", "b", "c", "d"].map(str::to_owned).into();
        assert_eq!(labels(&categories(&names, 4)), ["a", "b", "c", "d"]);
        assert_eq!(labels(&categories(&names, 2)), ["a", "", "c", ""]);
    }

    /// Checks the ticks of a range: they lie inside it, ascend, and have different texts.
    fn check(ticks: &[Tick], low: f64, high: f64) -> Result<(), TestCaseError> {
        let slack = (high - low) * 1e-5;
        for tick in ticks {
            prop_assert!(tick.value >= low - slack && tick.value <= high + slack, "{tick:?}");
        }
        for pair in ticks.windows(2) {
            prop_assert!(pair[0].value < pair[1].value, "{pair:?}");
        }
        let mut named: Vec<&str> = labels(ticks);
        named.retain(|label| !label.is_empty());
        let all = named.len();
        named.sort_unstable();
        named.dedup();
        prop_assert_eq!(named.len(), all, "{:?}", ticks);
        Ok(())
    }

    proptest! {
        #[test]
        fn linear_ticks_lie_inside_and_differ(
            low in -1e12..1e12,
            exponent in -12..14_i32,
            most in 1..20_usize,
            is_whole: bool,
        ) {
            let high = low + 10_f64.powi(exponent);
            prop_assume!(high > low);
            let ticks = linear(low, high, most, is_whole);
            check(&ticks, low, high)?;
            prop_assert!(ticks.len() <= most + 1);
        }

        #[test]
        fn the_steps_are_nice(least in 1e-9..1e9) {
            let step = nice_step(least);
            let leading = step / power_of_ten((step.log10() + 1e-9).floor() as i32);
            prop_assert!([1.0, 2.0, 5.0].iter().any(|nice| (leading - nice).abs() < 1e-6));
            prop_assert!(step >= least * (1.0 - 1e-6) && step < least * 2.51);
        }

        #[test]
        fn log_ticks_lie_inside_and_differ(
            exponent in -300.0..280.0,
            decades in 0.0..20.0,
            most in 1..20_usize,
        ) {
            let low = 10_f64.powf(exponent);
            let high = 10_f64.powf(exponent + decades);
            let ticks = log(low, high, most);
            check(&ticks, low, high)?;
            prop_assert!(ticks.iter().all(|tick| tick.value > 0.0));
        }
    }
}
