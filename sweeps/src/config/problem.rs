//! Collects the problems that a check finds. Every reader in `config` adds problems to the report,
//! and the controller and `sweep check` show them. This module never decides what is wrong.

use std::collections::BTreeSet;

/// The largest number of errors, and of warnings, that one check reports. No person reads more
/// problems, and a hostile file could cause 100,000.
const MOST: usize = 100;

/// A problem of the YAML that is reported to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Whether the controller refuses the sweep because of the problem, or only warns.
    pub severity: Severity,
    /// The path in the configuration, such as `parameters.lr.min`; empty for the whole file.
    pub path: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The first and the last column of the place, counted from 1 in characters.
    pub columns: (usize, usize),
    /// What is wrong, without a full stop.
    pub message: String,
    /// What to write instead; `None` if there is no hint.
    pub hint: Option<String>,
}

/// The severity of a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The controller refuses the sweep.
    Error,
    /// The sweep is accepted, but its meaning may differ from what the user expects.
    Warning,
}

/// A range of columns on one line. For a node of several lines, the span is its part on the first
/// line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// The line, counted from 1.
    pub(super) line: usize,
    /// The first column, counted from 1 in characters.
    pub(super) first: usize,
    /// The last column, at least `first`.
    pub(super) last: usize,
}

/// The place of a problem.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    /// The path in the configuration.
    pub(super) path: &'a str,
    /// The place in the text.
    pub(super) span: Span,
}

/// The problems found so far.
#[derive(Default)]
pub(super) struct Report {
    problems: Vec<Problem>,
    errors: usize,
}

/// The problem that was just reported. A hint can be added to it.
pub(super) struct Reported<'a>(&'a mut Problem);

impl Report {
    /// Reports a problem because of which the sweep is refused.
    pub(super) fn error(&mut self, at: At<'_>, message: impl Into<String>) -> Reported<'_> {
        self.tell(Severity::Error, at, message.into())
    }

    /// Reports a part of the YAML whose meaning may differ from what the user expects.
    pub(super) fn warning(&mut self, at: At<'_>, message: impl Into<String>) -> Reported<'_> {
        self.tell(Severity::Warning, at, message.into())
    }

    fn tell(&mut self, severity: Severity, at: At<'_>, message: String) -> Reported<'_> {
        let Span { line, first, last } = at.span;
        self.errors += usize::from(severity == Severity::Error);
        let path = at.path.to_owned();
        self.problems.push(Problem {
            severity,
            path,
            line,
            columns: (first, last),
            message,
            hint: None,
        });
        Reported(self.problems.last_mut().expect("just pushed"))
    }

    /// Returns the number of errors so far.
    pub(super) fn errors(&self) -> usize {
        self.errors
    }

    /// Returns the problems, sorted by place, without repetitions, at most [`MOST`] of each
    /// severity.
    pub(super) fn finish(self) -> Vec<Problem> {
        let mut problems = self.problems;
        // The sort is stable: problems at one place stay in the order in which they were found.
        problems.sort_by_key(|problem| (problem.line, problem.columns));
        // A node with an anchor is read again for each alias, but its problems are reported once.
        let mut seen = BTreeSet::new();
        problems.retain(|problem| {
            seen.insert((problem.line, problem.columns, problem.message.clone()))
        });
        shorten(&mut problems);
        problems
    }
}

impl Reported<'_> {
    /// Adds a hint: what to write instead.
    pub(super) fn hint(self, hint: impl Into<String>) {
        self.0.hint = Some(hint.into());
    }
}

/// Keeps the first [`MOST`] problems of each severity. A last problem counts the others.
fn shorten(problems: &mut Vec<Problem>) {
    let (mut errors, mut warnings) = (0usize, 0usize);
    problems.retain(|problem| {
        let count = if problem.severity == Severity::Error { &mut errors } else { &mut warnings };
        *count += 1;
        *count <= MOST
    });
    let (errors, warnings) = (errors.saturating_sub(MOST), warnings.saturating_sub(MOST));
    let Some(last) = problems.last().filter(|_| errors + warnings > 0) else { return };
    let severity = if errors > 0 { Severity::Error } else { Severity::Warning };
    let more = |number: usize, noun: &str| match number {
        0 => None,
        1 => Some(format!("1 more {noun}")),
        _ => Some(format!("{number} more {noun}s")),
    };
    let told: Vec<String> =
        more(errors, "error").into_iter().chain(more(warnings, "warning")).collect();
    let are = if errors + warnings == 1 { "is" } else { "are" };
    let message = format!("{} {are} not shown", told.join(" and "));
    let (line, columns) = (last.line, last.columns);
    let hint = Some("repair the first ones and check again".to_owned());
    problems.push(Problem { severity, path: String::new(), line, columns, message, hint });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: usize) -> At<'static> {
        At { path: "", span: Span { line, first: 1, last: 1 } }
    }

    #[test]
    fn problems_come_by_line_and_once() {
        let mut report = Report::default();
        report.warning(at(9), "late");
        report.error(at(2), "twice");
        report.error(at(2), "twice").hint("the same");
        let problems = report.finish();
        let told: Vec<_> = problems.iter().map(|p| (p.line, p.message.as_str())).collect();
        assert_eq!(told, [(2, "twice"), (9, "late")]);
    }

    #[test]
    fn an_error_is_never_hidden_behind_warnings() {
        let mut report = Report::default();
        for line in 0..300 {
            report.warning(at(line), "w");
        }
        report.error(at(1000), "the one that matters");
        let problems = report.finish();
        assert_eq!(problems.len(), 102);
        assert!(problems.iter().any(|p| p.message == "the one that matters"));
        assert_eq!(problems[101].message, "200 more warnings are not shown");
    }
}
