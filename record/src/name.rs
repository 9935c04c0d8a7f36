//! Parses the names of values as people write them, such as `summary."val loss"`. A name in quotes
//! can contain any character except its quote. The controller uses this module for filters, and the
//! `sweep` command for columns. The module is pure and accepts any text.

/// Returns the quotation mark (`"` or `'`) with which a text begins; `None` if it begins with none.
pub fn quote(text: &str) -> Option<char> {
    text.chars().next().filter(|letter| matches!(letter, '"' | '\''))
}

/// Returns whether a text is one text in quotes and nothing more.
pub fn is_quoted(text: &str) -> bool {
    quote(text).is_some() && end(text) == Some(text.len())
}

/// Returns the key without its quotes. A key without quotes stays as it is.
///
/// # Errors
/// Fails with a message for people if the key begins with a quote that does not close at its end.
pub fn unquoted(key: &str) -> Result<&str, String> {
    match quote(key) {
        None => Ok(key),
        Some(_) if is_quoted(key) => Ok(&key[1..key.len() - 1]),
        Some(quote) => Err(unclosed(quote)),
    }
}

/// Returns the error message for a text whose quote is not closed.
pub fn unclosed(quote: char) -> String {
    format!("the closing {quote} is missing")
}

/// Returns the byte offset behind a name such as `config."lr"` at the front of `text`. Returns 0 if
/// `text` does not begin with `config.` or `summary.` and a key in quotes.
pub fn quoted_end(text: &str) -> usize {
    let key = text.trim_start();
    let key = ["config.", "summary."].iter().find_map(|prefix| key.strip_prefix(prefix));
    key.and_then(|key| Some(text.len() - key.len() + end(key)?)).unwrap_or(0)
}

/// Returns the length in bytes of the quoted text at the front of `text`, with its quotes; `None`
/// if there is none.
fn end(text: &str) -> Option<usize> {
    let quote = quote(text)?;
    text[1..].find(quote).map(|length| length + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_taken_off_in_pairs() {
        assert_eq!(unquoted("loss"), Ok("loss"));
        assert_eq!(unquoted("\"val loss\""), Ok("val loss"));
        assert_eq!(unquoted("'a\"b'"), Ok("a\"b"));
        assert_eq!(unquoted("''"), Ok(""));
        for wrong in ["\"a", "\"", "\"a\"b", "'a\""] {
            assert!(unquoted(wrong).unwrap_err().starts_with("the closing "), "{wrong}");
        }
        assert_eq!((quoted_end("summary.\"a=b\"=1"), quoted_end("config.é = 'a'")), (13, 0));
        assert_eq!(
            (quoted_end(""), quoted_end("config."), quoted_end(" config.'é'=1")),
            (0, 0, 12)
        );
        assert!(!is_quoted("") && !is_quoted("'a' = 'b'") && is_quoted("'a'"));
    }
}
