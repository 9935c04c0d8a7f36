//! Matches paths with patterns: `*` stands for any text, `/` included, and `?` for one character.
//! `sweep artifact get` and `sweep run files` use this module, which never accesses a disk.

/// Returns whether a text matches a pattern of `*` and `?`. The match backtracks only to the last
/// `*`, so its cost is at most proportional to the product of both lengths.
pub(crate) fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut here) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while here < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, here));
                at += 1;
            }
            Some(b'?') => {
                // One character may have several bytes.
                here += 1;
                while text.get(here).is_some_and(|byte| byte & 0xc0 == 0x80) {
                    here += 1;
                }
                at += 1;
            }
            Some(byte) if *byte == text[here] => (at, here) = (at + 1, here + 1),
            _ => match &mut star {
                Some((after, from)) => {
                    *from += 1;
                    (at, here) = (*after + 1, *from);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_paths() {
        for (pattern, text, fit) in [
            ("*", "a/b", true),
            ("media/*", "media/images/x.png", true),
            ("*.png", "a/x.png", true),
            ("*.png", "a/x.png.txt", false),
            ("a?c", "aéc", true),
            ("a?c", "ac", false),
            ("a*b*c", "a-b-b-c", true),
            ("", "a", false),
            ("model.pt", "model.pt", true),
        ] {
            assert_eq!(fits(pattern.as_bytes(), text.as_bytes()), fit, "{pattern} {text}");
        }
        assert!(!fits("*a".repeat(200).as_bytes(), "a".repeat(5000).replace('a', "ab").as_bytes()));
    }
}
