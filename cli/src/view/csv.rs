//! Trials as CSV by RFC 4180: a header, CRLF, quotes where they are needed. Values are exact; what is missing is empty.

use std::collections::{HashMap, HashSet};

use proto::v1::Run;
use serde_json::Value;

use super::values;
use crate::json;

/// Columns before the parameters, and after the summary.
const BEFORE: [&str; 5] = ["run", "trial", "state", "attempt", "value"];
const AFTER: [&str; 4] = ["agent", "created", "started", "ended"];

/// A line per run in the order given, under a header of every parameter and summary key that any of them has.
pub(crate) fn csv(runs: &[Run]) -> String {
    let params: Vec<_> = runs.iter().map(|run| leaves(&run.config_json)).collect();
    let summaries: Vec<_> = runs.iter().map(|run| leaves(&run.summary_json)).collect();
    let (param_names, summary_names) = (names(&params), names(&summaries));
    let header = header(&param_names, &summary_names);
    let mut text = String::new();
    line(&mut text, header.iter().map(String::as_str));
    for ((run, params), summary) in runs.iter().zip(&params).zip(&summaries) {
        let (params, summary) = (by_name(params), by_name(summary));
        let cell = |entries: &HashMap<&str, &Value>, name: &str| {
            entries.get(name).map(|value| exact(value)).unwrap_or_default()
        };
        let mut cells = vec![
            run.id.clone(),
            run.trial.map(|trial| trial.to_string()).unwrap_or_default(),
            run.state.clone(),
            run.attempt.to_string(),
            run.value.map(|value| exact(&value.into())).unwrap_or_default(),
        ];
        cells.extend(param_names.iter().map(|name| cell(&params, name)));
        cells.extend(summary_names.iter().map(|name| cell(&summary, name)));
        cells.push(run.agent.clone());
        let times = [Some(run.created_ms), run.started_ms, run.ended_ms];
        cells.extend(times.map(|ms| json::time(ms).unwrap_or_default()));
        line(&mut text, cells.iter().map(String::as_str));
    }
    text
}

fn leaves(json: &str) -> Vec<(String, Value)> {
    values::flatten(&values::object(json))
}

/// Every name once, in the order in which they first appear.
fn names(runs: &[Vec<(String, Value)>]) -> Vec<&str> {
    let mut seen = HashSet::new();
    runs.iter().flatten().map(|(name, _)| name.as_str()).filter(|name| seen.insert(*name)).collect()
}

fn by_name(entries: &[(String, Value)]) -> HashMap<&str, &Value> {
    entries.iter().map(|(name, value)| (name.as_str(), value)).collect()
}

/// A parameter and a summary key of one name, or of the name of a column of ours, are told apart by a prefix.
fn header(params: &[&str], summary: &[&str]) -> Vec<String> {
    let ours: HashSet<&str> = BEFORE.into_iter().chain(AFTER).collect();
    let (in_params, in_summary): (HashSet<&str>, HashSet<&str>) =
        (params.iter().copied().collect(), summary.iter().copied().collect());
    let named =
        |name: &str, other: &HashSet<&str>, prefix: &str| match ours.contains(name) || other.contains(name) {
            true => format!("{prefix}.{name}"),
            false => name.to_owned(),
        };
    let mut header: Vec<String> = BEFORE.map(str::to_owned).into();
    header.extend(params.iter().map(|name| named(name, &in_summary, "params")));
    header.extend(summary.iter().map(|name| named(name, &in_params, "summary")));
    header.extend(AFTER.map(str::to_owned));
    header
}

fn exact(value: &Value) -> String {
    if value.is_null() { String::new() } else { values::exact(value) }
}

/// Appends a line with these cells.
pub(crate) fn line<'a>(text: &mut String, cells: impl Iterator<Item = &'a str>) {
    for (number, cell) in cells.enumerate() {
        if number > 0 {
            text.push(',');
        }
        if cell.contains([',', '"', '\r', '\n']) {
            text.push('"');
            text.push_str(&cell.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(cell);
        }
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::fixtures;
    use proptest::prelude::*;

    #[test]
    fn runs_as_csv() {
        insta::assert_snapshot!(csv(&fixtures::runs()).replace('\r', ""));
    }

    #[test]
    fn a_shared_name_gets_a_prefix() {
        let run = Run {
            config_json: r#"{"lr": 1, "state": "x", "only": 2}"#.to_owned(),
            summary_json: r#"{"lr": 3, "loss": null}"#.to_owned(),
            ..Run::default()
        };
        let header = "run,trial,state,attempt,value,params.lr,params.state,only,summary.lr,loss,agent,created,started,ended";
        assert_eq!(csv(&[run]).lines().next(), Some(header));
    }

    proptest! {
        /// An independent reader finds every text again, whatever it is.
        #[test]
        fn whatever_is_in_a_cell_comes_back(cells in prop::collection::vec("[a,\"\r\n; é\u{0}]{0,8}", 2..6)) {
            let mut text = String::new();
            line(&mut text, cells.iter().map(String::as_str));
            let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
            let read: Vec<String> = reader.records().next().unwrap().unwrap().iter().map(str::to_owned).collect();
            prop_assert_eq!(read, cells);
        }
    }
}
