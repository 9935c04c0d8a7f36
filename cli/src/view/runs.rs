//! Shows a list of runs. The columns may be any fields, config keys and summary keys of a run.
//! `run::ls` calls this module.

use proto::v1::Run;
use record::name;
use serde_json::{Map, Value};
use terminal::{
    one_line,
    style::{self, paint},
    table::Table,
};

use super::{CELL, one_word, state, took, values};

/// The columns that every run can have. The other columns are `config.KEY` and `summary.KEY`.
pub(crate) const COLUMNS: [&str; 15] = [
    "id", "name", "state", "project", "sweep", "group", "job_type", "agent", "tags", "trial",
    "attempt", "value", "rows", "time", "created",
];

/// Chooses the columns that are shown by default. The default columns are the usual columns that
/// have a value in any of these runs, the names in `sort`, `time` and `created`.
pub(crate) fn usual(runs: &[Run], project: &str, sweep: &str, sort: &[String]) -> Vec<String> {
    let usual = ["id", "name", "state", "project", "group", "job_type", "tags", "value"];
    // With `--project` or `--sweep`, the project is the same in all runs.
    let told = |name: &str| name == "project" && !(project.is_empty() && sweep.is_empty());
    let read: Vec<Shown<'_>> = runs.iter().map(Shown::of).collect();
    let says =
        |name: &str| read.iter().any(|run| run.text(name, 0).is_some_and(|text| !text.is_empty()));
    let mut columns: Vec<String> =
        usual.into_iter().filter(|name| !told(name) && says(name)).map(str::to_owned).collect();
    let sorted = sort.iter().map(|name| name.trim().trim_start_matches('-').trim().to_owned());
    for name in sorted.chain(["time".to_owned(), "created".to_owned()]) {
        if !columns.contains(&name) {
            columns.push(name);
        }
    }
    columns
}

/// Returns a table with one line per run.
pub(crate) fn table(runs: &[Run], columns: &[String], now_ms: i64) -> String {
    let runs: Vec<Shown<'_>> = runs.iter().map(Shown::of).collect();
    let mut table = Table::default();
    for name in columns {
        let head = &one_line(of_values(name).map_or(name.as_str(), |(_, key)| key), CELL);
        let is_number =
            runs.iter().all(|run| run.value(name).is_none_or(|value| is_number(&value)));
        let is_text = COLUMNS[..9].contains(&name.as_str()) || name == "created";
        table = if is_number && !is_text { table.right(head) } else { table.left(head) };
    }
    for run in &runs {
        table.row(columns.iter().map(|name| run.cell(name, now_ms)));
    }
    table.to_string()
}

/// The object of a run in which a column finds its values.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Values {
    Config,
    Summary,
}

/// Returns the key of `config.KEY` or `summary.KEY`, without its quotes.
pub(crate) fn of_values(name: &str) -> Option<(Values, &str)> {
    let (values, key) = match name.split_once('.')? {
        ("config", key) => (Values::Config, key),
        ("summary", key) => (Values::Summary, key),
        _ => return None,
    };
    name::unquoted(key).ok().filter(|key| !key.is_empty()).map(|key| (values, key))
}

/// A run with its JSON parsed.
struct Shown<'a> {
    run: &'a Run,
    config: Map<String, Value>,
    added: Map<String, Value>,
    summary: Map<String, Value>,
}

impl<'a> Shown<'a> {
    fn of(run: &'a Run) -> Self {
        let (config, added) =
            (values::object(&run.config_json), values::object(&run.added_config_json));
        Self { run, config, added, summary: values::object(&run.summary_json) }
    }

    /// Returns the run's value for a `config.` or `summary.` name.
    fn value(&self, name: &str) -> Option<Value> {
        match of_values(name)? {
            (Values::Config, path) => at(&self.config, path).or_else(|| at(&self.added, path)),
            (Values::Summary, key) => self.summary.get(key).cloned(),
        }
    }

    /// Returns the text of a cell without colours; `None` if the run has no value there.
    fn text(&self, name: &str, now_ms: i64) -> Option<String> {
        let run = self.run;
        Some(match name {
            "id" => one_word(&run.id),
            "name" => one_line(&run.name, CELL),
            "state" => one_word(&run.state),
            "project" => one_line(&run.project, CELL),
            "sweep" => one_word(&run.sweep),
            "group" => one_line(&run.group, CELL),
            "job_type" => one_line(&run.job_type, CELL),
            "agent" => one_line(&run.agent, CELL),
            "tags" => one_line(&run.tags.join(", "), CELL),
            "trial" => run.trial?.to_string(),
            "attempt" => run.attempt.to_string(),
            "value" => terminal::number(run.value?),
            "rows" => run.rows.to_string(),
            "time" => took(run, now_ms),
            "created" => terminal::age(now_ms.saturating_sub(run.created_ms)),
            other => values::short(&self.value(other).filter(|value| !value.is_null())?),
        })
    }

    fn cell(&self, name: &str, now_ms: i64) -> String {
        let text = self.text(name, now_ms).unwrap_or_default();
        match name {
            "id" => paint(style::STRONG, text),
            "state" => state(&self.run.state),
            "created" => paint(style::FAINT, text),
            _ => text,
        }
    }
}

/// Returns whether a value is a number. Non-finite floats come as texts, because JSON has none.
fn is_number(value: &Value) -> bool {
    value.is_number()
        || value.as_str().is_some_and(|text| ["NaN", "Infinity", "-Infinity"].contains(&text))
}

/// Returns the value at a path whose parts are joined by `.`. A key that contains dots may match as
/// a whole.
fn at(object: &Map<String, Value>, path: &str) -> Option<Value> {
    let leaf = || {
        values::flatten(object).into_iter().find(|(name, _)| name == path).map(|(_, value)| value)
    };
    object.get(path).cloned().or_else(leaf)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::fixtures::{NOW, plain, runs};

    fn some() -> Vec<Run> {
        let mut runs = runs();
        runs.truncate(4);
        runs[0].tags = vec!["fast".to_owned(), "\u{1b}[31mred".to_owned()];
        runs[1].summary_json = r#"{"val/loss": "NaN"}"#.to_owned();
        runs[2].added_config_json = r#"{"seed": 7}"#.to_owned();
        for run in &mut runs {
            run.project = "vision".to_owned();
        }
        runs
    }

    #[test]
    fn the_usual_columns_are_those_that_say_something() {
        let runs = some();
        let columns = usual(&runs, "", "", &["-summary.val/loss".to_owned(), "state".to_owned()]);
        insta::assert_snapshot!(plain(&table(&runs, &columns, NOW)));
        assert!(!usual(&runs, "vision", "", &[]).contains(&"project".to_owned()));
    }

    #[test]
    fn any_columns() {
        let columns = "id,trial,config.optimizer.name,config.'learning_rate',config.seed,\
            summary.epoch,summary.nonesuch";
        let columns: Vec<String> = columns.split(',').map(str::to_owned).collect();
        insta::assert_snapshot!(plain(&table(&some(), &columns, NOW)));
    }
}
