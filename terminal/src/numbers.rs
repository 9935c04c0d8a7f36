//! Formats numbers, sizes, durations and ages for people, for example with four significant digits.
//! The agent and the `sweep` command call this module. No program parses these texts, because files
//! and JSON contain the exact values.

use std::time::Duration;

/// Formats a number with four significant digits: `0.02131`, `1.2e-5`, `3.142`. Whole numbers below
/// a million keep all their digits.
pub fn number(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    if value.fract() == 0.0 && value.abs() < 1e6 {
        return if value == 0.0 { "0".to_owned() } else { format!("{value:.0}") };
    }
    // The exponent is that of the rounded number, so that 0.00099999 becomes 0.001 and not 1e-3.
    let scientific = format!("{value:.3e}");
    let (mantissa, exponent) = scientific.split_once('e').expect("`e` formats with an exponent");
    let exponent: i32 = exponent.parse().expect("an exponent is a number");
    match exponent {
        -3..6 => {
            let decimals = usize::try_from(3 - exponent).unwrap_or(0);
            without_zeros(&format!("{value:.decimals$}")).to_owned()
        }
        _ => format!("{}e{exponent}", without_zeros(mantissa)),
    }
}

/// Removes zeros at the end of the decimals, and then a decimal point at the end.
fn without_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// Formats a number with the noun that it counts: `1 trial`, `2 trials`, `2 definitions of a
/// metric`.
pub fn count(number: impl TryInto<u64>, noun: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    if number == 1 { format!("1 {noun}") } else { format!("{number} {}", plural(noun)) }
}

/// Returns the plural of a regular noun. A phrase after the noun, such as `of a metric`, stays
/// unchanged.
fn plural(noun: &str) -> String {
    let after = [" of ", " without ", " before ", " to ", " in ", " with "];
    let end = after.iter().filter_map(|word| noun.find(word)).min().unwrap_or(noun.len());
    let (noun, rest) = noun.split_at(end);
    let hisses = ["s", "x", "ch", "sh"].iter().any(|sound| noun.ends_with(sound));
    let before_y = noun.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'i', 'o', 'u']));
    match before_y {
        Some(stem) => format!("{stem}ies{rest}"),
        None => format!("{noun}{}{rest}", if hisses { "es" } else { "s" }),
    }
}

/// Formats a size in bytes with units that are powers of 1,024: `1023 B`, `1.5 KiB`.
pub fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1024.0 {
            return if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}

/// Formats a duration in milliseconds: `850ms`, `3.4s`, `1m 12s`, `2h 5m`, `3d 4h`. A negative
/// duration counts as zero.
pub fn duration(ms: i64) -> String {
    let ms = ms.max(0);
    let seconds = ms / 1000;
    match seconds {
        0 => format!("{ms}ms"),
        1..10 => format!("{seconds}.{}s", ms % 1000 / 100),
        10..60 => format!("{seconds}s"),
        60..3600 => two(seconds / 60, 'm', seconds % 60, 's'),
        3600..86_400 => two(seconds / 3600, 'h', seconds % 3600 / 60, 'm'),
        _ => two(seconds / 86_400, 'd', seconds % 86_400 / 3600, 'h'),
    }
}

fn two(large: i64, large_unit: char, small: i64, small_unit: char) -> String {
    if small == 0 {
        format!("{large}{large_unit}")
    } else {
        format!("{large}{large_unit} {small}{small_unit}")
    }
}

/// Reads a term that a person writes: a whole number with the unit `m`, `h` or `d`, such as `7d`.
///
/// # Errors
/// Fails with a sentence for the person if the text has another form, or the term is longer than
/// 100 years.
pub fn term(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.len() - text.chars().last().map_or(0, char::len_utf8));
    let unit = match unit {
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => 0,
    };
    let seconds = number.parse::<u64>().ok().map(|number| number.saturating_mul(unit));
    match seconds {
        Some(seconds @ 1..=3_153_600_000) => Ok(Duration::from_secs(seconds)),
        _ => Err("write a whole number of minutes, hours or days, such as `30m`, `12h` or `7d`, \
                  up to `36500d`"
            .to_owned()),
    }
}

