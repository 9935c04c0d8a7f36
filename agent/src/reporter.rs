//! Prints the agent's messages for the person at the terminal: one line for each start and end of a
//! trial, warnings, and a last summary. The reporter makes no decision about trials.

use std::{collections::BTreeSet, fmt::Display, time::Duration};

use proto::v1::{Outcome, Run, Start};
use record::ids::{RunId, SweepId};
use serde_json::Value;
use terminal::{
    count, one_line, say, size,
    style::{self, FAINT, paint},
    warn,
};

use crate::{state::holdings::Holding, trial::port::Report};

/// The greatest length of a printed list of parameters, in characters.
const PARAMS_WIDTH: usize = 100;
/// The greatest length of the controller's note that is printed with an end, in characters.
const NOTE: usize = 600;
/// The width of the longest state, "preempted", in characters.
const STATE_WIDTH: usize = 9;

/// The printer of messages. The reporter also counts the ended trials. It prints equal notes of the
/// controller only once.
#[derive(Debug, Default)]
pub struct Reporter {
    silent: bool,
    width: usize,
    ended: Vec<(String, u64)>,
    notes: BTreeSet<String>,
}

impl Reporter {
    /// Makes a reporter for an agent of this sweep.
    pub fn new(sweep: &SweepId) -> Self {
        Self { width: sweep.as_str().len() + "-100".len(), ..Self::default() }
    }

    /// Makes a reporter that counts the ended trials, but prints nothing.
    pub fn silent() -> Self {
        Self { silent: true, ..Self::default() }
    }

    /// Prints a message.
    pub fn say(&self, text: impl Display) {
        if !self.silent {
            say(text);
        }
    }

    /// Prints a warning.
    pub fn warn(&self, text: impl Display) {
        if !self.silent {
            warn(text);
        }
    }

    /// Prints that a trial was started.
    pub fn started(&mut self, start: &Start) {
        self.line(&start.run, "started", &paint(FAINT, params(&start.params_json)));
    }

    /// Prints that the agent has adopted a trial that an earlier start of the agent began.
    pub fn adopted(&mut self, holding: &Holding) {
        self.line(holding.attempt.run.as_str(), "adopted", "");
    }

    /// Prints that a trial is over and that the controller does not take its rows or its end now.
    /// [`Self::ended`] prints the result later.
    pub fn waits(&mut self, run: &RunId, bytes: u64, why: &str) {
        let rows = if bytes == 0 { String::new() } else { format!(" and {} of rows", size(bytes)) };
        self.line(
            run.as_str(),
            "waits",
            &format!("{why}: the agent keeps its end{rows} and tries again"),
        );
    }

    /// Prints that a trial is over and that its report is done. `outcome` is `None` for a lost
    /// attempt: its end is unknown, or the controller refused its rows or its end.
    pub fn ended(
        &mut self,
        holding: &Holding,
        outcome: Option<&Outcome>,
        ran: Duration,
        report: &Report,
    ) {
        let lost = match report.problems.as_slice() {
            [] => "its shim was killed: the controller will start it again",
            _ => "the controller will start it again",
        };
        let (state, what) = match outcome {
            Some(outcome) => {
                (outcome.state.as_str(), describe(holding, outcome, report.run.as_ref()))
            }
            None => ("lost", lost.to_owned()),
        };
        // The agent knows only that it stopped the trial. The controller's answer says `pruned` if
        // a rule of early stopping did.
        let known = report.run.as_ref().map(|run| run.state.as_str());
        let state = known.filter(|known| *known == "pruned").unwrap_or(state);
        self.count(state);
        let gap = if what.is_empty() { "" } else { "  " };
        self.line(
            holding.attempt.run.as_str(),
            state,
            &format!("{what}{gap}{}", paint(FAINT, duration(ran))),
        );
        if state == "failed"
            && let Some(outcome) = outcome
        {
            outcome
                .message
                .lines()
                .skip(1)
                .for_each(|line| self.say(format_args!("      {}", paint(FAINT, line))));
        }
        for problem in &report.problems {
            self.warn(format_args!("{}: {problem}", holding.attempt.run));
        }
        if !report.note.is_empty() && self.notes.insert(report.note.clone()) {
            self.warn(format_args!("{}: {}", holding.attempt.run, one_line(&report.note, NOTE)));
        }
    }

    /// Prints that another attempt owns the run.
    pub fn fenced(&mut self, holding: &Holding, ran: Duration) {
        self.count("fenced");
        let what = format!("another attempt runs it now  {}", paint(FAINT, duration(ran)));
        self.line(holding.attempt.run.as_str(), "fenced", &what);
    }

