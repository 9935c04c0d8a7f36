//! Makes charts: each is a table with a Vega-Lite v5 description of how to draw the table. The
//! function names are those of `wandb.plot`. A viewer must supply the table's rows as the data set
//! `table`.

use std::io;

use serde_json::{Map, Value as Json, json};

use super::{
    error::MediaError,
    keeper::Keeper,
    table::{Cell, Column, Table},
};

/// The number of points above which a curve is thinned. Of a longer curve, the table gets every
/// n-th point, which are at most this many, and the last point.
const MAX_POINTS: usize = 2000;

/// A chart. In a row, it has the form `{"_type": "custom-chart", "spec": ..., "table": ...}`.
/// Logging a chart also logs its table, which takes no more rows after that.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    table: Table,
    spec: Json,
    title: String,
}

impl Chart {
    /// Makes a chart from a table and a Vega-Lite v5 description of your own. The call sets the
    /// description's members `$schema`, `title` and `data`. The data set is `{"name": "table"}`.
    ///
    /// # Errors
    /// Fails if the description is not a JSON object.
    pub fn new(table: &Table, title: impl Into<String>, spec: Json) -> Result<Self, MediaError> {
        let Json::Object(spec) = spec else {
            let what = "a chart's description must be a JSON object, such as {\"mark\": \"bar\"}";
            return Err(MediaError::Shape(what.to_owned()));
        };
        Ok(Self::of(table, title.into(), spec))
    }

    /// Makes a chart that draws one kind of mark.
    fn marked(table: &Table, title: &str, mark: impl Into<Json>, encoding: Json) -> Self {
        let spec = [("mark".to_owned(), mark.into()), ("encoding".to_owned(), encoding)];
        Self::of(table, title.to_owned(), spec.into_iter().collect())
    }

    fn of(table: &Table, title: String, mut spec: Map<String, Json>) -> Self {
        let schema = "https://vega.github.io/schema/vega-lite/v5.json";
        spec.insert("$schema".to_owned(), schema.into());
        spec.insert("title".to_owned(), title.as_str().into());
        spec.insert("data".to_owned(), json!({ "name": "table" }));
        Self { table: table.clone(), spec: Json::Object(spec), title }
    }

    pub(crate) fn keep(&self, keeper: &Keeper<'_>) -> io::Result<Json> {
        let table = self.table.keep(keeper)?;
        Ok(json!({
            "_type": "custom-chart",
            "title": self.title,
            "spec": self.spec,
            "table": table,
        }))
    }
}

/// Makes a chart with a line through the points of two columns of numbers.
pub fn line(table: &Table, x: &str, y: &str, title: &str) -> Chart {
    let encoding = json!({ "x": number(x), "y": number(y) });
    Chart::marked(table, title, "line", encoding)
}

/// Makes a chart with a point for each row, from two columns of numbers.
pub fn scatter(table: &Table, x: &str, y: &str, title: &str) -> Chart {
    let encoding = json!({ "x": number(x), "y": number(y) });
    Chart::marked(table, title, "point", encoding)
}

/// Makes a chart with one bar for each row, from a column of labels and a column of numbers.
pub fn bar(table: &Table, label: &str, value: &str, title: &str) -> Chart {
    let encoding = json!({ "y": named(label), "x": number(value) });
    Chart::marked(table, title, "bar", encoding)
}

/// Makes a chart that shows how many numbers of a column lie in each of several intervals. The
/// viewer chooses the intervals.
pub fn histogram(table: &Table, value: &str, title: &str) -> Chart {
    let x = json!({ "field": field(value), "type": "quantitative", "bin": true, "title": value });
    let encoding = json!({ "x": x, "y": { "aggregate": "count" } });
    Chart::marked(table, title, "bar", encoding)
}