/// Formats an age in milliseconds: `just now`, `12s ago`, `3m ago`, `2h ago`, `5d ago`. A negative
/// age, which occurs if another machine's clock is ahead, becomes `just now`.
pub fn age(ms: i64) -> String {
    match ms.max(0) / 1000 {
        0..5 => "just now".to_owned(),
        seconds @ 5..60 => format!("{seconds}s ago"),
        seconds @ 60..3600 => format!("{}m ago", seconds / 60),
        seconds @ 3600..86_400 => format!("{}h ago", seconds / 3600),
        seconds => format!("{}d ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_are_plural_except_after_one() {
        assert_eq!(count(1, "definition of a metric"), "1 definition of a metric");
        assert_eq!(count(0, "definition of a metric"), "0 definitions of a metric");
        let plurals = ["time", "mesh", "box", "day", "entry", "value before step 0"]
            .map(|noun| count(2, noun));
        assert_eq!(
            plurals,
            ["2 times", "2 meshes", "2 boxes", "2 days", "2 entries", "2 values before step 0"]
        );
    }
    use proptest::prelude::*;

    #[test]
    fn numbers_are_short() {
        let shown = [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-17.0, "-17"),
            (123_456.0, "123456"),
            (1_000_000.0, "1e6"),
            (12_345_678.0, "1.235e7"),
            (0.021_313_7, "0.02131"),
            (0.5, "0.5"),
            (0.999_99, "1"),
            (0.001, "0.001"),
            (0.000_999_99, "0.001"),
            (0.000_12, "1.2e-4"),
            (1e-5, "1e-5"),
            (2.345_67, "2.346"),
            (123.456, "123.5"),
            (99_999.5, "100000"),
            (999_999.9, "1e6"),
            (f64::MIN_POSITIVE, "2.225e-308"),
            (f64::MAX, "1.798e308"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ];
        for (value, text) in shown {
            assert_eq!(number(value), text, "{value:e}");
        }
    }

    #[test]
    fn a_term_has_a_number_and_a_unit() {
        for (text, seconds) in [("1m", 60), ("12h", 43_200), ("7d", 604_800)] {
            assert_eq!(term(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert!(term("36500d").is_ok());
        let wrong = ["", "d", "7", "0d", "-1d", "1.5d", "7 d", "7w", "7\u{e4}", "36501d"];
        for text in wrong.into_iter().chain(["99999999999999999999d", "9999999999999999999d"]) {
            assert!(term(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_have_two_units() {
        let shown = [
            (-5, "0ms"),
            (850, "850ms"),
            (3_456, "3.4s"),
            (59_999, "59s"),
            (72_000, "1m 12s"),
            (120_000, "2m"),
            (7_500_000, "2h 5m"),
            (273_600_000, "3d 4h"),
        ];
        for (ms, text) in shown {
            assert_eq!(duration(ms), text, "{ms}");
        }
        let ages = [
            (-9, "just now"),
            (12_000, "12s ago"),
            (200_000, "3m ago"),
            (7_300_000, "2h ago"),
            (500_000_000, "5d ago"),
        ];
        for (ms, text) in ages {
            assert_eq!(age(ms), text, "{ms}");
        }
    }

    proptest! {
        #[test]
        fn four_digits_are_kept(value in proptest::num::f64::NORMAL) {
            let shown: f64 = number(value).parse().unwrap();
            // Rounding can turn the largest floats into infinity.
            prop_assume!(shown.is_finite());
            prop_assert!((shown - value).abs() <= value.abs() * 5.1e-4, "{value:e} is shown as \
                {shown:e}");
            prop_assert!(number(value).len() <= 11);
        }
    }

    #[test]
    fn sizes_read_well() {
        assert_eq!([0, 1023, 1536, 5 << 30].map(size), ["0 B", "1023 B", "1.5 KiB", "5.0 GiB"]);
    }
}
