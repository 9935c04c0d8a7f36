//! Texts that come from outside are cut to a bound. Used by `app` and by the doors.

/// The beginning of a text, whole characters only.
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
    fn characters_stay_whole() {
        assert_eq!((cut("ééé", 3), cut("abc", 9), cut("é", 1), cut("", 0)), ("é", "abc", "", ""));
    }
}
