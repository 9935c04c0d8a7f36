//! Translates the lines of W&B's client to rows and back: history, system metrics, the summary and
//! the console.

use record::{Row, Value};
use serde_json::{Map, Value as Json};

/// The keys of a line that are the row's own step and time.
const STEP: &str = "_step";
const TIME: &str = "_timestamp";
/// The key of the seconds since the start of the run.
const RUNTIME: &str = "_runtime";
/// The keys of a summary and of system metrics that the client keeps for itself.
const OWN: &str = "_wandb";
/// What stands before the names of system metrics.
const SYSTEM: &str = "system.";
/// What stands before a line of standard error.
const ERROR: &str = "ERROR ";

/// Reads a line of history. `number` is its number, and `wall_ms` the time if the line has none.
/// Returns `None` if the line is no JSON object.
pub(super) fn history(line: &str, number: u64, wall_ms: i64) -> Option<Row> {
    let mut parsed = record::python::parse(line)?;
    let step = match parsed.take(STEP) {
        Some(Value::I64(step)) => u64::try_from(step).unwrap_or(number),
        _ => number,
    };
    let wall_ms = parsed.take(TIME).as_ref().and_then(milliseconds).unwrap_or(wall_ms);
    Some(Row { step, wall_ms, values: parsed.into_values()? })
}

/// Reads a sample of system metrics.
pub(super) fn system(line: &str, number: u64, wall_ms: i64) -> Option<Row> {
    let mut row = history(line, number, wall_ms)?;
    row.step = number;
    row.values.retain(|(key, _)| key != OWN);
    for (key, _) in &mut row.values {
        if let Some(name) = key.strip_prefix(SYSTEM) {
            *key = name.to_owned();
        }
    }
    Some(row)
}