/// Makes a chart with several named lines over the same `xs`.
///
/// # Errors
/// Fails if a line does not have as many numbers as `xs`, or if the chart's table cannot be
/// written.
pub fn line_series(
    xs: &[f64],
    lines: &[(&str, &[f64])],
    title: &str,
    x_name: &str,
) -> Result<Chart, MediaError> {
    let table = Table::new([("x", Column::F64), ("line", Column::Text), ("y", Column::F64)])?;
    for (name, ys) in lines {
        same_length(xs.len(), ys.len(), name)?;
        for (x, y) in xs.iter().zip(*ys) {
            table.add_row([Cell::from(*x), Cell::from(*name), Cell::from(*y)])?;
        }
    }
    let x = json!({ "field": "x", "type": "quantitative", "title": x_name });
    let encoding = json!({ "x": x, "y": number("y"), "color": named("line") });
    Ok(Chart::marked(&table, title, "line", encoding))
}

/// Makes a chart that shows how often the model predicted each class for each actual class. `truth`
/// and `predicted` are indexes into `classes`.
///
/// # Errors
/// Fails if `truth` and `predicted` differ in length, if an index has no class, or if the chart's
/// table cannot be written.
pub fn confusion_matrix(
    truth: &[usize],
    predicted: &[usize],
    classes: &[&str],
) -> Result<Chart, MediaError> {
    same_length(truth.len(), predicted.len(), "predicted")?;
    let mut counts = vec![0_i64; classes.len() * classes.len()];
    for (actual, guess) in truth.iter().zip(predicted) {
        known(*actual, classes)?;
        known(*guess, classes)?;
        counts[actual * classes.len() + guess] += 1;
    }
    let table = Table::new([
        ("actual", Column::Text),
        ("predicted", Column::Text),
        ("count", Column::I64),
    ])?;
    for (at, count) in counts.into_iter().enumerate() {
        let (actual, guess) = (classes[at / classes.len()], classes[at % classes.len()]);
        table.add_row([Cell::from(actual), Cell::from(guess), Cell::from(count)])?;
    }
    // `sort` keeps the classes in the given order; Vega-Lite would sort them by name.
    let side = |name: &str| json!({ "field": name, "type": "nominal", "sort": classes });
    let encoding = json!({ "x": side("predicted"), "y": side("actual"), "color": number("count") });
    Ok(Chart::marked(&table, "Confusion matrix", "rect", encoding))
}

/// Makes a chart with the receiver operating characteristic of each class against all other
/// classes. `truth` has indexes into `classes`. For each element of `truth`, `scores` has one
/// number per class, side by side. A higher score means that the class is more likely.
///
/// # Errors
/// Fails if `scores` does not have one number per class for each element of `truth`. Also fails if
/// an index has no class, if a score is NaN, or if the chart's table cannot be written.
pub fn roc_curve(truth: &[usize], scores: &[f64], classes: &[&str]) -> Result<Chart, MediaError> {
    let curve = |hits: f64, alarms: f64, positives: f64, negatives: f64| {
        (part(alarms, negatives), part(hits, positives))
    };
    let axes = ["class", "fpr", "tpr"];
    let table = curves(truth, scores, classes, axes, (0.0, 0.0), curve)?;
    let encoding = json!({ "x": number("fpr"), "y": number("tpr"), "color": named("class") });
    let mark = json!({ "type": "line", "interpolate": "step-after" });
    Ok(Chart::marked(&table, "ROC", mark, encoding))
}

/// Makes a chart with the precision over the recall of each class against all other classes. The
/// arguments are those of [`roc_curve`].
///
/// # Errors
/// Fails like [`roc_curve`].
pub fn pr_curve(truth: &[usize], scores: &[f64], classes: &[&str]) -> Result<Chart, MediaError> {
    let curve = |hits: f64, alarms: f64, positives: f64, _: f64| {
        (part(hits, positives), part(hits, hits + alarms))
    };
    let axes = ["class", "recall", "precision"];
    let table = curves(truth, scores, classes, axes, (0.0, 1.0), curve)?;
    let encoding =
        json!({ "x": number("recall"), "y": number("precision"), "color": named("class") });
    Ok(Chart::marked(&table, "Precision and recall", "line", encoding))
}

