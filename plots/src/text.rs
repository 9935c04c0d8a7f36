//! Writes numbers and foreign texts as the charts show them. All charts and writers use this
//! module. The rules are those of the dashboard (dashboard/src/charts/format.ts).

/// The most characters of a foreign text in a picture.
const LONGEST: usize = 120;

/// Writes a number with at most `digits` significant digits. A whole number below a billion is
/// always exact.
pub(crate) fn number(value: f64, digits: usize) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "∞" } else { "-∞" }.to_owned();
    }
    let size = value.abs();
    let is_whole = value.fract() == 0.0 || size >= 10_f64.powi(digits as i32);
    if size < 1e9 && is_whole {
        return whole(value.round(), 5);
    }
    let scientific = format!("{value:.*e}", digits - 1);
    let rounded: f64 = scientific.parse().expect("a number that was written can be read");
    if (1e-3..1e9).contains(&size) {
        return rounded.to_string();
    }
    let (mantissa, exponent) = scientific.split_once('e').expect("`e` formats with an exponent");
    let mantissa: f64 = mantissa.parse().expect("a mantissa is a number");
    format!("{mantissa}e{exponent}")
}

/// Writes a count: `10,000`.
pub fn count(value: u64) -> String {
    whole(value as f64, 4)
}

/// Writes a whole number. It groups the digits if there are at least `least` of them.
pub(crate) fn whole(value: f64, least: usize) -> String {
    let digits = format!("{:.0}", value.abs());
    let sign = if value < 0.0 { "-" } else { "" };
    if digits.len() < least {
        return format!("{sign}{digits}");
    }
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    format!("{sign}{text}")
}

/// Returns a foreign text as one short line. `\u{fffd}` stands for each character that is invisible
/// or changes the order of the text around it.
pub(crate) fn visible(text: &str) -> String {
    let mut letters = text.chars();
    let mut shown: String = letters.by_ref().take(LONGEST - 1).map(shown).collect();
    match (letters.next(), letters.next()) {
        (Some(last), None) => shown.push(self::shown(last)),
        (Some(_), Some(_)) => shown.push('…'),
        (None, _) => {}
    }
    shown
}

fn shown(letter: char) -> char {
    let hidden = letter.is_control()
        || matches!(
            letter,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
                | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e007f}'
        );
    if hidden { '\u{fffd}' } else { letter }
}

/// Shortens a text in its middle, because names often differ at their ends.
pub(crate) fn shorten(text: &str, most: usize) -> String {
    let letters: Vec<char> = text.chars().collect();
    if letters.len() <= most {
        return text.to_owned();
    }
    let tail = (most - 1) / 2;
    let head = &letters[..most - 1 - tail];
    head.iter().chain(&['…']).chain(&letters[letters.len() - tail..]).collect()
}

/// Returns a foreign text for the inside of an element or an attribute.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in visible(text).chars() {
        match letter {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\'' => safe += "&#39;",
            letter => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_those_of_the_dashboard() {
        for (value, shown) in [
            (0.0, "0"),
            (-0.0, "0"),
            (17.0, "17"),
            (9_999.0, "9999"),
            (-12_345.0, "-12,345"),
            (0.123_456, "0.1235"),
            (1234.56, "1235"),
            (12_345.6, "12,346"),
            (0.001, "0.001"),
            (0.000_312_34, "3.123e-4"),
            (1e9, "1e9"),
            (1.234_567e12, "1.235e12"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-∞"),
        ] {
            assert_eq!(number(value, 4), shown, "{value:e}");
        }
        assert_eq!([count(999), count(1000), count(1_234_567)], ["999", "1,000", "1,234,567"]);
    }

    #[test]
    fn hostile_texts_are_plain_texts() {
        assert_eq!(visible("a\u{202e}b\n\u{1b}[31m"), "a\u{fffd}b\u{fffd}\u{fffd}[31m");
        assert_eq!(visible(&"x".repeat(120)), "x".repeat(120));
        assert_eq!(visible(&"x".repeat(121)), "x".repeat(119) + "…");
        assert_eq!(escaped("<script>'&\""), "&lt;script&gt;&#39;&amp;&quot;");
        assert_eq!(shorten("learning_rate", 7), "lea…ate");
    }

    proptest! {
        #[test]
        fn a_number_keeps_four_digits(value in proptest::num::f64::NORMAL) {
            let shown: f64 = number(value, 4).replace(',', "").parse().unwrap();
            prop_assume!(shown.is_finite());
            prop_assert!((shown - value).abs() <= value.abs() * 5.1e-4, "{value:e}: {shown:e}");
        }

        #[test]
        fn no_text_breaks_out(text in any::<String>()) {
            let safe = escaped(&text);
            prop_assert!(!safe.contains(['<', '>', '"', '\'']));
            prop_assert!(safe.chars().all(|letter| !letter.is_control()));
        }
    }
}
