//! Shows what the trials of a sweep say about its parameters: a table by importance, or the metric
//! along one parameter or over two. `sweep explain` calls this module, which fits no model: the
//! controller computes every estimate.

use proto::v1::{Cell, Curve, CurvePoint, Explanation, Importance, Surface, Sweep};
use serde_json::Value;
use terminal::{
    number, one_line,
    style::{self, paint},
    table::{Table, width},
};

use super::{CELL, count, earlier, facts, method, one_word, values};

/// The width of a bar in terminal columns.
const BAR: usize = 16;
/// The most characters that a curve in one line has.
const SPARKS: usize = 17;
/// The assumed width in columns if stdout is not a terminal.
const COLUMNS: usize = 100;
/// The share of the variance that the model must predict. Below it, the view warns that the
/// explanation is unreliable.
const WEAK: f64 = 0.3;
/// The characters of a curve, from low to high.
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The options of the view.
pub(crate) struct Shown {
    /// Whether the user named parameters.
    pub(crate) asked: bool,
    /// The width of the terminal in columns; `None` if stdout is not a terminal.
    pub(crate) columns: Option<usize>,
}

/// Returns the requested parts of a sweep's explanation.
pub(crate) fn sweep(sweep: &Sweep, found: &Explanation, shown: &Shown) -> String {
    let name = one_line(&sweep.name, 2 * CELL);
    let head = format!("{}  {name}", paint(style::STRONG, one_word(&sweep.id)));
    let mut parts = vec![format!("{}\n{}", head.trim_end(), facts(basis(sweep, found)))];
    let of = |curve: &Curve| found.importances.iter().find(|one| one.parameter == curve.parameter);
    match &found.surfaces[..] {
        _ if !shown.asked => parts.push(importances(sweep, found)),
        [] => parts.extend(found.curves.iter().map(|one| curve(sweep, one, of(one)))),
        surfaces => parts.extend(surfaces.iter().map(|one| surface(sweep, one, shown.columns))),
    }
    parts.join("\n\n")
}

/// Returns the facts on which the explanation rests: the method, the trials, and how well the model
/// predicts.
fn basis(sweep: &Sweep, found: &Explanation) -> Vec<(&'static str, String)> {
    let percent = (found.accuracy * 100.0).round();
    let accuracy = format!("predicts {percent} % of the variance, each value from all the others");
    let accuracy = match found.accuracy < WEAK {
        true => paint(style::WARNING, format!("{accuracy}: too little to rely on what follows")),
        false => accuracy,
    };
    let mut facts =
        vec![("method", method(sweep)), ("trials", format!("{} with a value", found.trials))];
    facts.extend(earlier(sweep).map(|earlier| ("earlier", earlier)));
    facts.push(("model", accuracy));
    if found.held_out > 0 {
        let (covered, held_out) = (found.covered, count(found.held_out, "held-out trial"));
        facts.push(("checked", format!("95 % intervals covered {covered} of {held_out}")));
    }
    if let Some(beyond) = found.tail_beyond.filter(|_| found.tail > 0) {
        let side = if sweep.maximize { "below" } else { "above" };
        let (values, beyond) = (count(found.tail, "value"), number(beyond));
        let are = if found.tail == 1 { "is" } else { "are" };
        let what = format!(
            "{values} {side} {beyond} {are} compressed for the model, so as not to hide the others"
        );
        facts.push(("scale", what));
    }
    facts
}

/// Returns a table with one line per parameter.
fn importances(sweep: &Sweep, found: &Explanation) -> String {
    let metric = one_line(&sweep.metric, CELL);
    let mut table = Table::new(["parameter", "share of variance", ">", "90 %", ">alone", ""])
        .left(&format!("best {metric}"));
    let scale = scale(&found.curves);
    for one in &found.importances {
        let curve = found.curves.iter().find(|curve| curve.parameter == one.parameter);
        table.row([
            one_line(&one.parameter, CELL),
            bar(one.total),
            share(one.total),
            paint(style::FAINT, format!("{} - {}", share(one.low), share(one.high))),
            share(one.alone),
            curve.map(|curve| sparks(&curve.points, scale)).unwrap_or_default(),
            curve.map(|curve| best(sweep, curve)).unwrap_or_default(),
        ]);
    }
    table.to_string()
}

fn share(share: f64) -> String {
    format!("{share:.2}")
}

fn bar(share: f64) -> String {
    terminal::progress::bar_text((share * 1000.0).round().max(0.0) as u64, 1000, BAR)
}

/// Returns the smallest and the largest mean of all curves. All curves share this scale, so that
/// parameters with little effect look flat.
fn scale(curves: &[Curve]) -> (f64, f64) {
    let means = curves.iter().flat_map(|curve| &curve.points).map(|point| point.mean);
    means.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), mean| {
        (low.min(mean), high.max(mean))
    })
}

