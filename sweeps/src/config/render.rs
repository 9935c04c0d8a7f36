//! Renders a problem as text for a terminal, in the style of rustc. `sweep check`, `sweep create`
//! and the controller call this module, which never uses colours and never prints.

use super::{
    problem::{Problem, Severity},
    text::printable,
    tree,
};

/// The largest part of a line that is shown, in characters.
const WIDTH: usize = 100;

/// Renders a problem as text for a terminal, in the style of rustc. The text has the severity and
/// message, `--> source:line:column`, the line with carets under the place, and the hint. The text
/// has no colour and ends without a newline. `text` is the text that was checked.
pub fn render(problem: &Problem, text: &str, source: &str) -> String {
    let severity = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let number = problem.line.to_string();
    let margin = " ".repeat(number.len());
    let (first, last) = problem.columns;
    let source: String = source.chars().map(printable).collect();
    let mut out = format!("{severity}: {}\n{margin}--> {source}:{number}:{first}", problem.message);
    if let Some(line) = tree::lines(text).nth(problem.line.saturating_sub(1)) {
        let (shown, carets) = window(line, first, last);
        out += &format!("\n{margin} |\n{number} | {shown}\n{margin} | {carets}");
    }
    if let Some(hint) = &problem.hint {
        out += &format!("\n{margin} = hint: {hint}");
    }
    out
}

/// Returns the line, or the part of a long line around the columns `first` to `last`. Also returns
/// the carets that belong below these columns.
fn window(line: &str, first: usize, last: usize) -> (String, String) {
    let count = line.chars().count();
    let start = if first <= WIDTH { 0 } else { first - WIDTH / 2 };
    let mut shown: String = line
        .chars()
        .skip(start)
        .take(WIDTH)
        .map(|c| if c == '\t' { ' ' } else { printable(c) })
        .collect();
    let mut indent = first.saturating_sub(1 + start);
    if start > 0 {
        shown.insert_str(0, "... ");
        indent += 4;
    }
    if start + WIDTH < count {
        shown.push_str(" ...");
    }
    let marked =
        (last.max(first) - first + 1).min((start + WIDTH + 1).saturating_sub(first).max(1));
    (shown.trim_end().to_owned(), format!("{}{}", " ".repeat(indent), "^".repeat(marked)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(line: usize, columns: (usize, usize)) -> Problem {
        let message = "`min` (5) is above `max` (1)".to_owned();
        let hint = Some("swap them".to_owned());
        Problem { severity: Severity::Error, path: String::new(), line, columns, message, hint }
    }

    #[test]
    fn like_rustc() {
        let text = "parameters:\n  lr: {min: 5, max: 1}\n";
        insta::assert_snapshot!(render(&problem(2, (14, 14)), text, "sweep.yaml"), @r"
        error: `min` (5) is above `max` (1)
         --> sweep.yaml:2:14
          |
        2 |   lr: {min: 5, max: 1}
          |              ^
          = hint: swap them
        ");
    }

    #[test]
    fn long_lines_and_strange_characters_are_cut() {
        let text = format!("{}\u{1b}[31mX{}", "a".repeat(500), "b".repeat(500));
        let rendered = render(&problem(1, (506, 506)), &text, "x");
        let lines: Vec<&str> = rendered.lines().collect();
        let caret = lines[4].find('^').expect("a caret");
        assert_eq!(lines[3].chars().nth(caret), Some('X'));
        assert!(lines[3].len() < 120 && !rendered.contains('\u{1b}'), "{rendered}");
        assert!(render(&problem(9, (7, 9)), "one line", "x").contains("x:9:7\n  = hint"));
    }
}
