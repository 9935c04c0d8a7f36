//! Explains why a text is not valid YAML. `tree` calls this module when the parser fails. The
//! module never parses text.

/// Returns a message and a hint for users, for an error message of saphyr-parser. `open` is the
/// innermost open bracket and its line.
pub(super) fn explain(info: &str, open: Option<(char, usize)>) -> (String, String) {
    if let Some((bracket, line)) = open.filter(|_| unclosed(info)) {
        let close = if bracket == '{' { '}' } else { ']' };
        let message = format!("`{bracket}` of line {line} is not closed here");
        return (message, format!("put `,` between the items and `{close}` after the last one"));
    }
    let known = EXPLANATIONS.iter().find(|(part, _, _)| info.contains(part));
    match known {
        Some((_, message, hint)) => ((*message).to_owned(), (*hint).to_owned()),
        None => (
            format!("this is not YAML: {info}"),
            "quote text that has special characters: \"...\"".to_owned(),
        ),
    }
}

/// Returns whether an unclosed bracket can cause this message of the parser.
fn unclosed(info: &str) -> bool {
    [
        "did not find expected ',' or '}'",
        "expected ',' or ']'",
        "did not find expected node content",
        "invalid indentation in flow construct",
    ]
    .iter()
    .any(|part| info.contains(part))
}

/// Parts of the parser's messages, each with the message and the hint for users. The first entry
/// whose part occurs in the parser's message is used.
const EXPLANATIONS: [(&str, &str, &str); 17] = [
    ("tab", "a tab cannot indent YAML", "indent with spaces"),
    (
        "mapping values are not allowed",
        "no mapping can begin at this `:`",
        "quote text that contains `: `, and begin a nested mapping on a line of its own",
    ),
    (
        "did not find expected key",
        "this line does not fit the lines above it",
        "give all keys of one mapping the same indentation",
    ),
    (
        "did not find expected '-' indicator",
        "this line does not fit the list above it",
        "begin each item of the list with `- ` at the same indentation",
    ),
    (
        "invalid indentation in quoted",
        "this quote is not closed on its line, and what follows is not indented",
        "close the quote",
    ),
    (
        "invalid indentation",
        "the indentation of this line fits no line above it",
        "give all keys of one mapping the same indentation",
    ),
    (
        "simple key expect",
        "this line is neither a key with its value nor an item of a list",
        "write `key: value`, with a space after the colon",
    ),
    ("mapping keys are not allowed", "no key can stand here", "begin it on a new line"),
    (
        "block sequence entries are not allowed",
        "no list item can begin here",
        "begin the list on a new line, or write `[a, b]`",
    ),
    ("unexpected end of stream", "the file ends inside quoted text", "close the quote"),
    (
        "unknown escape character",
        "this escape in double quotes is unknown",
        "write `\\\\` for a backslash, or use single quotes",
    ),
    (
        "unknown anchor",
        "this alias refers to nothing above it",
        "define it first with `&name`, or quote text that begins with `*`",
    ),
    ("recursion limit", "brackets are nested too deeply", "a sweep needs a handful of levels"),
    (
        "misplaced bracket",
        "this bracket closes nothing",
        "remove it, or quote the text that it belongs to",
    ),
    ("trailing content", "something follows the quoted text on its line", "quote the whole text"),
    (
        "unprintable",
        "this file holds an unprintable character",
        "save the file as plain UTF-8 text",
    ),
    (
        "unexpected character",
        "no unquoted text can begin with this character",
        "quote the text: \"...\"",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_bracket_is_named() {
        let info = "while parsing a flow mapping, did not find expected ',' or '}'";
        assert_eq!(explain(info, Some(('{', 4))).0, "`{` of line 4 is not closed here");
        assert_eq!(explain("something new", None).0, "this is not YAML: something new");
    }
}
