//! Formats the rows that a run logged, for users and scripts: as a table, small charts, CSV and
//! JSON. `run::history` calls this module.

use proto::v1::{CurveBucket, HistoryKey};
use record::{Row, Value, json::to_json};
use serde_json::{Map, Value as Json, json};
use terminal::{
    one_line,
    style::{self, paint},
    table::Table,
};

use super::{CELL, csv, values};

/// The width of a chart in columns, which is also the most buckets that it can show.
pub(crate) const CHART: usize = 32;
/// The number of terminal columns that the table allows for each key.
const KEY_WIDTH: usize = 14;
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A row with its origin.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    /// The attempt that logged it.
    pub(crate) attempt: u32,
    /// Whether the controller keeps the row apart, because the attempt did not own the run, or had
    /// been over for too long.
    pub(crate) fenced: bool,
    /// The logged row.
    pub(crate) row: Row,
}

/// A key with its curve.
#[derive(Clone, Debug)]
pub(crate) struct Chart {
    /// The key and its statistics, as the controller sent them.
    pub(crate) key: HistoryKey,
    /// The buckets of the curve, in the order of their steps.
    pub(crate) buckets: Vec<CurveBucket>,
}

/// Returns a table of the rows with as many keys as fit, and the number of keys that do not fit.
/// The table names the attempts, unless every row is of attempt 1 and none is fenced.
pub(crate) fn table(rows: &[Shown], keys: &[String], columns: Option<usize>) -> (String, usize) {
    let most = columns.map_or(usize::MAX, |columns| (columns / KEY_WIDTH).max(2) - 1);
    let shown = &keys[..keys.len().min(most)];
    let attempts = rows.iter().any(|shown| shown.attempt != 1 || shown.fenced);
    let mut table = Table::new([">step"]);
    if attempts {
        table = table.right("attempt");
    }
    for key in shown {
        table = table.right(&one_line(key, CELL));
    }
    for Shown { attempt, fenced, row } in rows {
        let mut cells = vec![row.step.to_string()];
        if attempts {
            cells.push(if *fenced { format!("{attempt} fenced") } else { attempt.to_string() });
        }
        cells.extend(shown.iter().map(|key| value(row, key).map(short).unwrap_or_default()));
        table.row(cells);
    }
    (table.to_string(), keys.len() - shown.len())
}

/// Returns one line per key: its curve, the newest finite value, the smallest and the largest
/// value, and the last step.
pub(crate) fn charts(charts: &[Chart]) -> String {
    let mut table = Table::new(["", "", ">last", ">min", ">max", ">step"]);
    for Chart { key, buckets } in charts {
        let number = |value: Option<f64>| value.map(terminal::number).unwrap_or_default();
        let last = buckets.iter().rev().find_map(|bucket| bucket.last);
        table.row([
            one_line(&key.key, CELL),
            paint(style::FAINT, line(buckets)),
            number(last),
            number(key.min),
            number(key.max),
            key.last_step.to_string(),
        ]);
    }
    table.to_string()
}

