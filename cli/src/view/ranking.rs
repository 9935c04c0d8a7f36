//! Shows the trials of a sweep, best first. The view of a sweep calls this module.

use std::cmp::Ordering;

use proto::v1::{Run, Sweep};
use serde_json::Value;
use terminal::{
    number, one_line,
    style::{self, paint},
    table::{Table, width},
};

use super::{
    CELL, SENTENCE, count, is_bad, is_feasible, limit, limited_value, one_word, reason, state,
    took, values,
};

/// The number of ranked trials that are shown unless all are requested.
const SHOWN: usize = 20;
/// The number of failed and crashed trials that are shown unless all are requested.
const FAILED_SHOWN: usize = 10;

/// The options of the view.
pub(crate) struct Shown {
    /// The present time in milliseconds since the epoch.
    pub(crate) now_ms: i64,
    /// Whether the view shows all trials instead of only the first.
    pub(crate) all: bool,
    /// The width of the terminal in columns; `None` means that the width is not limited.
    pub(crate) columns: Option<usize>,
}

/// The parameters of all runs, divided into those that vary and those that do not.
pub(super) struct Params {
    /// The parameters of each run, in the order of the runs.
    runs: Vec<Vec<(String, Value)>>,
    varied: Vec<String>,
    fixed: Vec<(String, Value)>,
}

impl Params {
    /// Collects the parameters. With fewer than two runs, every parameter counts as varied.
    pub(super) fn of(runs: &[Run]) -> Self {
        let runs: Vec<_> =
            runs.iter().map(|run| values::flatten(&values::object(&run.config_json))).collect();
        let mut names: Vec<&String> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for (name, _) in runs.iter().flatten() {
            if seen.insert(name) {
                names.push(name);
            }
        }
        let first_value = |name: &str| runs.first().and_then(|run| value_of(run, name));
        let is_fixed = |name: &str| {
            runs.len() > 1 && runs.iter().all(|run| value_of(run, name) == first_value(name))
        };
        let (mut varied, mut fixed) = (Vec::new(), Vec::new());
        for name in names {
            match first_value(name) {
                Some(value) if is_fixed(name) => fixed.push((name.clone(), value.clone())),
                _ => varied.push(name.clone()),
            }
        }
        Self { runs, varied, fixed }
    }

    /// Returns the parameters that have the same value in all runs, in one line; `None` if there
    /// are none.
    pub(super) fn fixed_sentence(&self) -> Option<String> {
        (!self.fixed.is_empty()).then(|| values::sentence(&self.fixed, SENTENCE))
    }
}

fn value_of<'a>(run: &'a [(String, Value)], name: &str) -> Option<&'a Value> {
    run.iter().find(|(other, _)| other == name).map(|(_, value)| value)
}

/// A column of the ranking. Columns of varied parameters are left out if there is no room.
struct Column {
    head: String,
    right: bool,
    cells: Vec<String>,
}

impl Column {
    fn new(head: &str, right: bool, cells: impl Iterator<Item = String>) -> Self {
        Self { head: one_line(head, CELL), right, cells: cells.collect() }
    }

    /// Returns the width of the column, including the gap before the next column.
    fn width(&self) -> usize {
        2 + self.cells.iter().map(|cell| width(cell)).max().unwrap_or(0).max(width(&self.head))
    }
}

/// Returns the ranking. Feasible runs with a value come first, the best value first. Feasible runs
/// without a value follow by trial number, and then runs that break a limit, in the same order.
/// Failed and crashed runs are last, with their reasons. Without runs, the text is empty.
pub(super) fn ranking(sweep: &Sweep, runs: &[Run], params: &Params, shown: &Shown) -> String {
    let limit = if shown.all { usize::MAX } else { SHOWN };
    let (failed, mut ranked): (Vec<usize>, Vec<usize>) =
        (0..runs.len()).partition(|&run| is_bad(&runs[run]));
    ranked.sort_by(|&one, &other| better_first(sweep, &runs[one], &runs[other]));
    let mut parts = Vec::new();
    if !ranked.is_empty() {
        let listed = &ranked[..ranked.len().min(limit)];
        let mut text = table(sweep, runs, params, listed, shown);
        if ranked.len() > listed.len() {
            let left = ranked.len() - listed.len();
            let all = format!(
                "... {left} more: sweep show {id} --all, sweep export {id}",
                id = one_word(&sweep.id)
            );
            text += &format!("\n{}", paint(style::FAINT, all));
        }
        parts.push(text);
    }
    if !failed.is_empty() {
        let limit = if shown.all { usize::MAX } else { FAILED_SHOWN };
        parts.push(failures(runs, &failed, limit));
    }
    parts.join("\n\n")
}