/// Reads a summary. The step and the times follow from the history.
pub(super) fn summary(line: &str, wall_ms: i64) -> Option<Row> {
    let mut row = history(line, 0, wall_ms)?;
    let is_own = |key: &str| {
        key.strip_prefix(OWN).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    row.values.retain(|(key, _)| !is_own(key) && key != RUNTIME);
    row.step = 0;
    Some(row)
}

/// Reads a line of the console.
pub(super) fn console(line: &str, number: u64, wall_ms: i64) -> Row {
    let (key, line) = match line.strip_prefix(ERROR) {
        Some(rest) => ("stderr", rest),
        None => ("stdout", line),
    };
    let timed = line.split_once(' ').and_then(|(time, text)| {
        let time: jiff::civil::DateTime = time.parse().ok()?;
        let time = time.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some((time.timestamp().as_millisecond(), text))
    });
    let (wall_ms, text) = timed.unwrap_or((wall_ms, line));
    Row { step: number, wall_ms, values: vec![(key.to_owned(), Value::Text(text.to_owned()))] }
}

fn milliseconds(seconds: &Value) -> Option<i64> {
    match seconds {
        Value::F64(seconds) => Some((seconds * 1e3) as i64),
        Value::I64(seconds) => seconds.checked_mul(1000),
        _ => None,
    }
}

/// Writes a row of history as the client reads it. `started_ms` is when the run has started.
pub(super) fn write(row: &Row, started_ms: i64) -> Json {
    let mut line: Map<String, Json> =
        row.values.iter().map(|(key, value)| (key.clone(), record::json::to_json(value))).collect();
    line.insert(STEP.to_owned(), row.step.into());
    line.insert(TIME.to_owned(), (row.wall_ms as f64 / 1e3).into());
    let since = row.wall_ms.saturating_sub(started_ms) as f64 / 1e3;
    line.entry(RUNTIME).or_insert_with(|| since.into());
    Json::Object(line)
}

/// Writes a line as JSON in a text, as Python writes it: a number that is not finite is a bare
/// word. `prefix` stands before the keys of the row in the line.
pub(super) fn text(line: &Json, row: &Row, prefix: &str) -> String {
    let odd = |value: &Value| matches!(value, Value::F64(number) if !number.is_finite());
    if !row.values.iter().any(|(_, value)| odd(value)) {
        return line.to_string();
    }
    let mut line = line.as_object().cloned().unwrap_or_default();
    let mut words = Vec::new();
    for (key, value) in row.values.iter().filter(|(_, value)| odd(value)) {
        let key = if key.starts_with('_') { key.clone() } else { format!("{prefix}{key}") };
        line.shift_remove(&key);
        let word = record::json::to_json(value);
        words.push(format!("{}:{}", Json::from(key), word.as_str().unwrap_or_default()));
    }
    let rest = Json::Object(line).to_string();
    // The line still has its step, so it is not empty.
    format!("{{{},{}", words.join(","), &rest[1..])
}

/// Adds to a summary what the client expects in it: the step, the time and the seconds.
pub(super) fn complete(summary: &mut Map<String, Json>, last: Option<&Row>, started_ms: i64) {
    let Some(last) = last else { return };
    summary.insert(STEP.to_owned(), last.step.into());
    summary.insert(TIME.to_owned(), (last.wall_ms as f64 / 1e3).into());
    let since = last.wall_ms.saturating_sub(started_ms) as f64 / 1e3;
    let runtime = summary.entry(RUNTIME).or_insert_with(|| since.into()).as_f64();
    let own = serde_json::json!({ "runtime": runtime.unwrap_or(since) as i64 });
    summary.insert(OWN.to_owned(), own);
}

/// Writes a sample of system metrics as the client reads it.
pub(super) fn write_system(row: &Row, started_ms: i64) -> Json {
    let Json::Object(line) = write(row, started_ms) else { return Json::Null };
    let name = |key: String| if key.starts_with('_') { key } else { format!("{SYSTEM}{key}") };
    let mut line: Map<String, Json> =
        line.into_iter().map(|(key, value)| (name(key), value)).collect();
    line.insert(OWN.to_owned(), true.into());
    Json::Object(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_history_is_a_row() {
        let line = r#"{"_step": 3, "_timestamp": 1700000000.25, "_runtime": 0.5, "loss": NaN}"#;
        let row = history(line, 9, 1).unwrap();
        assert_eq!((row.step, row.wall_ms), (3, 1_700_000_000_250));
        assert_eq!(row.values.len(), 2);
        let row = history(r#"{"loss": 1}"#, 9, 1).unwrap();
        assert_eq!((row.step, row.wall_ms), (9, 1));
        assert_eq!(write(&row, 0)["_step"], 9);
        let line = r#"{"_step": 3, "a": NaN, "b": -Infinity, "c": 1}"#;
        let row = history(line, 0, 0).unwrap();
        let written = text(&write(&row, 0), &row, "");
        assert!(written.starts_with(r#"{"a":NaN,"b":-Infinity,"c":1"#), "{written}");
        assert_eq!(history(&written, 0, 0).unwrap().values.len(), 4);
        assert_eq!((history("[1]", 0, 0), history("{", 0, 0)), (None, None));
    }

    #[test]
    fn system_metrics_and_summaries_lose_what_the_client_keeps_for_itself() {
        let line = r#"{"_wandb": true, "_timestamp": 7, "_runtime": 1, "system.cpu": 3.5}"#;
        let row = system(line, 4, 0).unwrap();
        let keys: Vec<&str> = row.values.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!((keys, row.step, row.wall_ms), (vec!["_runtime", "cpu"], 4, 7000));
        assert_eq!(write_system(&row, 0)["system.cpu"], 3.5);
        let row = summary(r#"{"loss": 1, "_step": 9, "_runtime": 2, "_wandb": {"runtime": 3}}"#, 5)
            .unwrap();
        assert_eq!(row.values, [("loss".to_owned(), Value::I64(1))]);
    }

    #[test]
    fn a_line_of_the_console_has_a_stream_and_a_time() {
        let row = console("ERROR 2026-01-01T00:00:01.500000 oh no", 2, 0);
        assert_eq!((row.step, row.wall_ms), (2, 1_767_225_601_500));
        assert_eq!(row.values, [("stderr".to_owned(), Value::Text("oh no".to_owned()))]);
        let row = console("no time", 0, 8);
        assert_eq!(row.values, [("stdout".to_owned(), Value::Text("no time".to_owned()))]);
        assert_eq!(row.wall_ms, 8);
    }
}
