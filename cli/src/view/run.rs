//! Shows one run, for `sweep show RUN` and `sweep best`.

use proto::v1::{Repeated, Run, Sweep};
use serde_json::Value;
use terminal::{
    number, one_line, sanitise,
    style::{self, paint},
    table::Table,
};

use super::{
    CELL, SENTENCE, class, count, facts, gist, is_bad, limit, limited_value, one_word, section,
    state, took, values,
};

/// The most terminal columns that a note takes. A note may quote a line that the program printed.
const NOTE: usize = 6 * SENTENCE;

/// Describes a run: its state, its failed attempts, its rungs, its parameters, its summary, its
/// metrics, its code, and how it ended.
pub(crate) fn run(run: &Run, sweep: Option<&Sweep>, now_ms: i64) -> String {
    let mut text = format!("{}  {}", paint(style::STRONG, one_word(&run.id)), state(&run.state));
    if !run.name.is_empty() {
        text += &format!("  {}", one_line(&run.name, 2 * CELL));
    }
    let metric = sweep
        .map(|sweep| sweep.metric.as_str())
        .filter(|metric| !metric.is_empty())
        .unwrap_or("value");
    let mut lines = Vec::new();
    if let Some(sweep) = sweep {
        let name = one_line(&sweep.name, 2 * CELL);
        lines.push(("sweep", format!("{}  {name}", one_word(&sweep.id)).trim_end().to_owned()));
    }
    lines.extend(introduction(run));
    if let Some(value) = run.value {
        let metric = paint(style::FAINT, one_line(metric, 2 * CELL));
        lines.push(("value", format!("{} {metric}", number(value))));
    }
    if let Some(sweep) = sweep.filter(|_| !run.limited.is_empty()) {
        lines.push(("limits", limits(sweep, run)));
    }
    let on = if run.agent.is_empty() {
        String::new()
    } else {
        format!(" on agent {}", one_word(&run.agent))
    };
    if run.attempt > 0 {
        lines.push(("attempt", format!("{}{on}", run.attempt)));
    }
    let took = took(run, now_ms);
    if let Some(ended) = run.ended_ms {
        let age = terminal::age(now_ms.saturating_sub(ended));
        lines.push(("time", format!("{took}, ended {age}")));
    } else if !took.is_empty() {
        lines.push(("time", format!("{took} so far")));
    }
    lines.push(("rows", run.rows.to_string()));
    if let Some(why) = suggestion(&run.suggestion_json) {
        lines.push(("chosen", why));
    }
    if let Some(repeated) = &run.repeats {
        lines.push(("repeats", repeats(repeated)));
    }
    if run.stop_wanted && run.ended_ms.is_none() {
        lines.push(("note", "it was asked to stop".to_owned()));
    }
    if !run.note.is_empty() {
        lines.push(("note", one_line(&run.note, NOTE)));
    }
    text += &format!("\n{}", facts(lines));
    text += &failures(run, now_ms);
    text += &rungs(run);
    text += &section("parameters", &values::flatten(&values::object(&run.config_json)));
    text +=
        &section("added by the program", &values::flatten(&values::object(&run.added_config_json)));
    text += &section("summary", &values::flatten_shown(&values::object(&run.summary_json)));
    text += &metrics(run);
    text += &section("code", &code(&run.code_json));
    text + &ended(run)
}

/// Describes the earlier trial with the parameters of a run.
fn repeats(repeated: &Repeated) -> String {
    let of = match repeated.sweep.as_str() {
        "" => "a prior run".to_owned(),
        sweep => format!("a trial of the earlier sweep {}", one_word(sweep)),
    };
    format!("{of}, which had {}", number(repeated.value))
}

/// Returns the run's project, group, job type, tags and notes. Leaves out those that are empty.
fn introduction(run: &Run) -> impl Iterator<Item = (&'static str, String)> {
    let tags = run.tags.iter().map(|tag| one_line(tag, CELL)).collect::<Vec<_>>().join(", ");
    // The project of a trial is that of its sweep, so it is not shown.
    let project =
        if run.sweep.is_empty() { one_line(&run.project, 2 * CELL) } else { String::new() };
    let (group, job_type) = (one_line(&run.group, 2 * CELL), one_line(&run.job_type, CELL));
    let notes = one_line(&run.notes, 2 * SENTENCE);
    let said = [
        ("project", project),
        ("group", group),
        ("job type", job_type),
        ("tags", tags),
        ("notes", notes),
    ];
    said.into_iter().filter(|(_, said)| !said.is_empty())
}