/// Draws a curve with characters of different heights.
fn sparks(points: &[CurvePoint], (low, high): (f64, f64)) -> String {
    let stride = points.len().div_ceil(SPARKS).max(1);
    let letter = |point: &CurvePoint| {
        let height = (point.mean - low) / (high - low) * (LEVELS.len() - 1) as f64;
        LEVELS[(if height.is_finite() { height.round() as usize } else { 0 }).min(LEVELS.len() - 1)]
    };
    points.iter().step_by(stride).map(letter).collect()
}

/// Returns the best mean and where it is, as in `0.021 at 3.1e-5 to 2.4e-4`. For a numeric
/// parameter, the range covers the neighbouring values whose mean is within the interval of the
/// best mean.
fn best(sweep: &Sweep, curve: &Curve) -> String {
    let sign = if sweep.maximize { -1.0 } else { 1.0 };
    let points = &curve.points;
    let order = |&one: &usize, &other: &usize| {
        (sign * points[one].mean).total_cmp(&(sign * points[other].mean))
    };
    let Some(at) = (0..points.len()).min_by(order) else { return String::new() };
    let worst = if sweep.maximize { points[at].low } else { points[at].high };
    let as_good = |index: usize| sign * points[index].mean <= sign * worst;
    let is_number = |point: &CurvePoint| matches!(value(&point.value_json), Value::Number(_));
    let (mut first, mut last) = (at, at);
    if points.iter().all(is_number) {
        while first > 0 && as_good(first - 1) {
            first -= 1;
        }
        while last + 1 < points.len() && as_good(last + 1) {
            last += 1;
        }
    }
    let values = match (first, last) {
        (0, last) if last + 1 == points.len() && last > 0 => "any value".to_owned(),
        _ if first == last => short(&points[at].value_json),
        _ => format!("{} to {}", short(&points[first].value_json), short(&points[last].value_json)),
    };
    format!("{} {} {values}", number(points[at].mean), paint(style::FAINT, "at"))
}

/// Parses a parameter's value, which the controller sends as JSON.
fn value(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or(Value::Null)
}

fn short(json: &str) -> String {
    one_line(&values::short(&value(json)), CELL)
}

/// Shows the metric along one parameter, one line per value.
fn curve(sweep: &Sweep, curve: &Curve, importance: Option<&Importance>) -> String {
    let metric = one_line(&sweep.metric, CELL);
    let name = one_line(&curve.parameter, CELL);
    let told = importance.map(|one| {
        let (total, low, high) = (share(one.total), share(one.low), share(one.high));
        format!("{name}: {total} of the variance ({low} - {high}), best {}\n\n", best(sweep, curve))
    });
    let (low, high) = scale(std::slice::from_ref(curve));
    let mut table =
        Table::default().right(&name).left("").right(&metric).left("95 %").left("95 % of trials");
    for point in &curve.points {
        let height = (point.mean - low) / (high - low);
        table.row([
            short(&point.value_json),
            bar(if height.is_finite() { height } else { 0.0 }),
            number(point.mean),
            paint(style::FAINT, format!("{} - {}", number(point.low), number(point.high))),
            format!("{} - {}", number(point.trial_low), number(point.trial_high)),
        ]);
    }
    format!("{}{table}", told.unwrap_or_default())
}

/// Shows the metric over two parameters. If not all columns fit, shows every second, every third or
/// fewer of them. The best tenth stands out, and the worse half is faint.
fn surface(sweep: &Sweep, surface: &Surface, columns: Option<usize>) -> String {
    let means = |cells: &[Cell]| cells.iter().filter_map(|cell| cell.mean).collect::<Vec<f64>>();
    let mut order = means(&surface.cells);
    order.sort_by(
        |one, other| if sweep.maximize { other.total_cmp(one) } else { one.total_cmp(other) },
    );
    let place = |mean: f64| order.iter().position(|other| *other == mean).unwrap_or_default();
    let shown = |cell: &Cell| {
        let Some(mean) = cell.mean else { return "-".to_owned() };
        match place(mean) * 10 / order.len().max(1) {
            0 => paint(style::GOOD, number(mean)),
            1..5 => number(mean),
            _ => paint(style::FAINT, number(mean)),
        }
    };
    let cells: Vec<String> = surface.cells.iter().map(shown).collect();
    let across = surface.columns.len().max(1);
    let heads: Vec<String> = surface.columns.iter().map(|json| short(json)).collect();
    let labels: Vec<String> = surface.rows.iter().map(|json| short(json)).collect();
    let widest = |texts: &[String]| texts.iter().map(|text| width(text)).max().unwrap_or(0);
    let room = columns.unwrap_or(COLUMNS).saturating_sub(widest(&labels))
        / (2 + widest(&cells).max(widest(&heads)));
    let stride = across.div_ceil(room.max(1));
    let mut table = Table::default().right("");
    for head in heads.iter().step_by(stride) {
        table = table.right(head);
    }
    for (label, row) in labels.iter().zip(cells.chunks(across)) {
        table.row(
            std::iter::once(paint(style::FAINT, label)).chain(row.iter().step_by(stride).cloned()),
        );
    }
    let title = format!(
        "{}: {} down, {} across",
        one_line(&sweep.metric, CELL),
        one_line(&surface.row_parameter, CELL),
        one_line(&surface.column_parameter, CELL)
    );
    format!("{}\n{table}", paint(style::FAINT, title))
}