/// Draws a curve in one line. The height of each character is the last finite value of a bucket. A
/// space means that no value was logged at these steps. A `!` means that all their values were
/// non-finite.
fn line(buckets: &[CurveBucket]) -> String {
    let (Some(first), Some(end)) = (buckets.first(), buckets.last()) else { return String::new() };
    let values = || buckets.iter().filter_map(|bucket| bucket.last);
    let (least, most) =
        (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    let steps = (end.last_step - first.first_step).max(1) as f64;
    let mut cells = [' '; CHART];
    for bucket in buckets {
        let place = (bucket.first_step - first.first_step) as f64 / steps * CHART as f64;
        let height =
            bucket.last.map(|value| (value / 2.0 - least / 2.0) / (most / 2.0 - least / 2.0));
        // If all values are equal, the height is NaN, which the cast turns into 0.
        let level = height.map(|height| LEVELS[((height * 7.0).round() as usize).min(7)]);
        cells[(place as usize).min(CHART - 1)] = level.unwrap_or('!');
    }
    cells.iter().collect()
}

/// Returns CSV with a header and one line per row. The columns are `_step`, `_attempt`, `_fenced`
/// and the keys. Values are exact.
pub(crate) fn csv(rows: &[Shown], keys: &[String]) -> String {
    let header =
        ["_step", "_attempt", "_fenced"].into_iter().map(str::to_owned).chain(keys.iter().cloned());
    let lines = rows.iter().map(|Shown { attempt, fenced, row }| {
        let place = [row.step.to_string(), attempt.to_string(), fenced.to_string()];
        place
            .into_iter()
            .chain(keys.iter().map(|key| value(row, key).map(exact).unwrap_or_default()))
            .collect()
    });
    csv::text(std::iter::once(header.collect()).chain(lines))
}

/// Returns a list with one object per row.
pub(crate) fn json(rows: &[Shown]) -> Json {
    let row = |Shown { attempt, fenced, row }: &Shown| {
        let values: Map<String, Json> =
            row.values.iter().map(|(key, value)| (key.clone(), to_json(value))).collect();
        json!({
            "step": row.step, "attempt": attempt, "fenced": fenced,
            "time": crate::json::time(Some(row.wall_ms)),
            "values": values,
        })
    };
    rows.iter().map(row).collect()
}

/// Returns the last value of a key in a row.
fn value<'a>(row: &'a Row, key: &str) -> Option<&'a Value> {
    row.values.iter().rev().find(|(known, _)| known == key).map(|(_, value)| value)
}

/// Returns the short form of a value. The short form of an object with a `_type` is the name of
/// this type.
fn short(value: &Value) -> String {
    let json = to_json(value);
    match json.get("_type").and_then(Json::as_str) {
        Some(own) => one_line(own, CELL),
        None => values::short(&json),
    }
}

fn exact(value: &Value) -> String {
    values::exact(&to_json(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Shown> {
        let row = |attempt, step, values: &[(&str, Value)]| Shown {
            attempt,
            fenced: attempt == 1 && step == 3,
            row: Row {
                step,
                wall_ms: 1_700_000_000_000 + step as i64,
                values: values
                    .iter()
                    .map(|(key, value)| ((*key).to_owned(), value.clone()))
                    .collect(),
            },
        };
        vec![
            row(
                1,
                2,
                &[("loss", Value::F64(0.123_456)), ("note", Value::Text("a,\u{1b}b".to_owned()))],
            ),
            row(1, 3, &[("loss", Value::F64(f64::NAN))]),
            row(2, 2, &[("loss", Value::F64(0.5)), ("n", Value::I64(7))]),
            row(
                2,
                4,
                &[("picture", Value::Json(r#"{"_type":"image-file","width":3}"#.to_owned()))],
            ),
        ]
    }

    fn keys() -> Vec<String> {
        ["loss", "n", "note", "picture"].map(str::to_owned).into()
    }

    #[test]
    fn rows_as_a_table() {
        let (table, left_out) = table(&rows(), &keys(), None);
        assert_eq!(left_out, 0);
        insta::assert_snapshot!(table);
        assert_eq!(super::table(&rows(), &keys(), Some(44)).1, 2);
    }

    #[test]
    fn rows_as_csv_and_json() {
        insta::assert_snapshot!(csv(&rows(), &keys()) + &json(&rows()).to_string());
    }

    #[test]
    fn a_curve_in_one_line() {
        let bucket = |step: u64, last: Option<f64>| CurveBucket {
            first_step: step,
            last_step: step,
            last,
            ..CurveBucket::default()
        };
        let falling = (0..32).map(|step| bucket(step, Some(1.0 / (step + 1) as f64)));
        let falling: Vec<_> =
            falling.filter(|bucket| !(20..24).contains(&bucket.first_step)).collect();
        let mut broken = falling.clone();
        broken[9].last = None;
        let lines = [falling, broken, vec![bucket(5, Some(2.0))], Vec::new()];
        insta::assert_snapshot!(lines.map(|buckets| line(&buckets)).join("\n"));
    }
}
