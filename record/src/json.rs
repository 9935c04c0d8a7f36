//! Between values and JSON, and from a line of standard output to a row. Called by the agent (rows printed by programs
//! without the SDK), the controller (summaries, configs), the SDK (configs) and the `sweep` command. Never fails on any text: what is no row is none.

use serde_json::{Number, Value as Json};

use crate::{MAX_KEY_BYTES, Value};

/// The key that sets the step of a printed row.
const STEP: &str = "_step";

/// A step, if the line names one, and the values of a row in their order.
pub type PrintedRow = (Option<u64>, Vec<(String, Value)>);

/// JSON for people. Floats that are not finite become the strings `NaN`, `Infinity` and `-Infinity`.
pub fn to_json(value: &Value) -> Json {
    match value {
        Value::F64(number) => match Number::from_f64(*number) {
            Some(number) => Json::Number(number),
            None if number.is_nan() => Json::from("NaN"),
            None => Json::from(if *number > 0.0 { "Infinity" } else { "-Infinity" }),
        },
        Value::I64(number) => Json::from(*number),
        Value::Bool(flag) => Json::Bool(*flag),
        Value::Text(text) => Json::from(text.as_str()),
        // Whoever wrote it meant JSON; what is none is shown as it is.
        Value::Json(text) => serde_json::from_str(text).unwrap_or_else(|_| Json::from(text.as_str())),
    }
}

/// A scalar of JSON as a value; `None` for null, arrays and objects. Whole numbers that fit become `I64`, all others `F64`.
/// Strings stay text: this does not undo what [`to_json`] does to floats that are not finite.
pub fn from_json(json: &Json) -> Option<Value> {
    match json {
        Json::Bool(flag) => Some(Value::Bool(*flag)),
        Json::Number(number) => number.as_i64().map(Value::I64).or_else(|| number.as_f64().map(Value::F64)),
        Json::String(text) => Some(Value::Text(text.clone())),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// Lays `over` over `base`: objects key by key, everything else whole.
pub fn overlay(base: &mut Json, over: Json) {
    match (base, over) {
        (Json::Object(base), Json::Object(over)) => {
            for (key, value) in over {
                match base.get_mut(&key) {
                    Some(known) => overlay(known, value),
                    None => drop(base.insert(key, value)),
                }
            }
        }
        (base, over) => *base = over,
    }
}

/// The row that a line of standard output stands for: the line is one JSON object of scalars with at least one number
/// beside `_step`. Nulls are left out; `NaN`, `Infinity` and `-Infinity` as bare words are numbers, as Python prints them.
/// Of a key that stands there twice the last value counts. `_step` is the step if it is a whole number from 0, else a
/// value like any other. `None` for every other line: nested values, keys beyond [`MAX_KEY_BYTES`], no JSON.
pub fn row_from_line(line: &str) -> Option<PrintedRow> {
    let mut rest = line.trim().strip_prefix('{')?.trim_start();
    let mut step = None;
    let mut values: Vec<(String, Value)> = Vec::new();
    loop {
        let (key, after) = string(rest)?;
        let (value, after) = scalar(after.trim_start().strip_prefix(':')?.trim_start())?;
        if key.len() > MAX_KEY_BYTES {
            return None;
        }
        match (whole(value.as_ref()).filter(|_| key == STEP), value) {
            (Some(number), _) => step = Some(number),
            (None, Some(value)) => match values.iter_mut().find(|(known, _)| *known == key) {
                Some(entry) => entry.1 = value,
                None => values.push((key, value)),
            },
            (None, None) => {}
        }
        let after = after.trim_start();
        match after.strip_prefix(',') {
            Some(more) => rest = more.trim_start(),
            None if after == "}" => break,
            None => return None,
        }
    }
    let number =
        |(key, value): &(String, Value)| key != STEP && matches!(value, Value::F64(_) | Value::I64(_));
    values.iter().any(number).then_some((step, values))
}

/// A step: whole and not negative. Python prints `3.0` where a step passed through a float.
fn whole(value: Option<&Value>) -> Option<u64> {
    match value? {
        Value::I64(number) => u64::try_from(*number).ok(),
        // Up to 2^53 every whole number has a float of its own.
        Value::F64(number) if number.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(number) => {
            Some(*number as u64)
        }
        _ => None,
    }
}

/// The JSON string at the front of `text`, and what follows it.
fn string(text: &str) -> Option<(String, &str)> {
    let inner = text.strip_prefix('"')?;
    let mut escaped = false;
    let end = inner.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })?;
    // The quotes are included: serde_json checks and resolves the escapes.
    let (quoted, rest) = text.split_at(end + 2);
    Some((serde_json::from_str(quoted).ok()?, rest))
}

/// The scalar at the front of `text`, and what follows it; null is `None` inside.
fn scalar(text: &str) -> Option<(Option<Value>, &str)> {
    if text.starts_with('"') {
        return string(text).map(|(text, rest)| (Some(Value::Text(text)), rest));
    }
    let end = text.find([',', '}', ' ', '\t', '\n', '\r'])?;
    let (word, rest) = text.split_at(end);
    let value = match word {
        "null" => None,
        "true" => Some(Value::Bool(true)),
        "false" => Some(Value::Bool(false)),
        "NaN" => Some(Value::F64(f64::NAN)),
        "Infinity" => Some(Value::F64(f64::INFINITY)),
        "-Infinity" => Some(Value::F64(f64::NEG_INFINITY)),
        // An array or object does not parse as a number.
        _ => Some(from_json(&Json::Number(serde_json::from_str(word).ok()?))?),
    };
    Some((value, rest))
}