#[cfg(test)]
mod tests {
    use super::{sweep as explained, *};
    use crate::{json, view::fixtures};

    const ALL: Shown = Shown { asked: false, columns: None };
    const ASKED: Shown = Shown { asked: true, columns: None };

    fn points(values: &[(&str, f64, f64)]) -> Vec<CurvePoint> {
        let point = |&(value, mean, half): &(&str, f64, f64)| CurvePoint {
            value_json: value.to_owned(),
            mean,
            low: mean - half,
            high: mean + half,
            trial_low: mean - 3.0 * half,
            trial_high: mean + 4.0 * half,
        };
        values.iter().map(point).collect()
    }

    fn importance(parameter: &str, alone: f64, total: f64, low: f64, high: f64) -> Importance {
        Importance { parameter: parameter.to_owned(), alone, total, low, high }
    }

    fn all() -> Explanation {
        let valley: Vec<CurvePoint> = (0..33)
            .map(|k| {
                let x = f64::from(k) / 32.0;
                let mean = 0.02 + 0.5 * (x - 0.4) * (x - 0.4);
                let lr = 10f64.powf(3.0 * x - 5.0);
                let (low, high) = (mean - 0.004, mean + 0.004);
                CurvePoint {
                    value_json: format!("{lr:e}"),
                    mean,
                    low,
                    high,
                    ..CurvePoint::default()
                }
            })
            .collect();
        let curve = |parameter: &str, points| Curve { parameter: parameter.to_owned(), points };
        Explanation {
            trials: 28,
            accuracy: 0.914,
            importances: vec![
                importance("learning_rate", 0.68, 0.753, 0.6, 0.84),
                importance("optimizer.name", 0.18, 0.241, 0.13, 0.35),
                importance("batch_size", 0.01, 0.041, 0.01, 0.12),
            ],
            curves: vec![
                curve("learning_rate", valley),
                curve(
                    "optimizer.name",
                    points(&[("\"Adam\"", 0.031, 0.01), ("\"SGD\"", 0.09, 0.02)]),
                ),
                curve(
                    "batch_size",
                    points(&[("32", 0.061, 0.01), ("64", 0.06, 0.01), ("128", 0.063, 0.01)]),
                ),
            ],
            surfaces: Vec::new(),
            held_out: 26,
            covered: 25,
            tail: 3,
            tail_beyond: Some(0.412_345),
        }
    }

    fn over_two() -> Explanation {
        let cell = |index: u32| {
            let is_active = index != 5;
            let mean = is_active.then(|| 0.02 + 0.011 * f64::from(index));
            Cell { mean, deviation: is_active.then_some(0.004) }
        };
        let surface = Surface {
            row_parameter: "optimizer.name".to_owned(),
            column_parameter: "learning_rate".to_owned(),
            rows: vec!["\"Adam\"".to_owned(), "\"SGD\"".to_owned()],
            columns: (0..4).map(|k| format!("{}", 0.00012 * f64::from(k + 1))).collect(),
            cells: (0..8).map(cell).collect(),
        };
        let mut found = all();
        found.curves.truncate(2);
        Explanation { surfaces: vec![surface], ..found }
    }

    #[test]
    fn parameters_by_importance() {
        insta::assert_snapshot!(fixtures::plain(&explained(&fixtures::sweep(), &all(), &ALL)));
    }

    #[test]
    fn along_one_parameter_and_over_two() {
        let mut one = all();
        one.curves = vec![one.curves.remove(1)];
        one.accuracy = 0.12;
        let maximized = Sweep { maximize: true, ..fixtures::sweep() };
        let narrow =
            explained(&fixtures::sweep(), &over_two(), &Shown { asked: true, columns: Some(30) });
        let shown = [
            explained(&maximized, &one, &ASKED),
            explained(&fixtures::sweep(), &over_two(), &ASKED),
            narrow,
        ];
        insta::assert_snapshot!(fixtures::plain(&shown.join("\n\n")));
    }

    #[test]
    fn as_json() {
        let mut found = over_two();
        found.curves.remove(0);
        insta::assert_snapshot!(json::text(&json::explanation(&fixtures::sweep(), &found)));
    }
}
