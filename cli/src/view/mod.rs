//! Turns the controller's answers into text for users. The commands call these functions, which
//! never print and never send a request. The text has colours; the crate `terminal` strips the
//! colours where the output does not support them. Every foreign text passes through
//! `terminal::one_line` or `terminal::sanitise`, except in CSV and JSON, which keep it exactly.

pub(crate) mod artifact;
pub(crate) mod csv;
pub(crate) mod explain;
#[cfg(test)]
pub(crate) mod fixtures;
pub(crate) mod history;
#[cfg(test)]
mod hostile;
pub(crate) mod import;
pub(crate) mod list;
pub(crate) mod logs;
pub(crate) mod problem;
mod ranking;
pub(crate) mod recommended;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod sweep;
pub(crate) mod values;
pub(crate) mod watch;
pub(crate) mod why;

use proto::v1;
pub(crate) use terminal::count;
use terminal::{
    one_line,
    style::{self, paint},
    table::Table,
};
use values::CELL;

/// The most terminal columns that a foreign sentence takes.
const SENTENCE: usize = 100;

/// Shortens and sanitises a word that came over the wire.
pub(crate) fn one_word(word: &str) -> String {
    one_line(word, CELL)
}

/// Returns whether the sweep is over.
pub(crate) fn is_over(sweep: &v1::Sweep) -> bool {
    matches!(sweep.state.as_str(), "finished" | "cancelled")
}

/// Returns whether the run has failed or crashed.
fn is_bad(run: &v1::Run) -> bool {
    matches!(run.state.as_str(), "failed" | "crashed")
}

/// Returns whether the run breaks no limit of its sweep. A run for which the controller sends no
/// limits breaks none.
pub(crate) fn is_feasible(run: &v1::Run) -> bool {
    run.limited.iter().all(|limited| limited.holds)
}

/// Returns the limits that a run breaks, as in `latency_ms 31.2, accuracy not logged`; `None` if it
/// breaks none.
fn broken(run: &v1::Run) -> Option<String> {
    let broken = run.limited.iter().filter(|limited| !limited.holds);
    let told: Vec<String> = broken
        .map(|limited| format!("{} {}", one_line(&limited.metric, CELL), limited_value(limited)))
        .collect();
    (!told.is_empty()).then(|| told.join(", "))
}

/// Returns the run's value of a limited metric, or `not logged`.
fn limited_value(limited: &v1::Limited) -> String {
    limited.value.map_or_else(|| "not logged".to_owned(), terminal::number)
}

/// Returns a limit as `latency_ms <= 20`.
fn limit(limit: &v1::Limit) -> String {
    let (sign, number) = match (limit.min, limit.max) {
        (Some(min), _) => (">=", min),
        (None, max) => ("<=", max.unwrap_or_default()),
    };
    format!("{} {sign} {}", one_line(&limit.metric, CELL), terminal::number(number))
}

/// Returns whether an agent holds the run: its process runs or is about to start.
fn is_held(run: &v1::Run) -> bool {
    matches!(run.state.as_str(), "leased" | "running")
}

/// Returns a state in its colour.
fn state(state: &str) -> String {
    paint(style::state(state), one_word(state))
}

