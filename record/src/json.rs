//! Converts between values and JSON, and merges JSON objects. The callers are `printed`, the
//! controller (summaries, configs), the SDK (configs) and the `sweep` command.

use serde_json::{Number, Value as Json};

use crate::Value;

/// Converts a value to JSON for people. Floats that are not finite become the strings `NaN`,
/// `Infinity` and `-Infinity`.
pub fn to_json(value: &Value) -> Json {
    match value {
        Value::F64(number) => match Number::from_f64(*number) {
            Some(number) => Json::Number(number),
            None if number.is_nan() => Json::from("NaN"),
            None => Json::from(if *number > 0.0 { "Infinity" } else { "-Infinity" }),
        },
        Value::I64(number) => Json::from(*number),
        Value::U64(number) => Json::from(*number),
        Value::Bool(flag) => Json::Bool(*flag),
        Value::Text(text) => Json::from(text.as_str()),
        // The text of a `Json` value should be valid JSON; if it is not, the value becomes a JSON
        // string.
        Value::Json(text) => {
            serde_json::from_str(text).unwrap_or_else(|_| Json::from(text.as_str()))
        }
    }
}

/// Converts a scalar of JSON to a value; returns `None` for null, arrays and objects. Whole numbers
/// from -2^63 to 2^64 - 1 without a point or an exponent stay exact; all other numbers become
/// floats. A string becomes a text, even if [`to_json`] made the string from a float that is not
/// finite.
pub fn from_json(json: &Json) -> Option<Value> {
    match json {
        Json::Bool(flag) => Some(Value::Bool(*flag)),
        Json::Number(number) => number
            .as_i64()
            .map(Value::I64)
            .or_else(|| number.as_u64().map(Value::U64))
            .or_else(|| number.as_f64().map(Value::F64)),
        Json::String(text) => Some(Value::Text(text.clone())),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// Merges `over` into `base`. Two objects are merged key by key, at every depth. Any other value of
/// `over` replaces the value of `base`.
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
