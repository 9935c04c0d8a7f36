//! Reads the key `timeout`: how long a trial may run. `top` calls this module, which never reads a
//! clock.

use std::time::Duration;

use super::{
    fields::{Field, describe, inline},
    problem::Report,
    scalar::Core,
    text::code,
    tree::Kind,
};

const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];
/// The longest time in seconds: a year.
const MOST: u64 = 365 * 86_400;

/// Reads the duration. Returns `None`, and reports an error, if the value is not a duration in the
/// allowed range.
pub(super) fn read(field: &Field<'_>, report: &mut Report) -> Option<Duration> {
    let Kind::Scalar(scalar) = &field.value.kind else {
        report
            .error(field.at(), format!("`timeout` must be a time, not {}", describe(field.value)))
            .hint("write `timeout: 2h`, or `90m`, `45s`, `1d12h`");
        return None;
    };
    match (seconds(&scalar.text), scalar.core) {
        (Some(seconds), _) if (1..=MOST).contains(&seconds) => Some(Duration::from_secs(seconds)),
        (Some(_), _) => {
            report
                .error(field.at(), format!("`timeout` is {}, out of range", code(&scalar.text)))
                .hint(
                    "write at least `1s` and at most `365d`, or remove it: then a trial may run \
                    for ever",
                );
            None
        }
        (None, Core::Integer(_)) => {
            let number = inline(field.value);
            report
                .error(field.at(), format!("`timeout: {number}` has no unit"))
                .hint(format!("write `timeout: {number}s` for seconds, `{number}m` for minutes"));
            None
        }
        (None, _) => {
            report
                .error(field.at(), format!("`timeout` cannot be {}", code(&scalar.text)))
                .hint("write whole numbers with units: `2h`, `90m`, `45s`, `1d12h`");
            None
        }
    }
}

/// Returns the seconds of a duration such as `1h 30m`: whole numbers with units, the largest unit
/// first and each unit at most once. The sum saturates.
fn seconds(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    let (mut total, mut units) = (0_u64, UNITS.iter());
    while !rest.is_empty() {
        let digits =
            rest.find(|letter: char| !letter.is_ascii_digit()).filter(|digits| *digits > 0)?;
        let (number, after) = rest.split_at(digits);
        let unit = after.chars().next()?;
        let (_, seconds) = units.find(|(letter, _)| *letter == unit)?;
        total = total.saturating_add(number.parse().unwrap_or(u64::MAX).saturating_mul(*seconds));
        rest = after[1..].trim_start();
    }
    (!text.trim().is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_or_refused() {
        let times = ["45s", "90m", "2h", "1d12h", "1h 30m", "99999999999999999999d"];
        assert_eq!(times.map(seconds), [45, 5_400, 7_200, 129_600, 5_400, u64::MAX].map(Some));
        for text in
            ["", "h", "1", "1h30", "30m1h", "1m1m", "1.5h", "-1h", "2 hours", "1ü", "1h -1m"]
        {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