/// Returns a table with one fact per line: its name and the fact.
fn facts(facts: impl IntoIterator<Item = (&'static str, String)>) -> String {
    let mut table = Table::new(["", ""]);
    for (what, fact) in facts {
        table.row([paint(style::FAINT, what), fact]);
    }
    table.to_string()
}

/// Returns names and exact values, indented under a title; empty if there are none.
fn section(title: &str, entries: &[(String, serde_json::Value)]) -> String {
    if entries.is_empty() {
        return String::new();
    }
    let mut table = Table::new(["", ""]);
    for (name, value) in entries {
        table.row([
            format!("  {}", one_line(name, 2 * CELL)),
            one_line(&values::exact(value), SENTENCE),
        ]);
    }
    format!("\n\n{}\n{table}", paint(style::FAINT, title))
}

/// Describes the trials of earlier sweeps, as in `37 trials of earlier sweeps to start from; the
/// first trial repeats the best in this space, 0.02 of k3x9abcd`.
fn earlier(sweep: &v1::Sweep) -> Option<String> {
    let trials = count(sweep.earlier_trials, "trial");
    let repeats = sweep.repeats.as_ref().map(|repeated| {
        let value = terminal::number(repeated.value);
        let of = match repeated.sweep.as_str() {
            "" => "a prior run".to_owned(),
            sweep => one_word(sweep),
        };
        format!("; the first trial repeats the best in this space, {value} of {of}")
    });
    let text = format!("{trials} of earlier sweeps to start from{}", repeats.unwrap_or_default());
    (sweep.earlier_trials > 0).then_some(text)
}

/// Returns the duration of the run's present or last attempt; empty while the run waits.
fn took(run: &v1::Run, now_ms: i64) -> String {
    work(run, now_ms)
        .map(|(from, to)| terminal::duration(to.saturating_sub(from)))
        .unwrap_or_default()
}

/// Returns the start and the end of the run's present or last attempt, in milliseconds since the
/// epoch. If the attempt has not ended, the end is the present time. Returns `None` if no attempt
/// has started, or if the run waits for another one.
fn work(run: &v1::Run, now_ms: i64) -> Option<(i64, i64)> {
    let waits = matches!(run.state.as_str(), "queued" | "preempted" | "leased");
    run.started_ms.filter(|_| !waits).map(|from| (from, run.ended_ms.unwrap_or(now_ms)))
}

/// Lists the counts that are not zero, as in `20 finished, 2 failed, 4 running`.
fn counts(counts: &v1::Counts) -> String {
    let parts = [
        (counts.finished, "finished"),
        (counts.failed, "failed"),
        (counts.crashed, "crashed"),
        (counts.stopped, "stopped"),
        (counts.pruned, "pruned"),
        (counts.running, "running"),
        (counts.leased, "leased"),
        (counts.queued, "queued"),
    ];
    let parts = parts.into_iter().filter(|(number, _)| *number > 0);
    parts.map(|(number, word)| format!("{number} {}", state(word))).collect::<Vec<_>>().join(", ")
}

/// Returns the number of trials as `28 of at most 40`. Without a higher bound, returns `28`.
fn progress(sweep: &v1::Sweep) -> String {
    let trials = sweep.counts.unwrap_or_default().trials;
    match sweep.trials_bound {
        Some(bound) if bound > trials => format!("{trials} of at most {bound}"),
        _ => trials.to_string(),
    }
}

/// Describes the method and the metric, as in `bayes, minimize val/loss, target 0.02`.
fn method(sweep: &v1::Sweep) -> String {
    let mut text = one_word(&sweep.method);
    if !sweep.metric.is_empty() {
        let goal = if sweep.maximize { "maximize" } else { "minimize" };
        text += &format!(", {goal} {}", one_line(&sweep.metric, 2 * CELL));
    }
    if let Some(target) = sweep.target {
        text += &format!(", target {}", terminal::number(target));
    }
    text
}

/// Returns the best value and its run, as in `0.02131 by k3x9abcd-17`.
fn best(sweep: &v1::Sweep) -> Option<String> {
    let best = sweep.best.as_ref()?;
    let value = terminal::number(best.value?);
    Some(format!("{} by {}", paint(style::STRONG, value), one_word(&best.id)))
}

/// Returns why a run failed or crashed: the first and the last line of its message, because the
/// last line of stderr often names the error. Without a message, returns the exit code, the signal
/// or the class.
fn reason(run: &v1::Run) -> String {
    let Some(outcome) = &run.outcome else {
        return if run.state == "crashed" {
            "its agent stopped reporting".to_owned()
        } else {
            String::new()
        };
    };
    gist(&outcome.message).unwrap_or_else(|| match (outcome.exit_code, outcome.signal) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => class(&outcome.class),
    })
}

/// Returns the first and the last line of a message in one line; `None` if the message is empty.
fn gist(message: &str) -> Option<String> {
    let mut lines = message.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next()?;
    Some(match lines.next_back() {
        Some(last) => one_line(&format!("{}: {last}", first.trim_end_matches(':')), SENTENCE),
        None => one_line(first, SENTENCE),
    })
}

/// Returns a class of failure in words, such as `out of memory`.
fn class(class: &str) -> String {
    one_word(class).replace('_', " ")
}
