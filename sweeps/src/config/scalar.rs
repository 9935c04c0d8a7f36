//! Determines what an unquoted scalar means in the core schema of YAML 1.2, and how W&B's client,
//! with YAML 1.1, would read the same characters. `tree` and the readers of values call this
//! module, never for quoted text.

/// The meaning of a scalar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Core {
    /// No characters at all, `~` or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number. A number that does not fit into an `i128` becomes the largest `i128`, or the
    /// negative of it.
    Integer(i128),
    /// A number with a point or an exponent. `.inf`, `.nan` and numbers that overflow are not
    /// finite.
    Float(f64),
    /// Text: all other characters.
    Text,
}

/// Returns the meaning of an unquoted scalar.
pub(super) fn core(text: &str) -> Core {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Core::Null,
        "true" | "True" | "TRUE" => return Core::Bool(true),
        "false" | "False" | "FALSE" => return Core::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Core::Float(f64::NAN),
        _ => {}
    }
    let (negative, unsigned) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Core::Float(if negative { f64::NEG_INFINITY } else { f64::INFINITY });
    }
    if digits(unsigned, 10) {
        return Core::Integer(whole(negative, unsigned, 10));
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(rest) = text.strip_prefix(prefix).filter(|rest| digits(rest, radix)) {
            return Core::Integer(whole(false, rest, radix));
        }
    }
    if is_float(unsigned) { text.parse().map_or(Core::Text, Core::Float) } else { Core::Text }
}

fn digits(text: &str, radix: u32) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_digit(radix))
}

fn whole(negative: bool, digits: &str, radix: u32) -> i128 {
    let magnitude = i128::from_str_radix(digits, radix).unwrap_or(i128::MAX);
    if negative { -magnitude } else { magnitude }
}

/// Returns whether the text is a decimal number without a sign: digits with at most one point, then
/// perhaps an exponent.
fn is_float(unsigned: &str) -> bool {
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |text: &str| text.is_empty() || digits(text, 10);
    exponent.is_none_or(|e| digits(e.strip_prefix(['-', '+']).unwrap_or(e), 10))
        && !(whole.is_empty() && fraction.is_empty())
        && all_digits(whole)
        && all_digits(fraction)
}

/// A difference between two versions of YAML in the meaning of the same characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Elsewhere {
    /// The meaning in YAML 1.2, as Besom reads it.
    pub(super) here: &'static str,
    /// The meaning in YAML 1.1, as W&B's client reads it.
    pub(super) there: String,
    /// The text for a hint: what to write so that both versions read the same.
    pub(super) write: String,
    /// Whether the difference is one in numbers with an exponent, which very many sweeps have.
    pub(super) exponent: bool,
}

/// Returns how YAML 1.1 reads an unquoted scalar, or `None` if YAML 1.1 reads the scalar as
/// [`core()`] does.
pub(super) fn elsewhere(text: &str) -> Option<Elsewhere> {
    let differ = |here, there: &str, write: String| {
        Some(Elsewhere { here, there: there.to_owned(), write, exponent: false })
    };
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    match text.to_ascii_lowercase().as_str() {
        word @ ("yes" | "on" | "no" | "off") if uniform_case(text) => {
            let truth = matches!(word, "yes" | "on");
            let write = format!("`{truth}` for the boolean or `\"{text}\"` for the text");
            return differ("text", &format!("the boolean `{truth}`"), write);
        }
        _ => {}
    }
    match core(text) {
        Core::Float(value) if value.is_finite() && !exponent_has_point_and_sign(unsigned) => {
            let write = format!("`{}`", number(value));
            Some(Elsewhere { here: "a number", there: "text".to_owned(), write, exponent: true })
        }
        Core::Integer(value)
            if unsigned.len() > 1 && digits(unsigned, 10) && unsigned.starts_with('0') =>
        {
            let there = match i128::from_str_radix(unsigned, 8) {
                Ok(octal) if octal == value.abs() => return None,
                Ok(octal) => format!("the octal number {octal}"),
                Err(_) => "text".to_owned(),
            };
            differ(
                "a decimal number",
                &there,
                format!("`{value}` for the number or `\"{text}\"` for the text"),
            )
        }
        Core::Integer(value) if text.starts_with("0o") => {
            differ("a number", "text", format!("`{value}`"))
        }
        Core::Text => number_elsewhere(text, unsigned),
        _ => None,
    }
}

