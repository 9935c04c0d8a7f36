//! Shortens texts to a limit in bytes. `app` and the handlers in `api` use this module for texts
//! that come from outside the controller.

/// Returns the longest beginning of a text that has at most `bytes` bytes and whole characters.
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
