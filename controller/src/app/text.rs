//! Cuts texts that come from outside to a bound. `app` and the handlers in `api` use it.

/// Returns the beginning of a text, at most `bytes` long, in whole characters.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn cut_keeps_characters_whole() {
        assert_eq!((cut("ééé", 3), cut("abc", 9), cut("é", 1), cut("", 0)), ("é", "abc", "", ""));
    }
}
