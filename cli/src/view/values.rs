//! Converts parameters and summaries from the JSON of the wire to flat names and short values. The
//! views and the JSON output use this module.

use serde_json::{Map, Value};
use terminal::one_line;

/// The most terminal columns that a cell takes.
pub(super) const CELL: usize = 24;

/// Parses the JSON object in `text`; empty if it is not an object.
pub(crate) fn object(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_default()
}

/// Returns every leaf with its path joined by `.`, in order. Lists and empty objects are leaves.
pub(super) fn flatten(object: &Map<String, Value>) -> Vec<(String, Value)> {
    fn walk(prefix: &str, object: &Map<String, Value>, leaves: &mut Vec<(String, Value)>) {
        for (key, value) in object {
            let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
            match value {
                Value::Object(inner) if !inner.is_empty() => walk(&path, inner, leaves),
                leaf => leaves.push((path, leaf.clone())),
            }
        }
    }
    let mut leaves = Vec::new();
    walk("", object, &mut leaves);
    leaves
}

/// Flattens like [`flatten`], but keeps an object that was logged as one value (a histogram, an
/// image, a table) on one line.
pub(super) fn flatten_shown(object: &Map<String, Value>) -> Vec<(String, Value)> {
    fn shown(value: Value) -> Value {
        match value {
            Value::Object(object) => match object.get("_type") {
                Some(Value::String(kind)) => Value::String(typed(kind, &object)),
                _ => Value::Object(
                    object.into_iter().map(|(key, value)| (key, shown(value))).collect(),
                ),
            },
            leaf => leaf,
        }
    }
    match shown(Value::Object(object.clone())) {
        Value::Object(shown) => flatten(&shown),
        // The whole object has a type.
        leaf => vec![(String::new(), leaf)],
    }
}

/// Describes a typed object: `histogram, 64 bins from -0.2 to 0.3` or `image-file,
/// media/images/x_3_0123456789ab.png`.
fn typed(kind: &str, object: &Map<String, Value>) -> String {
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    let edges = object.get("bins").and_then(Value::as_array);
    let number = |name: &str| object.get(name).and_then(Value::as_f64);
    let ends = match edges {
        Some(edges) => {
            edges.first().and_then(Value::as_f64).zip(edges.last().and_then(Value::as_f64))
        }
        // The keys `from` and `to` belong to a histogram that was too long for the summary.
        None => number("from").zip(number("to")),
    };
    let bins = edges.and_then(|edges| edges.len().checked_sub(1)).map(Value::from);
    let about = match (bins.as_ref().or(object.get("count")), ends) {
        (Some(bins), Some((from, to))) => {
            let (from, to) = (terminal::number(from), terminal::number(to));
            format!("{bins} bins from {from} to {to}")
        }
        (Some(count), None) => count.to_string(),
        _ => text("path").or_else(|| text("title")).unwrap_or_default().to_owned(),
    };
    if about.is_empty() { kind.to_owned() } else { format!("{kind}, {about}") }
}

/// Returns a value for a narrow column: floats have four significant digits, and other values are
/// cut at the column's width.
pub(super) fn short(value: &Value) -> String {
    match value {
        Value::Number(number) if number.is_f64() => {
            terminal::number(number.as_f64().unwrap_or(f64::NAN))
        }
        other => one_line(&exact(other), CELL),
    }
}

/// Returns the exact text of a value for a file: text without quotes, everything else as JSON.
pub(super) fn exact(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Returns parameters as `lr 1.2e-4, opt adam`, cut at `most` columns.
pub(super) fn sentence(params: &[(String, Value)], most: usize) -> String {
    let params = params.iter().map(|(name, value)| format!("{name} {}", short(value)));
    one_line(&params.collect::<Vec<_>>().join(", "), most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_keep_their_order_and_path() {
        let nested = object(
            r#"{"z": 1, "opt": {"name": "adam", "betas": [0.9, 0.99], "none": {}}, "a": null}"#,
        );
        let flat: Vec<String> = flatten(&nested)
            .iter()
            .map(|(path, value)| format!("{path}={}", short(value)))
            .collect();
        assert_eq!(flat, ["z=1", "opt.name=adam", "opt.betas=[0.9,0.99]", "opt.none={}", "a=null"]);
        assert!(object("no json").is_empty());
    }

    #[test]
    fn whole_numbers_keep_all_digits_and_floats_are_short() {
        let values = object(
            r#"{
                "seed": 12345678901,
                "lr": 0.000123456,
                "text": "a rather long text that says little"
            }"#,
        );
        let short: Vec<String> = values.values().map(short).collect();
        assert_eq!(short, ["12345678901", "1.235e-4", "a rather long text that…"]);
    }

    #[test]
    fn a_typed_object_is_one_line() {
        let summary = object(
            r#"{
                "loss": 0.5,
                "grad": {"norm": 1.0},
                "weights": {"_type": "histogram", "bins": [-0.25, 0.0, 0.5], "values": [1, 2]},
                "val": {
                    "sample": {"_type": "image-file", "path": "media/images/a.png", "width": 3}
                },
                "many": {"_type": "histogram", "count": 512, "from": -1.5, "to": 2.0},
                "several": {"_type": "images", "count": 8, "items": []},
                "odd": {"_type": "histogram", "bins": []}
            }"#,
        );
        let shown: Vec<String> = flatten_shown(&summary)
            .iter()
            .map(|(name, value)| format!("{name}: {}", exact(value)))
            .collect();
        assert_eq!(
            shown,
            [
                "loss: 0.5",
                "grad.norm: 1.0",
                "weights: histogram, 2 bins from -0.25 to 0.5",
                "val.sample: image-file, media/images/a.png",
                "many: histogram, 512 bins from -1.5 to 2",
                "several: images, 8",
                "odd: histogram",
            ]
        );
    }
}
