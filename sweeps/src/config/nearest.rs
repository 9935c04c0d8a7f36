//! Finds the known word that a person probably meant. The readers call this module for unknown
//! keys, distributions, macros and choices. If no known word is near, the module makes no guess,
//! and a hint lists the known words.

use super::text::{code, listed};

/// The longest unknown word that is compared with known ones, in characters. No person mistypes a
/// known word into a longer word.
const LONGEST: usize = 40;

/// Returns "did you mean `min`?", or the list of known words: "`min` or `max` can stand here".
pub(super) fn suggestion(unknown: &str, known: &[&str]) -> String {
    match nearest(unknown, known) {
        Some(word) => format!("did you mean {}?", code(word)),
        None if known.is_empty() => "nothing can stand here".to_owned(),
        None => format!("{} can stand here", listed(known.iter().copied(), "or")),
    }
}

/// Returns the nearest known word; of equally near words, the first. The word may differ in a third
/// of the longer word's letters, or in one letter. If no word is that near, returns the first known
/// word that begins with the unknown one, or with which the unknown one begins. At least four
/// letters must be equal then.
pub(crate) fn nearest<'a>(unknown: &str, known: &[&'a str]) -> Option<&'a str> {
    let typed: String =
        unknown.chars().flat_map(char::to_lowercase).map(plain).take(LONGEST + 1).collect();
    let length = typed.chars().count();
    if length == 0 || length > LONGEST {
        return None;
    }
    // The swap of two neighbouring letters counts as one slip. A known word whose length differs
    // too much is not compared at all.
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

/// Turns `-` and a space into `_`, since known words use `_`. So these three characters count as
/// equal.
fn plain(character: char) -> char {
    if matches!(character, '-' | ' ') { '_' } else { character }
}

/// Returns whether one word begins with the other, and the shorter one has at least four letters:
/// `bayesian` for `bayes`, `param` for `parameters`.
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