    /// Prints the last line: how many trials ended, and how.
    pub fn summary(&self, took: Duration) {
        let total: u64 = self.ended.iter().map(|(_, number)| number).sum();
        if total == 0 {
            return;
        }
        let parts: Vec<String> =
            self.ended.iter().map(|(state, number)| format!("{number} {state}")).collect();
        let total = count(total, "trial");
        self.say(format_args!("{total} in {}: {}", duration(took), parts.join(", ")));
    }

    fn count(&mut self, state: &str) {
        match self.ended.iter_mut().find(|(known, _)| known == state) {
            Some((_, number)) => *number += 1,
            None => self.ended.push((state.to_owned(), 1)),
        }
    }

    fn line(&mut self, run: &str, state: &str, what: &str) {
        self.width = self.width.max(run.len());
        let colour = style::state(if state == "started" { "running" } else { state });
        let width = self.width;
        if what.is_empty() {
            self.say(format_args!("  {run:<width$}  {}", paint(colour, state)));
        } else {
            self.say(format_args!(
                "  {run:<width$}  {}  {what}",
                paint(colour, format_args!("{state:<STATE_WIDTH$}"))
            ));
        }
    }
}

/// Returns the text that follows the state of an ended trial: the reason of a failure or stop,
/// otherwise the metric's value.
fn describe(holding: &Holding, outcome: &Outcome, run: Option<&Run>) -> String {
    if outcome.state == "failed" || outcome.state == "stopped" {
        return outcome.message.lines().next().unwrap_or_default().to_owned();
    }
    match run.and_then(|run| run.value) {
        Some(value) => format!("{} {}", holding.metric, number(value)),
        None => String::new(),
    }
}

/// Returns the parameters on one line: `lr=0.0012 net.depth=3`.
fn params(json: &str) -> String {
    let mut parts = Vec::new();
    if let Ok(value) = serde_json::from_str::<Value>(json) {
        flatten("", &value, &mut parts);
    }
    let line = parts.join(" ");
    match line.char_indices().nth(PARAMS_WIDTH) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn flatten(path: &str, value: &Value, parts: &mut Vec<String>) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                flatten(
                    &if path.is_empty() { key.clone() } else { format!("{path}.{key}") },
                    value,
                    parts,
                );
            }
        }
        Value::String(text) => parts.push(format!("{path}={}", text.escape_debug())),
        Value::Number(value) if value.is_f64() => {
            parts.push(format!("{path}={}", number(value.as_f64().unwrap_or(f64::NAN))));
        }
        other => parts.push(format!("{path}={other}")),
    }
}

/// Formats a number with four significant digits. The controller stores the exact number.
fn number(value: f64) -> String {
    if !value.is_finite() {
        return value.to_string();
    }
    let rounded: f64 = format!("{value:.3e}").parse().unwrap_or(value);
    if rounded != 0.0 && !(1e-4..1e6).contains(&rounded.abs()) {
        return format!("{rounded:e}");
    }
    rounded.to_string()
}

/// Formats a length of time: "0.8s", "12s", "2m 13s", "1h 5m".
fn duration(time: Duration) -> String {
    match time.as_secs() {
        0..10 => format!("{:.1}s", time.as_secs_f64()),
        seconds @ 10..60 => format!("{seconds}s"),
        seconds @ 60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        seconds => format!("{}h {}m", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_significant_digits() {
        let cases =
            [(0.001_234_56, "0.001235"), (1e-5, "1e-5"), (0.25, "0.25"), (12.0, "12"), (0.0, "0")];
        for (value, want) in cases {
            assert_eq!(number(value), want);
        }
        assert_eq!(number(1_234_567_890.0), "1.235e9");
        assert_eq!(number(f64::NAN), "NaN");
    }

    #[test]
    fn parameters_fit_on_a_line() {
        assert_eq!(
            params(r#"{"lr":0.0012345678,"net":{"depth":3,"act":"relu"},"on":true}"#),
            "lr=0.001235 net.depth=3 net.act=relu on=true"
        );
        assert_eq!(params("{}"), "");
        let long = format!(r#"{{"x":"{}"}}"#, "é".repeat(200));
        assert_eq!(params(&long).chars().count(), PARAMS_WIDTH + 1);
        assert_eq!(params(r#"{"x":"\u001b[31m"}"#), r"x=\u{1b}[31m");
    }

    #[test]
    fn times_have_at_most_two_units() {
        let seconds = |seconds| duration(Duration::from_millis(seconds));
        assert_eq!(
            [800, 12_300, 133_000, 3_900_000].map(seconds),
            ["0.8s", "12s", "2m 13s", "1h 5m"]
        );
    }
}