/// Returns whether the word is `yes`, `Yes` or `YES`, but not `yEs`.
fn uniform_case(word: &str) -> bool {
    let rest = word.get(1..).unwrap_or("");
    word.bytes().all(|b| b.is_ascii_lowercase())
        || word.bytes().all(|b| b.is_ascii_uppercase())
        || (word.starts_with(|c: char| c.is_ascii_uppercase())
            && rest.bytes().all(|b| b.is_ascii_lowercase()))
}

/// Returns whether YAML 1.1 reads this float as a number. For a number with an exponent, YAML 1.1
/// requires a point before the exponent and a sign in it, as in `1.0e-4`.
fn exponent_has_point_and_sign(unsigned: &str) -> bool {
    unsigned
        .split_once(['e', 'E'])
        .is_none_or(|(m, e)| m.contains('.') && e.starts_with(['-', '+']))
}

/// Finds text that is a number or a date in YAML 1.1: `1_000`, `0b101`, `1:30`, `2024-01-31`.
fn number_elsewhere(text: &str, unsigned: &str) -> Option<Elsewhere> {
    if !unsigned.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if is_date(text) {
        let (there, write) = ("a date".to_owned(), format!("`\"{text}\"`"));
        return Some(Elsewhere { here: "text", there, write, exponent: false });
    }
    let number = |write: String| {
        Some(Elsewhere { here: "text", there: "a number".to_owned(), write, exponent: false })
    };
    let plain = text.replace('_', "");
    if let Some(binary) =
        unsigned.strip_prefix("0b").filter(|rest| digits(&rest.replace('_', ""), 2))
    {
        let value = whole(text.starts_with('-'), &binary.replace('_', ""), 2);
        return number(format!("`{value}` for the number or `\"{text}\"` for the text"));
    }
    if plain != text && matches!(core(&plain), Core::Integer(_) | Core::Float(_)) {
        return number(format!("`{plain}` for the number or `\"{text}\"` for the text"));
    }
    let mut parts = unsigned.split(':');
    let first = parts.next().is_some_and(|part| digits(part, 10) && !part.starts_with('0'));
    let sixtieths = |part: &str| {
        digits(part, 10) && part.len() <= 2 && part.parse::<u8>().is_ok_and(|n| n < 60)
    };
    if first && unsigned.contains(':') && parts.all(sixtieths) {
        return number(format!("`\"{text}\"`"));
    }
    None
}

/// Returns whether the text is a date such as `2024-01-31`, perhaps with a time behind it. With a
/// time, month and day may have one digit.
fn is_date(text: &str) -> bool {
    let (day, time) = match text.split_once(['T', 't', ' ', '\t']) {
        Some((day, time)) => (day, Some(time.trim_start())),
        None => (text, None),
    };
    let number = |part: &str, least: usize, most: usize| {
        digits(part, 10) && (least..=most).contains(&part.len())
    };
    let least = if time.is_some() { 1 } else { 2 };
    let parts: Vec<&str> = day.split('-').collect();
    let is_day = matches!(parts[..], [year, month, day]
        if number(year, 4, 4) && number(month, least, 2) && number(day, least, 2));
    let is_time = |time: &str| {
        let clock = time.split(['Z', '+', '-', '.', ' ', '\t']).next().unwrap_or_default();
        let parts: Vec<&str> = clock.split(':').collect();
        matches!(parts[..], [hour, minute, second]
            if number(hour, 1, 2) && number(minute, 2, 2) && number(second, 2, 2))
    };
    is_day && time.is_none_or(is_time)
}

/// Writes a finite number so that every version of YAML reads it as a number. The digits are the
/// shortest ones that denote the number. Numbers below 1e-6 and from 1e16 on have an exponent, as
/// in `1.0e-7`.
pub(super) fn number(value: f64) -> String {
    let scientific = format!("{value:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    if matches!(exponent.parse(), Ok(-6..16)) {
        let plain = value.to_string();
        return if plain.contains('.') { plain } else { format!("{plain}.0") };
    }
    let point = if mantissa.contains('.') { "" } else { ".0" };
    let sign = if exponent.starts_with('-') { "" } else { "+" };
    format!("{mantissa}{point}e{sign}{exponent}")
}

