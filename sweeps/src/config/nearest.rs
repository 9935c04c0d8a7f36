//! Finds the known word that a person probably meant. The readers call it for unknown keys, names
//! of distributions, macros and choices. It never guesses wildly: without a near word it lists the
//! known ones.

use super::text::{code, listed};

/// The longest word that is compared, in characters. No person mistypes a known word into a longer
/// one.
const LONGEST: usize = 40;

/// Returns "did you mean `min`?", or the list of known words: "`min` or `max` can stand here".
pub(super) fn suggestion(unknown: &str, known: &[&str]) -> String {
    match nearest(unknown, known) {
        Some(word) => format!("did you mean {}?", code(word)),
        None if known.is_empty() => "nothing can stand here".to_owned(),
        None => format!("{} can stand here", listed(known.iter().copied(), "or")),
    }
}

/// Returns the known word that is at most a third of its letters away, the first of the nearest
/// ones. If there is none, it may be a word that begins with the other.
pub(crate) fn nearest<'a>(unknown: &str, known: &[&'a str]) -> Option<&'a str> {
    let typed: String =
        unknown.chars().flat_map(char::to_lowercase).map(plain).take(LONGEST + 1).collect();
    let length = typed.chars().count();
    if length == 0 || length > LONGEST {
        return None;
    }
    // A swap of neighbours counts as one slip. Most words differ too much in length to be compared
    // at all.
    let near = |word: &&'a str| {
        let most = (word.len().max(length) / 3).max(1);
        (word.len().abs_diff(length) <= most).then(|| (strsim::osa_distance(&typed, word), most))
    };
    known
        .iter()
        .filter_map(|word| near(word).map(|(distance, most)| (distance, most, *word)))
        .filter(|(distance, most, _)| distance <= most)
        .min_by_key(|(distance, ..)| *distance)
        .map(|(.., word)| word)
        .or_else(|| known.iter().copied().find(|word| abbreviates(&typed, word)))
}

/// Turns `-` and a space into `_`, which known words have. The choice among the three is no
/// difference, nor is case.
fn plain(character: char) -> char {
    if matches!(character, '-' | ' ') { '_' } else { character }
}

/// Returns whether one word begins with the other: `bayesian` for `bayes`, `param` for
/// `parameters`.
fn abbreviates(typed: &str, word: &str) -> bool {
    typed.len().min(word.len()) >= 4 && (word.starts_with(typed) || typed.starts_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [&str; 6] = ["method", "metric", "parameters", "run_cap", "min", "max"];

    #[test]
    fn slips_find_their_word() {
        for (typed, meant) in [
            ("methd", "method"),
            ("mehtod", "method"),
            ("metrics", "metric"),
            ("param", "parameters"),
            ("Parameters", "parameters"),
            ("run-cap", "run_cap"),
            ("mim", "min"),
        ] {
            assert_eq!(nearest(typed, &KEYS), Some(meant), "{typed}");
        }
        assert_eq!(nearest("bayesian", &["grid", "random", "bayes"]), Some("bayes"));
    }

    #[test]
    fn unrelated_words_find_none() {
        for typed in ["", "x", "learning_rate", &"m".repeat(1000)] {
            assert_eq!(nearest(typed, &KEYS), None, "{typed}");
        }
        assert_eq!(suggestion("choices", &["min", "max"]), "`min` or `max` can stand here");
    }
}