/// Compares two runs for the ranking. Without a metric, no run is better than another, so the trial
/// number decides.
fn better_first(sweep: &Sweep, one: &Run, other: &Run) -> Ordering {
    let by_value = match (one.value, other.value) {
        _ if sweep.metric.is_empty() => Ordering::Equal,
        (Some(one), Some(other)) if sweep.maximize => other.total_cmp(&one),
        (Some(one), Some(other)) => one.total_cmp(&other),
        (one, other) => other.is_some().cmp(&one.is_some()),
    };
    is_feasible(other).cmp(&is_feasible(one)).then(by_value).then(one.trial.cmp(&other.trial))
}

fn table(sweep: &Sweep, runs: &[Run], params: &Params, listed: &[usize], shown: &Shown) -> String {
    let of = |cell: &dyn Fn(&Run) -> String| -> Vec<String> {
        listed.iter().map(|&run| cell(&runs[run])).collect()
    };
    let column = |head: &str, right: bool, cell: &dyn Fn(&Run) -> String| {
        Column::new(head, right, of(cell).into_iter())
    };
    let has_metric = !sweep.metric.is_empty();
    let mut columns = Vec::new();
    if has_metric {
        let rank = listed.iter().enumerate().map(|(rank, &run)| match runs[run].value {
            Some(_) if is_feasible(&runs[run]) => paint(style::FAINT, rank + 1),
            _ => String::new(),
        });
        columns.push(Column::new("#", true, rank));
    }
    columns.push(column("run", false, &|run| one_word(&run.id)));
    columns.push(column("state", false, &|run| state(&run.state)));
    if listed.iter().any(|&run| runs[run].attempt > 1) {
        columns.push(column("attempt", true, &|run| {
            if run.attempt > 0 { run.attempt.to_string() } else { String::new() }
        }));
    }
    if has_metric {
        columns.push(column(&sweep.metric, true, &|run| {
            let weight = if is_feasible(run) { style::STRONG } else { style::FAINT };
            run.value.map(|value| paint(weight, number(value))).unwrap_or_default()
        }));
    }
    columns.extend(limit_columns(sweep, runs, listed));
    let time = column("time", true, &|run| took(run, shown.now_ms));
    let varied = params.varied.iter().map(|name| {
        let cells = listed.iter().map(|&run| value_of(&params.runs[run], name));
        let numeric = cells.clone().flatten().all(Value::is_number);
        Column::new(name, numeric, cells.map(|value| value.map(values::short).unwrap_or_default()))
    });
    let mut room = shown.columns.unwrap_or(usize::MAX);
    room = room.saturating_sub(columns.iter().chain([&time]).map(Column::width).sum());
    let mut left_out = 0;
    for column in varied {
        if left_out == 0 && column.width() <= room {
            room -= column.width();
            columns.push(column);
        } else {
            left_out += 1;
        }
    }
    columns.push(time);
    let mut text = lay_out(&columns, listed.len());
    if left_out > 0 {
        let more = format!(
            "{} left out for width: sweep export {}",
            count(left_out, "parameter"),
            one_word(&sweep.id)
        );
        text += &format!("\n{}", paint(style::FAINT, more));
    }
    text
}

/// Returns a column for each limit of the sweep: the run's value, marked if it breaks the limit.
fn limit_columns<'a>(
    sweep: &'a Sweep,
    runs: &'a [Run],
    listed: &'a [usize],
) -> impl Iterator<Item = Column> + 'a {
    sweep.limits.iter().enumerate().map(move |(index, one)| {
        let cells = listed.iter().map(|&run| match runs[run].limited.get(index) {
            Some(limited) if limited.holds => limited_value(limited),
            Some(limited) => paint(style::BAD, format!("{} !", limited_value(limited))),
            None => String::new(),
        });
        Column::new(&limit(one), true, cells)
    })
}

fn lay_out(columns: &[Column], rows: usize) -> String {
    let mut table = columns.iter().fold(Table::default(), |table, column| match column.right {
        true => table.right(&column.head),
        false => table.left(&column.head),
    });
    for row in 0..rows {
        table.row(columns.iter().map(|column| column.cells[row].clone()));
    }
    table.to_string()
}

fn failures(runs: &[Run], failed: &[usize], limit: usize) -> String {
    let mut table = Table::new(["run", "state", "why"]);
    for &run in failed.iter().take(limit) {
        let run = &runs[run];
        table.row([one_word(&run.id), state(&run.state), reason(run)]);
    }
    let mut text = table.to_string();
    if failed.len() > limit {
        let left = format!("... {} more that failed", failed.len() - limit);
        text += &format!("\n{}", paint(style::FAINT, left));
    }
    text
}