/// Makes a table with one curve per class. A curve has the point `start`, and then one point for
/// each distinct score, from the highest threshold to the lowest. A curve of more than
/// [`MAX_POINTS`] points is thinned.
fn curves(
    truth: &[usize],
    scores: &[f64],
    classes: &[&str],
    [class, x, y]: [&str; 3],
    start: (f64, f64),
    point: impl Fn(f64, f64, f64, f64) -> (f64, f64),
) -> Result<Table, MediaError> {
    same_length(truth.len().saturating_mul(classes.len()), scores.len(), "scores")?;
    truth.iter().try_for_each(|class| known(*class, classes))?;
    if scores.iter().any(|score| score.is_nan()) {
        return Err(MediaError::Shape("a score is NaN".to_owned()));
    }
    let table = Table::new([(class, Column::Text), (x, Column::F64), (y, Column::F64)])?;
    for (number, name) in classes.iter().enumerate() {
        let mut ranked: Vec<(f64, bool)> = truth
            .iter()
            .enumerate()
            .map(|(row, actual)| (scores[row * classes.len() + number], *actual == number))
            .collect();
        ranked.sort_by(|one, two| two.0.total_cmp(&one.0));
        let positives = ranked.iter().filter(|(_, hit)| *hit).count() as f64;
        let negatives = ranked.len() as f64 - positives;
        let (mut hits, mut alarms, mut points) = (0.0, 0.0, vec![start]);
        for (at, (score, hit)) in ranked.iter().enumerate() {
            if *hit {
                hits += 1.0
            } else {
                alarms += 1.0
            }
            // Elements with equal scores share one threshold, so they add one point.
            if ranked.get(at + 1).is_none_or(|next| next.0 != *score) {
                points.push(point(hits, alarms, positives, negatives));
            }
        }
        let every = points.len().div_ceil(MAX_POINTS);
        let last = points.len() - 1;
        for (_, (x, y)) in
            points.into_iter().enumerate().filter(|(at, _)| at % every == 0 || *at == last)
        {
            table.add_row([Cell::from(*name), Cell::from(x), Cell::from(y)])?;
        }
    }
    Ok(table)
}

fn part(some: f64, all: f64) -> f64 {
    if all > 0.0 { some / all } else { 0.0 }
}

fn known(class: usize, classes: &[&str]) -> Result<(), MediaError> {
    let message = || MediaError::Shape(format!("class {class} must be below {}", classes.len()));
    if class < classes.len() { Ok(()) } else { Err(message()) }
}

fn same_length(wanted: usize, length: usize, what: &str) -> Result<(), MediaError> {
    let message = || MediaError::Shape(format!("`{what}` has {length} values, not {wanted}"));
    if wanted == length { Ok(()) } else { Err(message()) }
}

/// Encodes a column of numbers for Vega-Lite.
fn number(column: &str) -> Json {
    json!({ "field": field(column), "type": "quantitative", "title": column })
}

/// Encodes a column of names for Vega-Lite.
fn named(column: &str) -> Json {
    json!({ "field": field(column), "type": "nominal", "title": column })
}

/// Escapes `.`, `[`, `]` and `\` in a field's name, because Vega-Lite would read these characters
/// as a path into a value.
fn field(column: &str) -> String {
    column.chars().fold(String::new(), |mut name, letter| {
        if matches!(letter, '.' | '[' | ']' | '\\') {
            name.push('\\');
        }
        name.push(letter);
        name
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_that_is_no_object_is_refused() {
        let table = Table::new([("x", Column::F64)]).unwrap();
        for spec in [json!(null), json!([]), json!("bar"), json!(1), json!(true)] {
            assert!(Chart::new(&table, "t", spec).is_err());
        }
        let chart = Chart::new(&table, "t", json!({ "mark": "bar" })).unwrap();
        assert_eq!(chart.spec["data"]["name"], "table");
    }

    #[test]
    fn classes_and_lengths_are_checked() {
        assert!(confusion_matrix(&[0, 1], &[0, 2], &["a", "b"]).is_err());
        assert!(confusion_matrix(&[0, 1], &[0], &["a", "b"]).is_err());
        assert!(roc_curve(&[0, 1], &[0.1, 0.9, 0.3], &["a", "b"]).is_err());
        assert!(line_series(&[1.0], &[("a", &[1.0, 2.0])], "t", "x").is_err());
        assert_eq!(number("val.loss")["field"], "val\\.loss");
    }
}