/// Returns a table of the metrics that the run defined, with their kinds of summary, their step
/// metrics and their goals. The text is empty if the run defined none.
fn metrics(run: &Run) -> String {
    if run.metrics.is_empty() {
        return String::new();
    }
    let mut table = Table::default().left("  metric").left("summary").left("over").left("goal");
    for metric in &run.metrics {
        let summary =
            if metric.summary.is_empty() { "last".to_owned() } else { metric.summary.join(", ") };
        let over = if metric.step_metric.is_empty() { "step" } else { &metric.step_metric };
        let goal = if metric.goal.is_empty() { "minimize" } else { &metric.goal };
        let name = format!("  {}", one_line(&metric.name, 2 * CELL));
        table.row([name, one_line(&summary, 2 * CELL), one_line(over, CELL), one_word(goal)]);
    }
    format!("\n\n{}\n{table}", paint(style::FAINT, "metrics"))
}

/// Returns the facts about the run's code. Only the number of packages and the number of changed
/// lines stand for the packages and the diff.
fn code(json: &str) -> Vec<(String, Value)> {
    let mut code = values::object(json);
    code.remove("_type");
    if let Some(Value::Object(packages)) = code.remove("packages") {
        code.insert(
            "packages".to_owned(),
            Value::from(format!("{} of Cargo.lock", packages.len())),
        );
    }
    if let Some(Value::String(diff)) = code.remove("git_diff") {
        let lines = format!(
            "{} of uncommitted changes; --json has them",
            count(diff.lines().count() as u64, "line")
        );
        code.insert("git_diff".to_owned(), Value::from(lines));
    }
    values::flatten(&code)
}

/// Shows the best run with its exact parameters, ready to be copied.
pub(crate) fn best(sweep: &Sweep, run: &Run) -> String {
    let value = run.value.map(number).unwrap_or_default();
    let metric = paint(style::FAINT, one_line(&sweep.metric, 2 * CELL));
    let head = format!(
        "{}  {metric} {}",
        paint(style::STRONG, one_word(&run.id)),
        paint(style::GOOD, value)
    );
    let limits =
        if run.limited.is_empty() { String::new() } else { format!("\n{}", limits(sweep, run)) };
    format!(
        "{head}{limits}{}",
        section("parameters", &values::flatten(&values::object(&run.config_json)))
    )
}

/// Returns each limit of the sweep with the run's value, as in `latency_ms <= 20: 18.3`.
fn limits(sweep: &Sweep, run: &Run) -> String {
    let each = sweep.limits.iter().zip(&run.limited).map(|(one, limited)| {
        let colour = if limited.holds { style::GOOD } else { style::BAD };
        format!("{}: {}", limit(one), paint(colour, limited_value(limited)))
    });
    each.collect::<Vec<_>>().join(", ")
}

/// Shows the run's failed attempts. The text is empty if no earlier attempt failed, because the end
/// of the run already shows the present failure.
fn failures(run: &Run, now_ms: i64) -> String {
    if run.failures.iter().all(|failure| failure.attempt == run.attempt) {
        return String::new();
    }
    let mut table = Table::default()
        .right("  attempt")
        .left("failed")
        .left("on agent")
        .left("ended")
        .left("why");
    for failure in &run.failures {
        let agent = one_word(&failure.agent);
        let ended = terminal::age(now_ms.saturating_sub(failure.ended_ms));
        let why = gist(&failure.message).unwrap_or_default();
        table.row([failure.attempt.to_string(), class(&failure.class), agent, ended, why]);
    }
    format!("\n\n{}\n{table}", paint(style::FAINT, "failed attempts"))
}

/// Shows the decision at each rung of early stopping, with the run's value, its rank and the
/// threshold.
fn rungs(run: &Run) -> String {
    if run.rungs.is_empty() {
        return String::new();
    }
    let mut table = Table::default()
        .right("  rung")
        .right("value")
        .left("rank")
        .right("has to reach")
        .left("verdict");
    for rung in &run.rungs {
        let verdict = if rung.stop { paint(style::WARNING, "stop") } else { "go on".to_owned() };
        let threshold = rung.threshold.map_or_else(|| "too few yet".to_owned(), number);
        let rank = format!("{} of {}", rung.rank, rung.of);
        table.row([rung.iteration.to_string(), number(rung.value), rank, threshold, verdict]);
    }
    format!("\n\n{}\n{table}", paint(style::FAINT, "early stopping"))
}

