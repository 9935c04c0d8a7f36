//! Formats the lines of a run's console for a terminal.

use terminal::{
    sanitise,
    style::{self, paint},
};

/// Returns a console line as a terminal would show it in the end. A progress bar overwrites its
/// line with carriage returns; of such a line, only the last state is returned. The function
/// removes the program's escape sequences and gives stderr its own colour.
pub(crate) fn line(key: &str, text: &str) -> String {
    let shown = text.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default();
    let clean = sanitise(shown).replace('\n', " ");
    if key == "stderr" { paint(style::STDERR, clean) } else { clean }
}

/// Returns the line that replaces the lines of a long console that the controller did not keep.
pub(crate) fn left_out(lines: u64) -> String {
    paint(style::FAINT, format!("[{} left out]", super::count(lines, "line")))
}

/// Returns the heading above the lines of an attempt.
pub(crate) fn attempt(number: u32, fenced: bool) -> String {
    let fenced = if fenced { ", after another attempt had taken over" } else { "" };
    paint(style::FAINT, format!("── attempt {number}{fenced} ──"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::fixtures;
    use proptest::prelude::*;

    #[test]
    fn lines_look_as_a_terminal_would_leave_them() {
        for (text, shown) in [
            ("epoch 1", "epoch 1"),
            (" 10%|#   |\r 50%|##  |\r100%|####|", "100%|####|"),
            ("windows line\r", "windows line"),
            ("\u{1b}[32mgreen\u{1b}[0m \u{1b}]8;;http://x\u{7}link\u{1b}]8;;\u{7}", "green link"),
            ("\u{1b}[2J\u{1b}[H\u{1b}]52;c;AAAA\u{7}stolen clipboard", "stolen clipboard"),
        ] {
            assert_eq!(line("stdout", text), shown, "{text:?}");
        }
        assert!(line("stderr", "oops").starts_with("\u{1b}["), "stderr has a colour");
        assert_eq!(
            fixtures::plain(&attempt(2, true)),
            "── attempt 2, after another attempt had taken over ──"
        );
    }

    proptest! {
        #[test]
        fn no_line_controls_the_terminal(
            text in any::<String>(),
            escape in "[\u{1b}\u{9b}][\\[\\]PX^_]?[0-9;?]{0,5}[ -~\u{7}]{0,3}",
        ) {
            let shown = line("stdout", &format!("{text}{escape}{text}"));
            prop_assert!(
                shown.chars().all(|letter| letter == '\t' || !letter.is_control()),
                "{shown:?}"
            );
        }
    }
}
