//! Prepares text from a file for messages: shortens it, and replaces characters that control a
//! terminal. All code in `config` that writes messages calls this module. The module changes only
//! what a message shows, never a value.

use serde_json::Value;

/// The longest piece of a file that a message repeats, in characters.
const LONGEST: usize = 48;

/// Returns `text` in backticks, at most 48 characters of it, with unprintable characters replaced.
pub(super) fn code(text: &str) -> String {
    format!("`{}`", shorten(text))
}

/// Returns a value as a person writes it: a text without quotes, anything else as JSON.
pub(super) fn bare(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Returns at most 48 characters of `text`, with unprintable characters replaced.
pub(super) fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(LONGEST).map(printable).collect();
    if text.chars().nth(LONGEST).is_some() {
        short.push_str("...");
    }
    short
}

/// Returns the character itself, or a placeholder if the character is not printable.
pub(super) fn printable(character: char) -> char {
    if is_printable(character) { character } else { char::REPLACEMENT_CHARACTER }
}

/// Returns whether a character is printable by the rule of Python's `str.isprintable`. Not
/// printable are control, format, private-use, unassigned and separator characters, except for the
/// space.
pub(super) fn is_printable(character: char) -> bool {
    if matches!(character, '\\' | '\'' | '"') {
        return true;
    }
    // The standard library's `escape_debug` uses the same table. Behind another character it does
    // not escape combining marks, and Python counts these as printable too.
    let pair: String = ['a', character].iter().collect();
    pair.escape_debug().nth(1) != Some('\\')
}

/// Returns the names as a phrase such as "a, b and c", each name in backticks. `joint` is the word
/// before the last name.
pub(super) fn listed<'a>(names: impl IntoIterator<Item = &'a str>, joint: &str) -> String {
    let names: Vec<String> = names.into_iter().map(code).collect();
    match names.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} {joint} {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_a_terminal_would_obey_are_replaced() {
        assert_eq!(code("a\u{1b}[31mb\u{202e}"), "`a\u{fffd}[31mb\u{fffd}`");
        assert_eq!(code("é e\u{301} 日本 \\'\""), "`é e\u{301} 日本 \\'\"`");
        assert_eq!(shorten(&"x".repeat(60)), format!("{}...", "x".repeat(48)));
    }

    #[test]
    fn lists_read_as_sentences() {
        assert_eq!(listed(["a"], "or"), "`a`");
        assert_eq!(listed(["a", "b", "c"], "or"), "`a`, `b` or `c`");
    }
}