/// Shows how the run ended: the whole message, which includes the last lines of its stderr.
fn ended(run: &Run) -> String {
    let Some(outcome) = &run.outcome else { return String::new() };
    let message = sanitise(&outcome.message);
    let mut lines = message.lines();
    let mut why = match (lines.next(), outcome.exit_code, outcome.signal) {
        (Some(line), ..) => line.to_owned(),
        (None, Some(code), _) if code != 0 => format!("exit code {code}"),
        (None, _, Some(signal)) => format!("signal {signal}"),
        _ if is_bad(run) => one_word(&outcome.class),
        _ => return String::new(),
    };
    if !matches!(outcome.class.as_str(), "" | "error" | "start" | "lost") {
        why = format!("{}, {why}", class(&outcome.class));
    }
    let mut text = format!(
        "\n\n{}\n  {}",
        paint(style::FAINT, "end"),
        paint(style::state(&outcome.state), why)
    );
    for line in lines {
        text += &format!("\n  {line}");
    }
    text
}

/// Describes briefly why the search chose this point. Returns `None` if the run has no suggestion.
fn suggestion(json: &str) -> Option<String> {
    let suggestion = values::object(json);
    let origin = suggestion.get("origin").and_then(Value::as_object).unwrap_or(&suggestion);
    let figure = |key: &str| number(origin.get(key).and_then(Value::as_f64).unwrap_or(f64::NAN));
    Some(match origin.get("kind").and_then(Value::as_str)? {
        "model" => format!(
            "by the model, which expected {} ± {} here and an improvement of {}",
            figure("mean"),
            figure("deviation"),
            figure("improvement")
        ),
        "grid" => {
            let cell = origin.get("cell").and_then(Value::as_u64).unwrap_or_default();
            format!("as cell {cell} of the grid")
        }
        "random" => "at random".to_owned(),
        "sobol" => "as the next point of the Sobol sequence".to_owned(),
        "initial" => "for the initial design, before there is a model".to_owned(),
        "listed" => {
            let index = origin.get("index").and_then(Value::as_u64).unwrap_or_default();
            format!("as point {} of the configuration", index.saturating_add(1))
        }
        "queued" => "as a point that a person queued".to_owned(),
        other => format!("by {}", one_word(other)),
    })
}

#[cfg(test)]
mod tests {
    use proto::v1::Failure;

    use super::*;
    use crate::view::fixtures::{NOW, plain, pruned, runs, sweep};

    #[test]
    fn a_finished_run() {
        insta::assert_snapshot!(plain(&run(&runs()[2], Some(&sweep()), NOW)));
    }

    #[test]
    fn a_pruned_run_shows_why() {
        insta::assert_snapshot!(plain(&run(&pruned(), Some(&sweep()), NOW)));
    }

    #[test]
    fn a_failed_run_shows_its_stderr() {
        insta::assert_snapshot!(plain(&run(&runs()[3], Some(&sweep()), NOW)));
    }

    #[test]
    fn a_run_shows_the_attempts_that_came_to_nothing() {
        let failure = |attempt, class: &str, message: &str| Failure {
            attempt,
            class: class.to_owned(),
            agent: "node-3".to_owned(),
            message: message.to_owned(),
            ended_ms: NOW - 60_000 * i64::from(10 - attempt),
        };
        let mut failed = runs()[3].clone();
        failed.attempt = 3;
        failed.failures = vec![
            failure(1, "lost", "nothing was heard of it for 30 s"),
            failure(
                2,
                "out_of_memory",
                "killed by SIGKILL: the kernel found no memory for it\nloading\nepoch 1",
            ),
            failure(3, "error", &failed.outcome.clone().unwrap().message),
        ];
        insta::assert_snapshot!(plain(&run(&failed, Some(&sweep()), NOW)));
    }

    #[test]
    fn a_run_outside_of_sweeps() {
        let alone = Run {
            id: "q7w2e9rt".to_owned(),
            state: "running".to_owned(),
            attempt: 1,
            rows: 12,
            ..Run::default()
        };
        let alone = Run {
            started_ms: Some(NOW - 65_000),
            config_json: r#"{"lr": 0.1}"#.to_owned(),
            ..alone
        };
        insta::assert_snapshot!(plain(&run(&alone, None, NOW)));
    }

    #[test]
    fn the_best_run_has_exact_parameters() {
        insta::assert_snapshot!(plain(&best(&sweep(), &runs()[2])));
    }
}
