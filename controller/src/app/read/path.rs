//! Finds one value of a JSON object without keeping the other values. `app::read::find` uses this
//! module to read one value from the config of every run. This module does no I/O and accepts any
//! text.

use std::fmt;

use record::Value;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::Value as Json;

/// Returns the value at a path: `a.b` means the key `a.b`, or else the key `b` in the object `a`.
/// Null counts as missing, and a list or an object is returned as JSON. If a key of the outermost
/// object occurs twice, the first one counts. The texts `NaN`, `Infinity` and `-Infinity` become
/// the floats that JSON lacks.
pub(in crate::app) fn value(json: &str, path: &str) -> Option<Value> {
    // The only JSON object of at most 2 bytes is the empty one.
    if json.len() <= 2 {
        return None;
    }
    let found = serde_json::Deserializer::from_str(json).deserialize_map(In(path)).ok()?;
    json_value(&found?)
}

/// Returns a JSON value as a value of a row. Null counts as missing.
pub(in crate::app) fn json_value(found: &Json) -> Option<Value> {
    if found.is_null() {
        return None;
    }
    match record::json::from_json(found).unwrap_or_else(|| Value::Json(found.to_string())) {
        Value::Text(text) => Some(match text.as_str() {
            "NaN" => Value::F64(f64::NAN),
            "Infinity" => Value::F64(f64::INFINITY),
            "-Infinity" => Value::F64(f64::NEG_INFINITY),
            _ => Value::Text(text),
        }),
        other => Some(other),
    }
}

/// Returns the part of `path` that remains within the object under `key`. The part is empty if
/// `key` is the whole path. Returns `None` if the path does not lead to `key`.
fn rest<'p>(path: &'p str, key: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(key)?;
    if rest.is_empty() {
        Some(rest)
    } else {
        rest.strip_prefix('.').filter(|rest| !rest.is_empty())
    }
}

/// Returns the value at a path in a parsed object.
fn inner(object: &Json, path: &str) -> Option<Json> {
    let object = object.as_object()?;
    object.get(path).cloned().or_else(|| {
        object
            .iter()
            .find_map(|(key, value)| inner(value, rest(path, key).filter(|rest| !rest.is_empty())?))
    })
}

/// A visitor that reads an object and finds the value at this path.
struct In<'p>(&'p str);

impl<'de> Visitor<'de> for In<'_> {
    type Value = Option<Json>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut whole, mut nested) = (None, None);
        while let Some(left) = map.next_key_seed(Left(self.0))? {
            match left {
                Some("") if whole.is_none() => whole = Some(map.next_value()?),
                Some(rest) if nested.is_none() && !rest.is_empty() => {
                    nested = inner(&map.next_value::<Json>()?, rest);
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(whole.or(nested))
    }
}

/// A visitor that reads a key, and returns the part of this path that remains after the key.
struct Left<'p>(&'p str);

impl<'de, 'p> DeserializeSeed<'de> for Left<'p> {
    type Value = Option<&'p str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'p> Visitor<'_> for Left<'p> {
    type Value = Option<&'p str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(rest(self.0, key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_key_and_by_path() {
        let json = "{\"lr\": 0.1, \"a\": {\"b\": {\"c\": 1, \"c.d\": true}, \"x\": \"NaN\"}, \
            \"a.b\": \"key \\u00e9\", \"é\": 2, \"n\": null, \"l\": [1, {}]}";
        for (path, found) in [
            ("lr", Some(Value::F64(0.1))),
            ("a.b.c", Some(Value::I64(1))),
            ("a.b.c.d", Some(Value::Bool(true))),
            ("a.b", Some(Value::Text("key é".to_owned()))),
            ("é", Some(Value::I64(2))),
            ("n", None),
            ("l", Some(Value::Json("[1,{}]".to_owned()))),
            ("a.", None),
            ("lo", None),
            ("lr.x", None),
        ] {
            assert_eq!(value(json, path), found, "{path}");
        }
        assert!(matches!(value(json, "a.x"), Some(Value::F64(number)) if number.is_nan()));
        assert_eq!(
            (value("no json", "a"), value("[1, 2]", "a"), value("{}", "a")),
            (None, None, None)
        );
    }
}