/// Writes the value as [`number`] does, with three significant digits, for suggestions.
pub(super) fn rounded(value: f64) -> String {
    number(format!("{value:.2e}").parse().unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_core_schema() {
        for (text, meaning) in [
            ("", Core::Null),
            ("~", Core::Null),
            ("Null", Core::Null),
            ("nULL", Core::Text),
            ("True", Core::Bool(true)),
            ("yes", Core::Text),
            ("12", Core::Integer(12)),
            ("-012", Core::Integer(-12)),
            ("+3", Core::Integer(3)),
            ("0x1F", Core::Integer(31)),
            ("0o17", Core::Integer(15)),
            ("-0x1F", Core::Text),
            ("1e-4", Core::Float(1e-4)),
            (".5", Core::Float(0.5)),
            ("5.", Core::Float(5.0)),
            ("-1.5E+3", Core::Float(-1500.0)),
            (".", Core::Text),
            ("e5", Core::Text),
            ("1e", Core::Text),
            ("1.2.3", Core::Text),
            ("1_000", Core::Text),
            ("-.inf", Core::Float(f64::NEG_INFINITY)),
            ("1e999", Core::Float(f64::INFINITY)),
            ("inf", Core::Text),
            ("nan", Core::Text),
            ("--5", Core::Text),
            ("٣", Core::Text),
        ] {
            assert_eq!(core(text), meaning, "{text}");
        }
        assert!(matches!(core(".nan"), Core::Float(value) if value.is_nan()));
        assert_eq!(core(&"9".repeat(60)), Core::Integer(i128::MAX));
    }

    #[test]
    fn yaml_1_1_reads_some_things_otherwise() {
        let told =
            |text| elsewhere(text).map(|e| format!("{} / {} / {}", e.here, e.there, e.write));
        for (text, difference) in [
            ("1e-4", "a number / text / `0.0001`"),
            ("2e-7", "a number / text / `2.0e-7`"),
            ("1.0e4", "a number / text / `10000.0`"),
            ("on", "text / the boolean `true` / `true` for the boolean or `\"on\"` for the text"),
            ("No", "text / the boolean `false` / `false` for the boolean or `\"No\"` for the text"),
            (
                "010",
                "a decimal number / the octal number 8 / `10` for the number or `\"010\"` for the \
                text",
            ),
            ("008", "a decimal number / text / `8` for the number or `\"008\"` for the text"),
            ("0o17", "a number / text / `15`"),
            ("1_000", "text / a number / `1000` for the number or `\"1_000\"` for the text"),
            ("0b101", "text / a number / `5` for the number or `\"0b101\"` for the text"),
            ("1:30", "text / a number / `\"1:30\"`"),
            ("2024-01-31", "text / a date / `\"2024-01-31\"`"),
            ("2024-1-3 10:20:30.5Z", "text / a date / `\"2024-1-3 10:20:30.5Z\"`"),
        ] {
            assert_eq!(told(text).as_deref(), Some(difference), "{text}");
        }
        for same in [
            "2024-1-31",
            "2024-01-31 10",
            "24-01-31",
            "1.0e-4",
            "0.1",
            "10",
            "0",
            "-007",
            "abc",
            "true",
            "y",
            "sgd",
            "yEs",
            "a:b",
            "1:99",
            "_1",
            "é",
            "",
        ] {
            assert_eq!(told(same), None, "{same}");
        }
    }

    #[test]
    fn numbers_are_written_for_every_yaml() {
        for (value, text) in [
            (0.1, "0.1"),
            (1e-5, "0.00001"),
            (1e-7, "1.0e-7"),
            (2.5e300, "2.5e+300"),
            (3.0, "3.0"),
            (-0.0, "-0.0"),
        ] {
            assert_eq!(number(value), text);
        }
        assert_eq!(rounded(0.001_234_56), "0.00123");
    }
}
