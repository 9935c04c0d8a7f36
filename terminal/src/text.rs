//! Makes foreign text safe for a terminal. Names, parameters, console lines and messages come from
//! programs and other people. Such texts must not move the cursor, set titles or hide the text
//! beside them. Every program calls this module before it shows such text. Stored and exported
//! texts stay unchanged.

/// Returns the text without escape sequences and control characters. Line feeds and tabs stay.
pub fn sanitise(text: &str) -> String {
    let clean = anstream::adapter::strip_str(text).to_string();
    clean.chars().filter(|&letter| matches!(letter, '\n' | '\t') || !steers(letter)).collect()
}

/// Returns whether a character can change how the terminal shows other text: control characters
/// (C0, DEL, C1), marks that change the direction of writing, and Unicode line separators.
fn steers(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}'
        )
}

/// Returns the text as one line of at most `most` columns, safe for a cell of a table. `…` marks a
/// cut.
pub fn one_line(text: &str, most: usize) -> String {
    let clean = sanitise(text);
    truncate(&clean.split_whitespace().collect::<Vec<_>>().join(" "), most)
}

/// Returns the text, cut to at most `most` columns. `…` marks a cut. Escape sequences for colours
/// have no width, and colours end at the cut.
pub fn truncate(text: &str, most: usize) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut room = most.saturating_sub(1);
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let taken = if rest.starts_with("\u{1b}[") {
            rest.find('m').map_or(rest.len(), |end| end + 1)
        } else {
            0
        };
        if taken > 0 {
            kept += &rest[..taken];
            rest = &rest[taken..];
            continue;
        }
        let columns = unicode_width::UnicodeWidthChar::width(letter).unwrap_or(0);
        if columns > room {
            break;
        }
        room -= columns;
        kept.push(letter);
        rest = &rest[letter.len_utf8()..];
    }
    let reset = if kept.contains('\u{1b}') { "\u{1b}[0m" } else { "" };
    format!("{kept}{reset}…")
}

/// Returns the number of columns that a terminal needs for this text. Escape sequences for colours
/// do not count.
pub fn width(text: &str) -> usize {
    unicode_width::UnicodeWidthStr::width(anstream::adapter::strip_str(text).to_string().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hostile_text_becomes_harmless() {
        for (hostile, tame) in [
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}]0;title\u{7}text", "text"),
            ("\u{1b}[2J\u{1b}[1;1Hgone", "gone"),
            ("a\u{8}b\rc", "abc"),
            ("bell\u{7}", "bell"),
            ("csi \u{9b}31m", "csi 31m"),
            ("user\u{202e}txt", "usertxt"),
            ("two\nlines\tand a tab", "two\nlines\tand a tab"),
            ("naïve 日本", "naïve 日本"),
        ] {
            assert_eq!(sanitise(hostile), tame, "{hostile:?}");
        }
    }

    #[test]
    fn cells_are_cut_at_columns_not_at_bytes() {
        assert_eq!(one_line("a\nb   c", 20), "a b c");
        assert_eq!(one_line("abcdefgh", 5), "abcd…");
        assert_eq!(one_line("日本語", 5), "日本…");
        assert_eq!(truncate("\u{1b}[31mabcdefgh\u{1b}[0m", 4), "\u{1b}[31mabc\u{1b}[0m…");
    }

    proptest! {
        #[test]
        fn nothing_that_steers_survives(
            text in any::<String>(),
            escape in "\u{1b}[\\[\\]PX^_]?[0-9;?]{0,5}[ -~\u{7}]{0,3}",
        ) {
            let mixed = format!("{text}{escape}{text}");
            let tame = sanitise(&mixed);
            prop_assert!(
                tame.chars()
                    .all(|letter| !letter.is_control() || letter == '\n' || letter == '\t'),
                "{tame:?}"
            );
            prop_assert!(width(&one_line(&mixed, 12)) <= 12);
        }
    }
}
